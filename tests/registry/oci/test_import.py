"""`mvc import oci://...`: what mvc published comes back with the same ids, from copies too."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mvc
from mvc.model.ids import VersionId
from mvc.registry.oci import media_types
from mvc.registry.oci.manifest import ModelManifest
from tests.cli.shell import Shell, begin
from tests.registry.oci.test_publish import manifest, tag_of, tags, url
from tests.servers.registry import Registry


@pytest.fixture
def ben(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Somebody else's repository, without a model."""
    return empty(tmp_path / "ben", monkeypatch)


def empty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    folder.mkdir()
    shell = Shell(folder, monkeypatch)
    shell.ok("init")
    return shell


def ids(shell: Shell, revision: str = "main") -> list[str]:
    return [version["id"] for version in shell.ok("log", revision, "--json").json["versions"]]


def sound(shell: Shell) -> None:
    shell.ok("fsck", "--read-data")


def test_a_history_comes_back_with_its_ids_and_files(shell: Shell, ben: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "back"), "--all", "--tag", "prod")
    ben.ok("import", url(registry, "back"))
    assert ids(ben) == ids(shell)
    assert {*ids(ben, "--all")} == {*ids(shell, "--all")}
    assert ben.ok("alias", "--json").json["aliases"][0]["name"] == "prod"
    for version in ids(shell, "--all"):
        for row in shell.ok("ls", version, "--json").json["files"]:
            path = f"{version}:{row['path']}"
            assert ben.raw("cat", path)[1] == shell.raw("cat", path)[1]
    sound(ben)


def test_importing_twice_adds_nothing(shell: Shell, ben: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "twice"), "--all")
    ben.ok("import", url(registry, "twice"))
    before = ids(ben, "--all")
    again = ben.ok("import", url(registry, "twice"))
    assert "Nothing new." in again.out
    assert "fetched" not in again.out
    assert ids(ben, "--all") == before


def test_a_dry_run_names_the_versions_and_changes_nothing(shell: Shell, ben: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "dry-import"), "main")
    said = ben.ok("import", "-n", url(registry, "dry-import"))
    assert "1 version would be imported" in said.out
    assert ben.ok("models", "--json").json["models"] == []


def test_one_tag_is_imported_and_its_parents_are_named_as_absent(shell: Shell, ben: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "one"), "--all")
    said = ben.ok("import", f"{url(registry, 'one')}:{tag_of(shell, 'main')}")
    assert ids(ben) == ids(shell)[:1]
    assert "lacks the parent" in said.err
    ben.ok("import", url(registry, "one"))  # then the whole history
    assert ids(ben) == ids(shell)
    sound(ben)


def test_later_versions_are_a_fast_forward(shell: Shell, ben: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "later"), *reversed(ids(shell)))
    ben.ok("import", url(registry, "later"))
    shell.write("weights/best.onnx", b"new weights")
    shell.commit("Newer")
    shell.ok("publish", url(registry, "later"))
    ben.ok("import", url(registry, "later"))
    assert ids(ben) == ids(shell)
    assert (ben.folder / "weights/best.onnx").read_bytes() == b"new weights"


def test_a_layout_folder_is_recognised_by_its_contents(shell: Shell, ben: Shell, tmp_path: Path) -> None:
    shell.ok("export", "--oci", "v1", str(tmp_path / "layout"))
    ben.ok("import", str(tmp_path / "layout"))
    assert ids(ben) == ids(shell)[-1:]
    again = begin_other(tmp_path, shell)
    again.ok("import", "--oci", str(tmp_path / "layout"))
    assert ids(again) == ids(shell)[-1:]
    sound(again)


def begin_other(tmp_path: Path, shell: Shell) -> Shell:
    return empty(tmp_path / "carl", shell._patch)


def test_every_layout_is_one_that_skopeo_reads(
    shell: Shell, ben: Shell, registry: Registry, skopeo: Callable[..., str], tmp_path: Path
) -> None:
    shell.ok("export", "--oci", "main", str(tmp_path / "layout"))
    skopeo("copy", "--dest-tls-verify=false", f"oci:{tmp_path}/layout", f"docker://{registry.host}/team/carried:x")
    ben.ok("import", f"{url(registry, 'carried')}:x")
    assert ids(ben) == ids(shell)[:1]


def test_python_imports_as_the_command_does(shell: Shell, ben: Shell, registry: Registry) -> None:
    shell.ok("publish", url(registry, "python"), "v1")
    done = mvc.open(ben.folder).imports.oci(url(registry, "python"))
    assert [str(step.id) for step in done.versions] == ids(shell)[-1:]


def test_without_a_network_only_a_layout_is_imported(shell: Shell, ben: Shell, tmp_path: Path) -> None:
    shell.ok("export", "--oci", "v1", str(tmp_path / "layout"))
    said = ben("--offline", "import", "oci://127.0.0.1:1/team/helmets")
    assert said.code == 15
    assert "--offline" in said.err
    ben.ok("--offline", "import", str(tmp_path / "layout"))


def test_without_requests_the_extra_is_named(shell: Shell, ben: Shell, tmp_path: Path) -> None:
    shell.ok("export", "--oci", "v1", str(tmp_path / "layout"))
    code = "import sys; sys.modules['requests'] = None; from mvc.cli.app.main import run; sys.exit(run(sys.argv[1:]))"

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    for folder, verb in ((ben.folder, "import"), (shell.folder, "publish")):
        said = run(folder, verb, "oci://127.0.0.1:1/team/helmets")
        assert said.returncode == 2
        assert "pip install 'modelvc[docker]'" in said.stderr
    assert run(ben.folder, "import", str(tmp_path / "layout")).returncode == 0


@pytest.mark.parametrize("damage", ["blob", "short", "index", "mark", "manifest"])
def test_a_damaged_layout_is_refused(shell: Shell, ben: Shell, tmp_path: Path, damage: str) -> None:
    shell.ok("export", "--oci", "v1", str(tmp_path / "layout"))
    layout = tmp_path / "layout"
    index = json.loads((layout / "index.json").read_text())
    document = ModelManifest.decode(_blob(layout, index["manifests"][0]["digest"]).read_bytes())
    assert document.version is not None
    if damage == "blob":
        path = _blob(layout, document.files["weights/best.onnx"].digest)
        path.write_bytes(b"W" + path.read_bytes()[1:])
    elif damage == "short":
        path = _blob(layout, document.version.digest)
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "manifest":
        path = _blob(layout, index["manifests"][0]["digest"])
        path.write_bytes(path.read_bytes() + b" ")
    else:
        (layout / ("index.json" if damage == "index" else "oci-layout")).write_text("[]")
    said = ben("import", str(layout))
    assert said.code in {3, 17}, said
    assert ben("log").code != 0
    assert ben.ok("models", "--json").json["models"] == []


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def test_artifacts_that_are_no_models_are_left_out(shell: Shell, ben: Shell, registry: Registry) -> None:
    registry.push("team/mixed", "image", b"the layer of an image")
    registry.push_index("team/mixed", "index", {"linux/amd64": b"for a desk"})
    shell.ok("publish", url(registry, "mixed"), "v1")
    said = ben.ok("import", url(registry, "mixed"))
    assert ids(ben) == ids(shell)[-1:]
    assert "image was left out: it is not a model artifact" in said.err
    assert "index was left out" in said.err


def test_what_a_registry_does_not_have_is_named(ben: Shell, registry: Registry) -> None:
    for place in (url(registry, "absent"), f"{url(registry, 'absent')}:v9"):
        said = ben("import", place)
        assert said.code == 2
        assert "Not found on 127.0.0.1" in said.err


def test_swapped_blobs_give_no_version(shell: Shell, ben: Shell, registry: Registry) -> None:
    """The digest is right for the blob, but the blob is not the version's file."""
    shell.ok("publish", url(registry, "swapped"), "v1")
    tag = tag_of(shell, "v1")
    document = json.loads(manifest(registry, tag, "swapped"))
    first, second = [layer for layer in document["layers"] if media_types.FILE in layer["annotations"]][:2]
    same_size = next(layer for layer in document["layers"] if layer["mediaType"] == media_types.VERSION)
    first["digest"], first["size"] = second["digest"], second["size"]
    second["digest"], second["size"] = same_size["digest"], same_size["size"]
    registry.put("team/swapped", tag, json.dumps(document).encode(), media_types.MANIFEST)
    said = ben("import", url(registry, "swapped"))
    assert said.code == 3
    assert "the source lacks" in said.err
    assert ben.ok("models", "--json").json["models"] == []


def test_random_versions_survive_a_copy(
    registry: Registry, skopeo: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    rng: random.Random, deep: bool,
) -> None:  # fmt: skip
    """Publish, copy to another repository by way of a folder, import elsewhere: the same ids."""
    rounds = 100 if deep else 5
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    name = f"random-{rng.getrandbits(32)}"
    for number in range(rounds):
        _change(shell, rng, number)
        shell.commit(rng.choice(["Night", "Größe\n\nein Text", "a: b #c"]) + f" {number}")
        if rng.random() < 0.2:
            shell.ok("switch", "-q", "-c", f"side-{number}", "main")
    shell.ok("publish", url(registry, name), "--all")
    published = tags(registry, name)
    assert len(published) == rounds
    for tag in published:
        form = rng.choice(["oci", "dir"])
        folder = f"{form}:{tmp_path}/{tag}" + (f":{tag}" if form == "oci" else "")
        skopeo("copy", "--src-tls-verify=false", f"docker://{registry.host}/team/{name}:{tag}", folder)
        skopeo("copy", "--dest-tls-verify=false", folder, f"docker://{registry.host}/team/{name}-copy:{tag}")
    ben = empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", url(registry, f"{name}-copy"))
    assert {*_objects(ben)} == {*_objects(shell)}
    assert len(_objects(ben)) == rounds
    sound(ben)


def _objects(shell: Shell) -> list[VersionId]:
    return [VersionId(version["id"]) for version in shell.ok("log", "--all", "--json").json["versions"]]


def _change(shell: Shell, rng: random.Random, number: int) -> None:
    """Change files, values or both."""
    for path in rng.sample(
        ["best.onnx", "weights/ü.pt", "notes/a b.md", "data/x.parquet", "empty.bin"], rng.randint(1, 3)
    ):
        is_new = not (shell.folder / path).exists()
        size = 0 if path == "empty.bin" else rng.choice([1, 500, 70_000, 1_200_000])
        shell.write(path, rng.randbytes(size))
        if is_new:
            shell.ok("add", path, *(["--as", "model-latest"] if path == "best.onnx" else []))
    shell.set(parameters__epochs=number, metrics__mAP50=round(rng.random(), 3))
