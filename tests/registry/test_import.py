"""`mvc import` and `mvc clone picsellia://`, through the real SDK, from a fake platform."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from tests.cli.shell import MODEL, Shell, begin
from tests.registry.stock import stock
from tests.servers.picsellia import TOKEN, Platform

pytestmark = pytest.mark.usefixtures("naps")


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """Ana, who made two versions."""
    monkeypatch.setenv("PICSELLIA_TOKEN", TOKEN)
    (tmp_path / "ana").mkdir()
    ana = begin(tmp_path / "ana", monkeypatch)
    ana.write("best.onnx", rng.randbytes(40_000))
    ana.ok("add", "best.onnx", "--as", "model-latest")
    ana.set(labelmap__0="helmet", parameters__lr="0.1", model__type="OBJECT_DETECTION")
    ana.commit("one")
    ana.write("best.onnx", rng.randbytes(40_000))
    ana.commit("two")
    return ana


@pytest.fixture
def ben(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Ben, who has a repository without a model."""
    monkeypatch.setenv("PICSELLIA_TOKEN", TOKEN)
    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    return Shell(tmp_path / "ben", monkeypatch)


def ids(shell: Shell) -> list[VersionId]:
    return [VersionId(line) for line in shell.ok("log", "--format", "{id}").out.split()][::-1]


def test_a_clone_has_versions_files_and_the_remote(ana: Shell, ben: Shell, platform: Platform) -> None:
    made = ids(ana)
    for id_ in made:
        stock(platform, ana.repository, id_)
    url = f"picsellia://acme/{MODEL}"
    result = ben.ok("clone", url, "copy", "-o", f"host={platform.host}")
    assert "#0  v1-" in result.out
    copy = Shell(ben.folder / "copy", ben._patch)
    assert ids(copy) == made
    assert (copy.folder / "best.onnx").read_bytes() == (ana.folder / "best.onnx").read_bytes()
    assert "nothing to commit" in copy.ok("status").out.lower() or not copy.ok("status", "-s").out
    assert copy.ok("remote", "-v").out.split()[:3] == ["picsellia", "picsellia://acme", "picsellia"]
    copy.ok("fsck", "--read-data")
    again = copy.ok("import", url, "--json").json
    assert {each["how"] for each in again["versions"]} == {"known"}
    assert again["bytes_received"] == 0


def test_a_version_made_by_hand_is_imported_with_all_its_fields(ben: Shell, platform: Platform) -> None:
    helmets = platform.add_model("Helmets")
    row = platform.add_version(
        helmets, name="night", type="DETECTRON", labels={"0": "helmet", "5": "head"}, base_parameters={"lr": 0.1},
        docker_image_name="acme/yolo", docker_tag="1.4", created_at="2026-01-02T03:04:05Z",
    )  # fmt: skip
    platform.add_file(row, "model-latest", b"weights")["filename"] = "../../outside.onnx"
    experiment = platform.add_experiment("exp-9", train=platform.add_dataset_version("traffic", "3"))
    platform.trained_by(row, experiment)
    result = ben("import", "picsellia://acme/Helmets", "-o", f"host={platform.host}")
    assert result.code == 0
    assert "imported as outside.onnx" in result.err
    shown = ben.ok("show", "--json").json
    assert shown["author"] == {"name": "picsellia:acme", "email": ""}
    assert shown["time"] == "2026-01-02T03:04:05Z"
    assert shown["manifest"]["source"]["experiment"]["id"] == experiment["id"]
    assert shown["manifest"]["source"]["datasets"][0]["alias"] == "train"
    assert shown["labelmap"] == [[0, "helmet"], [5, "head"]]
    assert (ben.folder / "outside.onnx").read_bytes() == b"weights"
    assert not (ben.folder.parent / "outside.onnx").exists()


def test_a_hostile_file_is_refused_before_it_is_stored(ana: Shell, ben: Shell, platform: Platform) -> None:
    row = platform.add_version(platform.add_model("Helmets"), name="night")
    platform.add_file(row, "model-latest", b"cos\nsystem\n(S'true'\ntR.")
    ana.write("best.pt", b"cos\nsystem\n(S'false'\ntR.")
    ana.ok("add", "best.pt", "--as", "checkpoint")
    ana.ok("commit", "-m", "x", "--allow-unsafe")
    stock(platform, ana.repository, ids(ana)[-1])
    for name in ("Helmets", MODEL):
        command = ("import", f"picsellia://acme/{name}", "-o", f"host={platform.host}")
        said = ben(*command)
        assert (said.code, " is hostile" in said.err) == (17, True), said
        assert not [model for model in ben.repository.heads.models() if ben("--model", model, "log").code == 0]
    for name in ("Helmets", MODEL):
        said = ben.ok("import", f"picsellia://acme/{name}", "-o", f"host={platform.host}", "--allow-unsafe")
        assert " is hostile" in said.err


def test_ids_do_not_depend_on_the_spelling_of_organization_and_host(ben: Shell, platform: Platform) -> None:
    platform.add_version(platform.add_model("Helmets"), name="night")
    first = ben.ok("import", "picsellia://acme/Helmets", "-o", f"host={platform.host}").out
    assert "by hand" in first
    again = ben.ok("import", f"picsellia://{platform.organization['id']}/Helmets", "-o", f"host={platform.host}/").out
    assert "1 version already imported" in again
    other = ben.ok(
        "clone", f"picsellia://{platform.organization['id']}/Helmets", "c", "-o", f"host={platform.host}", "--json"
    )
    assert other.json["versions"][0]["id"] == ids(ben)[0]


def test_a_skipped_version_exits_with_3_and_a_reason(ben: Shell, platform: Platform) -> None:
    helmets = platform.add_model("Helmets")
    platform.add_version(helmets, name="good")
    platform.add_version(helmets, name="v7-3f9c2ab1d0f4")
    result = ben("import", "picsellia://acme/Helmets", "-o", f"host={platform.host}")
    assert result.code == 3
    assert "left out: #1 v7-3f9c2ab1d0f4: its publish is incomplete" in result.err


def test_log_show_and_revisions_use_published_places(ana: Shell, ben: Shell, platform: Platform) -> None:
    made = ids(ana)
    rows = [stock(platform, ana.repository, id_) for id_ in made]
    ben.ok("import", f"picsellia://acme/{MODEL}", "-o", f"host={platform.host}")
    page = f"{platform.host}/model/version/{rows[0]['id']}"
    assert "Picsellia #1" in ben.ok("log", "--oneline").lines[0]
    assert "Picsellia #0" in ben.ok("log", "v1").lines[0]
    assert page in ben.ok("log", "-v").out
    assert ben.ok("log", "--format", "{number} {registry}").lines == ["2 Picsellia #1", "1 Picsellia #0"]
    assert f"#0 {rows[0]['name']} of {MODEL} of acme  {page}" in ben.ok("show", f"picsellia:{MODEL}@0").out
    assert ben.ok("show", "v1", "--json").json["registry"][0]["page"] == page
    assert ben.ok("show", f"picsellia:{MODEL}@1~1", "--json").json["id"] == made[0]
    assert ben.ok("show", f"picsellia:{MODEL}@{rows[1]['name']}", "--json").json["id"] == made[1]
    assert ben.raw("cat", f"picsellia:{MODEL}@1:model-latest")[1] == (ben.folder / "best.onnx").read_bytes()
    assert ben.ok("log", f"picsellia:{MODEL}@0..picsellia:{MODEL}@1", "--format", "{number}").out == "2\n"
    for wrong in (f"picsellia:{MODEL}@7", "picsellia:nothing@1", "picsellia:x"):
        result = ben("show", wrong)
        assert result.code == 2
        assert "mvc import" in result.err
    assert "Picsellia" not in ana.ok("log").out


@pytest.mark.parametrize(
    ("url", "code", "word"),
    [
        ("picsellia://acme/Nothing", 2, "Helmets"),
        ("picsellia://acme/Helmets@9", 2, "#0 night"),
        ("picsellia://acme", 2, "no model"),
        ("s3://bucket/x", 2, "picsellia://"),
        ("picsellia://other/Helmets", 128, "organization"),
    ],
)
def test_a_missing_model_or_version_is_named_and_leaves_nothing(
    ben: Shell, platform: Platform, url: str, code: int, word: str
) -> None:
    platform.add_version(platform.add_model("Helmets"), name="night")
    result = ben("import", url, "-o", f"host={platform.host}")
    assert result.code == code, result
    assert word in result.err
    assert not ben.repository.heads.models()
    if url.startswith("picsellia://"):
        result = ben("clone", url, "copy", "-o", f"host={platform.host}")
        assert result.code == code, result
        assert not (ben.folder / "copy").exists()


def test_without_a_token_the_error_names_the_variable(
    ben: Shell, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PICSELLIA_TOKEN")
    result = ben("import", "picsellia://acme/Helmets", "-o", f"host={platform.host}")
    assert result.code == 12
    assert "PICSELLIA_TOKEN" in result.err
    monkeypatch.setenv("PICSELLIA_TOKEN", "wrong-token-value")
    result = ben("import", "picsellia://acme/Helmets", "-o", f"host={platform.host}")
    assert result.code == 12
    assert "wrong-token-value" not in result.err


def test_hostile_versions_import_equally_on_two_machines_inside_the_folder(ben: Shell, platform: Platform) -> None:
    helmets = platform.add_model("Helmets / night: v2")
    odd = platform.add_version(
        helmets, name="odd", type="PANOPTIC", framework="YOLOV8", base_parameters={"a": None, "b": 1}
    )
    gone = platform.add_version(helmets, name="", parameters={"a": [1.5, None]}, labels={"0": "a", "3": "d", "9": "j"})
    del platform.contexts[gone["id"]]
    for filename in ("../../up.bin", "..", "/etc/passwd", "C:\\x\\y.bin", ".git", "nul", "x" * 300 + ".bin"):
        platform.add_file(odd, f"role of {len(filename)}", filename.encode())["filename"] = filename
    for number in (1, 2):
        platform.add_file(gone, "model-latest", f"{number}".encode(), "same.pt")
    platform.add_file(gone, "../role:\n", b"3", "SAME.pt")
    platform.add_version(helmets, name="labels are words", labels={"car": 0})
    where = "picsellia://acme/Helmets %2F night: v2".replace(" ", "%20")
    before = {path for path in ben.folder.parent.rglob("*") if "repo" not in path.name}
    found = []
    for folder in ("one", "two"):
        result = ben("clone", where, folder, "-o", f"host={platform.host}", "--json")
        assert result.code == 0, result.err
        found.append([each["id"] for each in result.json["versions"]])
        Shell(ben.folder / folder, ben._patch).ok("fsck", "--read-data")
    assert found[0] == found[1]
    assert None not in found[0]
    outside = {path for path in ben.folder.parent.rglob("*") if path not in before}
    inside = [ben.folder / folder for folder in ("one", "two")]
    assert all(any(path == top or top in path.parents for top in inside) for path in outside)


@pytest.mark.parametrize("more", [b"", b"longer"])
def test_files_that_do_not_match_the_marker_are_another_version(
    ana: Shell, ben: Shell, platform: Platform, more: bytes
) -> None:
    made = ids(ana)
    row = stock(platform, ana.repository, made[0])
    file = next(each for each in platform.files_of(row) if each["name"] == "model-latest")
    platform.objects.data[file["object_name"]] = (platform.bytes_of(file) + more)[1:]
    result = ben.ok("import", f"picsellia://acme/{MODEL}", "-o", f"host={platform.host}", "--json").json
    assert result["versions"][0]["how"] == "changed"
    assert result["absent"] == [made[0]]
    assert "model-latest (replaced)" in result["versions"][0]["notes"][0]
    ben.ok("fsck", "--read-data")
