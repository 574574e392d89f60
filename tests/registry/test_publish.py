"""`mvc publish`: creates each version once and completely, changes nothing else, and colleagues see the places."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from mvc.registry import fields, marker, published
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.repository import places
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.remotes.clones import clone
from tests.servers.picsellia import Platform


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Shell:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    return shell


def head(shell: Shell) -> VersionId:
    found = shell.repository.current(MODEL)
    assert found is not None
    return found


def test_every_field_and_file_is_published(shell: Shell, platform: Platform) -> None:
    result = shell.ok("publish")
    histories.check_complete(platform, shell.repository, head(shell))
    [row] = platform.versions_of(MODEL)
    assert {key: row[key] for key in row if key not in ("id", "origin", "tags", "thumbnail_object_name")} == {
        "name": f"v1-{head(shell)[:12]}", "version": 0, "type": "OBJECT_DETECTION", "framework": "ONNX",
        "labels": {"0": "helmet", "1": "head"}, "parameters": {"epochs": 100, "lr": 0.5},
        "docker_image": "acme/yolo", "docker_tag": "1.4", "docker_flags": ["--gpus all"],
        "docker_env_variables": {"MODE": "train"}, "description": "Finds helmets",
        "notebook_link": "https://example.org/notebook",
    }  # fmt: skip
    assert platform.objects.data[row["thumbnail_object_name"]] == b"\x89PNG picture"
    assert f"Picsellia #0  v1-{head(shell)[:12]}  {platform.host}/model/version/{row['id']}" in result.out
    assert platform.files_of(row)[-1]["name"] == marker.NAME, "the marker is last"


def test_a_second_publish_sends_nothing(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    before = histories.state(platform)
    calls = len(platform.calls)
    result = shell.ok("publish")
    assert result.lines[-1] == "Everything up to date."
    assert histories.state(platform) == before
    assert {call.method for call in platform.calls[calls:]} == {"GET"}
    assert len(platform.calls[calls:]) == 6, "the organization, the model, the version and its files"


@pytest.mark.parametrize("kind", ["aws", "google", "azure"])
def test_a_history_with_a_side_branch_and_a_large_file_is_published(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    platform.rules.client_type = kind
    shell = histories.six(tmp_path / "six", monkeypatch, 26 * 1024 * 1024)
    histories.register(shell, platform, monkeypatch)
    done = shell.ok("publish", "--all", "--json").json
    assert [each["flag"] for each in done["versions"]] == ["*"] * 6
    for each in done["versions"]:
        histories.check_complete(platform, shell.repository, each["id"])
    before = histories.state(platform)
    assert [each["flag"] for each in shell.ok("publish", "--all", "--json").json["versions"]] == ["="] * 6
    assert histories.state(platform) == before
    assert not (shell.folder / ".mvc" / "publishing").exists() or not list(
        (shell.folder / ".mvc" / "publishing").iterdir()
    )
    shell.ok("fsck")


def test_a_dry_run_changes_nothing_here_or_on_the_registry(shell: Shell, platform: Platform) -> None:
    result = shell.ok("publish", "-n")
    assert " * v1" in result.out
    assert "Would publish 1 version." in result.out
    assert (platform.models, platform.versions) == ({}, {})
    assert places.places(Model(shell.repository, MODEL), head(shell)) == []
    shell.ok("publish")
    assert " = v1" in shell.ok("publish", "--dry-run").out


def test_another_model_name_on_the_registry_is_remembered(shell: Shell, platform: Platform) -> None:
    shell.ok("publish", "--as", "Helmets (night)")
    shell.set(parameters__epochs=3)
    shell.commit("two")
    assert "model Helmets (night)" in shell.ok("publish").out
    assert [row["name"] for row in platform.models.values()] == ["Helmets (night)"]
    histories.check_complete(platform, shell.repository, head(shell), "Helmets (night)")


def test_another_machine_finds_the_published_versions(
    shell: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("remote", "add", "origin", str(tmp_path / "shared"))
    shell.ok("push", "origin")
    shell.ok("publish")
    before = histories.state(platform)
    Shell(tmp_path, monkeypatch).ok("clone", "-q", str(tmp_path / "shared"), "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    histories.register(ben, platform, monkeypatch)
    assert " = v1" in ben.ok("publish").out
    assert histories.state(platform) == before
    assert places.places(Model(ben.repository, MODEL), head(ben)) == places.places(
        Model(shell.repository, MODEL), head(shell)
    )


# --- versions of somebody else


def _begun(shell: Shell, platform: Platform, **edited: object) -> dict[str, Any]:
    """Add a version without files, with the name and fields of ours except `edited`."""
    objects = shell.repository.objects
    same = fields.request(objects.manifest(objects.version(head(shell)).manifest))
    return platform.add_version(platform.add_model(MODEL), **{"name": f"v1-{head(shell)[:12]}", **same, **edited})


def test_an_equal_incomplete_version_of_somebody_else_is_completed(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    mark, picture = (next(f for f in platform.files_of(row) if f["name"] == name) for name in (marker.NAME, "picture"))
    del platform.files[mark["id"]], platform.files[picture["id"]]
    (shell.folder / ".mvc" / "refs" / MODEL / "published").rename(shell.folder / "aside")
    result = shell.ok("publish")
    assert " + v1" in result.out
    assert "resumed" in result.out
    histories.check_complete(platform, shell.repository, head(shell))


def test_a_version_with_other_fields_is_not_changed(shell: Shell, platform: Platform) -> None:
    _begun(shell, platform, labels={"0": "cat"})
    before = histories.state(platform)
    result = shell("publish")
    assert result.code == 13
    assert "labels" in result.err
    assert histories.state(platform) == before


def test_another_file_with_that_role_is_not_replaced(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    for file in platform.files_of(row):
        del platform.files[file["id"]]
    platform.add_file(row, "model-latest", b"another" * 50)
    before = set(platform.files)
    result = shell("publish")
    assert result.code == 13
    assert "another file as model-latest" in result.err
    assert before <= set(platform.files)


@pytest.mark.parametrize("damage", ["garbage", "copied", "file gone"])
def test_an_invalid_marker_is_reported_and_not_replaced(shell: Shell, platform: Platform, damage: str) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    mark, weights = (next(f for f in platform.files_of(row) if f["name"] == n) for n in (marker.NAME, "model-latest"))
    if damage in ("garbage", "copied"):
        copied = platform.bytes_of(mark).replace(row["id"].encode(), b"x" * len(row["id"]))
        del platform.files[mark["id"]]
        platform.add_file(row, marker.NAME, b"{}" if damage == "garbage" else copied)
    else:
        del platform.files[weights["id"]]
    before = histories.state(platform)
    result = shell("publish")
    assert result.code == 13, result
    assert "differs from the version of that name in this repository" in result.err
    assert histories.state(platform) == before


def test_a_version_with_added_files_is_up_to_date_and_they_are_named(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    platform.add_file(row, "converted", b"engine", "best.engine")
    before = histories.state(platform)
    for command in (("publish",), ("publish", "-n"), ("publish", "--all")):
        result = shell.ok(*command)
        assert "[already published, 1 file added]" in result.out
        assert "1 file was added on the registry: converted (best.engine)" in result.err
    assert shell.ok("publish", "--json").json["versions"][0]["added"][0]["role"] == "converted"
    result = shell("drift")
    assert "  1 file added: converted (best.engine)" in result.lines
    assert "1 version compared, 1 has files added." in result.lines
    assert (result.code, shell("drift", "--json").json["versions"][0]["state"]) == (1, "files added")
    assert "1 file was added since it was published" in shell.ok("import", f"picsellia://acme/{MODEL}").err
    command = re.findall("`(mvc import .*?)`", shell.ok("publish").err)[0]
    assert "imported as a child of the published version" in shell.ok(*shlex.split(command)[1:]).out
    assert shell.ok("diff", "v1", "picsellia-0", "--name-status").lines == ["M\tmodel.toml", "A\tbest.engine"]
    assert shell.ok("drift").out == "1 version compared, no differences.\n"
    assert "added" not in shell.ok("publish", "--all").out
    assert histories.state(platform) == before


def test_edited_fields_of_a_complete_version_are_reported(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    row.update(description="edited", docker_tag="2", name="final")
    row["labels"]["0"] = "hat"
    edited = {"name", "description", "docker_tag", "labels.0"}
    for command in ("publish", "--json"), ("publish", "--all", "-n", "--json"):
        assert {change["key"] for change in shell.ok(*command).json["versions"][0]["edited"]} == edited
    result = shell.ok("publish")
    assert all(key in result.err for key in edited)
    assert "     labels.0 helmet -> hat" in result.lines


def test_publish_all_leaves_a_changed_version_out_and_publishes_the_others(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    del platform.files[platform.files_of(row)[0]["id"]]
    shell.set(parameters__epochs=3)
    shell.commit("two")
    for option in ("-n", "-v"):
        result = shell("publish", "--all", option)
        assert result.code == 3
        assert " ! v1" in result.out
        assert result.lines[-1] == "1 version left out."
        assert "left out: v1: Version v1-" in result.err
    assert " = v2" in shell("publish", "--all").out
    histories.check_complete(platform, shell.repository, head(shell))
    assert shell("publish", "v1").code == 13
    assert shell("publish", "v1", "v2").code == 13


def test_an_imported_version_is_there_already(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    row = platform.add_version(next(iter(platform.models.values())), name="night", parameters={"lr": 1})
    platform.add_file(row, "model-latest", b"night")
    shell.ok("import", f"picsellia://acme/{MODEL}")
    before = histories.state(platform)
    for command in (("publish", "picsellia-1"), ("publish", "-n", "picsellia-1"), ("publish", "--all")):
        result = shell.ok(*command)
        assert "[made there]  Picsellia #1  night" in result.out
        assert platform.host + f"/model/version/{row['id']}" in result.out
        assert result.lines[-1] == "Everything up to date."
    edited, row["labels"] = dict(row), {"0": "edited"}
    result = shell("publish", "picsellia-1")
    assert (result.code, "labelmap.0" in result.err, "mvc import" in result.err) == (13, True, True)
    assert shell("publish", "--all").code == 3
    shell.ok("import", f"picsellia://acme/{MODEL}")
    result = shell.ok("publish", "--all")
    assert [line.split()[0] for line in result.lines if "#1" in line] == ["-", "="]
    platform.versions[row["id"]] = edited
    assert histories.state(platform) == before


def test_a_version_deleted_on_the_registry_is_published_again(shell: Shell, platform: Platform) -> None:
    shell.ok("publish")
    [row] = platform.versions_of(MODEL)
    platform.versions.clear()
    for file in platform.files_of(row):
        del platform.files[file["id"]]
    assert " * v1" in shell.ok("publish").out
    histories.check_complete(platform, shell.repository, head(shell))


def test_of_duplicates_the_first_complete_one_is_used_and_all_are_listed(
    shell: Shell, platform: Platform, registry: PicselliaRegistry
) -> None:
    platform.rules.unique = False
    empty = _begun(shell, platform)
    shell.ok("publish")  # completes the existing one
    model = registry.find_model(MODEL)
    assert model is not None
    platform.add_version(platform.models[model.id], name=empty["name"])
    found = published.candidates(registry, model, str(empty["name"]), head(shell))
    assert [each.state for each in found] == [published.State.COMPLETE, published.State.BEGUN]
    best = published.best(found[::-1])
    assert best is not None
    assert best.version.id == empty["id"]
    (shell.folder / ".mvc" / "refs" / MODEL / "published").rename(shell.folder / "aside")
    assert " = v1" in shell.ok("publish").out


def test_duplicates_are_listed_after_publishing(shell: Shell, platform: Platform) -> None:
    platform.rules.unique = False
    first = _begun(shell, platform)
    platform.add_version(next(iter(platform.models.values())), name=first["name"])
    result = shell.ok("publish")
    assert f"{first['name']}: #0, #1" in result.err


# --- unsent values and secrets


def test_unsent_values_are_warned_about_and_in_the_marker(shell: Shell, platform: Platform) -> None:
    shell.set(model__type="MULTI", model__thumbnail="elsewhere.png")
    shell.commit("multi")
    result = shell.ok("publish")
    assert "model.type = MULTI is in the marker only" in result.err
    assert "elsewhere.png is not a file of the version" in result.err
    row = next(row for row in platform.versions_of(MODEL) if row["name"].startswith("v2"))
    assert row["type"] == "NOT_CONFIGURED"
    assert " = v2" in shell.ok("publish").out


def test_without_a_token_or_a_registry_the_error_has_a_hint(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PICSELLIA_TOKEN")
    result = shell("publish")
    assert result.code == 12
    assert "PICSELLIA_TOKEN" in result.err
    shell.ok("remote", "rm", "picsellia")
    result = shell("publish")
    assert result.code == 2
    assert "mvc remote add picsellia picsellia://ORGANIZATION" in result.err
    shell.ok("remote", "add", "origin", "../there")
    assert shell("publish", "--to", "origin").code == 2
    assert shell("publish", "--to", "nowhere").code == 2
    assert shell("publish", "--all", "HEAD").code == 2


def test_a_platform_without_an_answer_leaves_the_repository_unchanged(shell: Shell, naps: list[float]) -> None:
    shell.ok("remote", "set-url", "picsellia", "picsellia://acme", "-o", "host=http://127.0.0.1:1")
    result = shell("publish")
    assert (result.code, result.out) == (15, "")
    assert "Cannot reach picsellia://acme: 127.0.0.1:1 refused the connection" in result.err
    assert sum(naps) == 7.5
    shell.ok("status")
    shell.ok("fsck")


def test_remote_test_creates_nothing(shell: Shell, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    before = histories.state(platform)
    result = shell.ok("remote", "check", "picsellia").lines
    assert result == [f"Token accepted: organization acme at {platform.host}, 0 models"]
    assert histories.state(platform) == before
    assert shell("--offline", "remote", "check", "picsellia").code == 15
    monkeypatch.setenv("PICSELLIA_TOKEN", "canary-another-token")
    assert shell("remote", "check", "picsellia").code == 12


def test_secrets_are_neither_stored_nor_shown(
    shell: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = [shell.ok("publish", "-v"), shell.ok("publish", "--json"), shell.ok("remote", "-v"), shell.ok("config")]
    monkeypatch.setenv("PICSELLIA_TOKEN", "canary-another-token")
    result.append(shell("publish"))
    assert result[-1].code == 12
    for each in result:
        assert "canary" not in each.out + each.err
        assert "X-Signature" not in each.out + each.err
    for path in (shell.folder / ".mvc").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"canary" not in data, path
            assert b"X-Signature" not in data, path


def test_a_partial_clone_fetches_and_publishes_or_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    ana.write("weights/best.onnx", bytes(range(256)) * 200)
    ana.commit("Larger than what comes with the metadata")
    ana.ok("remote", "add", "origin", str(tmp_path / "origin"))
    ana.ok("push")
    few = clone(tmp_path, monkeypatch, "few", "--meta")
    histories.register(few, platform, monkeypatch)
    (tmp_path / "origin").rename(tmp_path / "unplugged")
    before = histories.state(platform)
    failed = few("publish")
    assert failed.code == 15
    assert "weights/best.onnx" in failed.err
    assert "origin" in failed.err
    assert histories.state(platform) == before
    (tmp_path / "unplugged").rename(tmp_path / "origin")
    few.ok("publish")
    histories.check_complete(platform, few.repository, head(few))
    assert few.ok("status", "--json").json["clean"]
    assert not (few.folder / "weights" / "best.onnx").exists()


def test_a_file_with_two_roles_is_sent_once_for_each(
    shell: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("add", "weights/best.onnx", "--as", "pretrained-weights")
    id_ = VersionId(shell.commit("Two roles"))
    shell.ok("publish")
    histories.check_complete(platform, shell.repository, id_)
    assert shell.ok("publish").lines[-1] == "Everything up to date."
    assert shell("drift", histories.REGISTRY).code == 0
    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    histories.register(ben, platform, monkeypatch)
    ben.ok("import", f"picsellia://acme/{MODEL}")
    assert ben.ok("cat", f"{id_}:pretrained-weights").out == ben.ok("cat", f"{id_}:model-latest").out
    assert ben("drift", histories.REGISTRY).code == 0


def test_a_second_role_that_was_replaced_there_is_drift(shell: Shell, platform: Platform) -> None:
    shell.ok("add", "weights/best.onnx", "--as", "pretrained-weights")
    shell.commit("Two roles")
    shell.ok("publish")
    [row] = [row for row in platform.versions_of(MODEL) if row["name"].startswith("v2-")]
    [file] = [file for file in platform.files_of(row) if file["name"] == "pretrained-weights"]
    platform.objects.data[file["object_name"]] = b"others"
    said = shell("drift", histories.REGISTRY, "--read-data")
    assert said.code != 0
    assert "pretrained-weights" in said.out
    assert "model-latest" not in said.out


@pytest.mark.parametrize(
    ("name", "told"),
    [("1/saved_model.pb", "saved_model.pb at the top of the folder"), ("x.bin", "expects one archive")],
)
def test_a_folder_is_published_file_by_file_with_a_warning(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(ana, platform, monkeypatch)
    ana.ok("rm", "model-latest")
    ana.write(f"exported/{name}", b"graph")
    ana.write("exported/variables/variables.index", b"index")
    ana.ok("add", "exported", "--as", "model-latest")
    ana.commit("A folder")
    said = ana.ok("publish")
    assert "model-latest: 2 files of exported/** published one by one" in said.err
    assert told in said.err
    assert told not in ana.ok("publish").err
