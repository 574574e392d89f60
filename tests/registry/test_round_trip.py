"""Publish and import into an empty repository: ids and bytes are equal, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.porcelain.publish import everything
from mvc.repository import places
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.servers.picsellia import Platform

LARGE = 26 * 1024 * 1024


@pytest.mark.parametrize("kind", ["minio", "google", "azure"])
def test_six_versions_with_a_side_branch_survive_publish_and_import(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    platform.rules.client_type = kind
    ana = histories.six(tmp_path / "ana", monkeypatch, LARGE)
    histories.register(ana, platform, monkeypatch)
    assert [each["flag"] for each in ana.ok("publish", "--all", "--json").json["versions"]] == ["*"] * 6
    ben = _empty(tmp_path, "ben", monkeypatch)
    address = f"picsellia://acme/{MODEL}"
    host = ("-o", f"host={platform.host}")
    brought = ben.ok("import", address, *host, "--json").json
    ids = everything(Model(ana.repository, MODEL))
    assert len(ids) == 6
    assert [each["id"] for each in brought["versions"]] == [each["id"] for each in _published(ana)]
    assert {each["id"] for each in brought["versions"]} == set(ids)
    for id_ in ids:
        _same_files(ana, ben, id_, tmp_path)
    before = histories.state(platform)
    again = ben.ok("import", address, *host, "--json").json
    assert {each["how"] for each in again["versions"]} == {"known"}
    assert [each["flag"] for each in ana.ok("publish", "--all", "--json").json["versions"]] == ["="] * 6
    assert histories.state(platform) == before
    ben.ok("fsck")
    assert _heads(ben) == _heads(ana)
    assert ana("drift", "picsellia").code == 0


def test_values_from_files_are_published_as_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    ana.write("args.yaml", b"epochs: 7\nlr0: 0.01\n")
    ana.write("results.csv", b"epoch,mAP50\n1,0.6\n2,0.5\n")
    ana.ok("set", "from.parameters=args.yaml", "from.metrics=results.csv", "from.metrics.best=mAP50")
    ana.commit("Values from files")
    histories.register(ana, platform, monkeypatch)
    ana.ok("publish")
    ben = _empty(tmp_path, "ben", monkeypatch)
    ben.ok("import", f"picsellia://acme/{MODEL}", "-o", f"host={platform.host}")
    assert _heads(ben) == _heads(ana)
    there = ("--model", MODEL)
    assert ben.ok(*there, "show", "HEAD", "--json").json["manifest"]["metrics"] == {"epoch": 1, "mAP50": 0.6}
    ben.ok(*there, "restore", ".")
    assert ben.ok(*there, "get", "metrics.mAP50").out == "0.6\n"
    assert "working tree clean" in ben.ok(*there, "status").out
    assert ana("drift", "picsellia").code == 0


def test_a_colleague_sees_published_versions_through_the_shared_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(ana, platform, monkeypatch)
    ana.ok("remote", "add", "origin", str(tmp_path / "shared"))
    ana.ok("publish")
    ana.ok("push", "origin")
    monkeypatch.delenv("PICSELLIA_TOKEN")
    Shell(tmp_path, monkeypatch).ok("clone", "-q", str(tmp_path / "shared"), "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    [row] = platform.versions_of(MODEL)
    assert "Picsellia #0" in ben.ok("log").out
    assert f"{platform.host}/model/version/{row['id']}" in ben.ok("show").out


def test_a_replaced_file_of_any_size_is_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    ana.write("weights/best.onnx", b"\0x" * 1_500_000)
    ana.commit("Larger than what drift reads")
    histories.register(ana, platform, monkeypatch)
    ana.ok("publish")
    assert ana("drift", "picsellia").code == 0
    [row] = platform.versions_of(MODEL)
    old = next(file for file in platform.files_of(row) if file["name"] == "model-latest")
    del platform.files[old["id"]]
    platform.add_file(row, "model-latest", b"\0y" * 1_500_000, "best.onnx")
    result = ana("drift", "picsellia")
    assert result.code == 1
    assert "model-latest" in result.out


@pytest.mark.parametrize("branch", ["main", "night"])
def test_a_clone_has_the_publishers_branches_and_stands_on_the_current_one(
    branch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.six(tmp_path / "ana", monkeypatch, 1000)
    histories.register(ana, platform, monkeypatch)
    ana.ok("switch", "-q", branch)
    ana.ok("publish", "--all")
    here = ("-q", f"picsellia://acme/{MODEL}", "ben", "-o", f"host={platform.host}")
    Shell(tmp_path, monkeypatch).ok("clone", *here)
    ben = Shell(tmp_path / "ben", monkeypatch)
    assert ben.ok("status", "--json").json["branch"] == branch
    for name in ("main", "night"):
        assert ben.ok("log", name, "--format", "{id}").out == ana.ok("log", name, "--format", "{id}").out
    assert ben.ok("status").out.count("clean") == 1


def test_later_versions_go_to_the_branch_that_they_were_published_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(ana, platform, monkeypatch)
    ana.ok("publish")
    Shell(tmp_path, monkeypatch).ok("clone", "-q", f"picsellia://acme/{MODEL}", "ben", "-o", f"host={platform.host}")
    ben = Shell(tmp_path / "ben", monkeypatch)
    ana.ok("switch", "-q", "-c", "night")
    for number in (1, 2):
        ana.set(parameters__epochs=number)
        ana.commit(f"Night {number}")
    ana.ok("switch", "-q", "main")
    ana.set(parameters__epochs=3)
    ana.commit("Day")
    ana.ok("publish", "--all")
    ben.ok("import", f"picsellia://acme/{MODEL}")
    for name in ("main", "night"):
        assert ben.ok("log", name, "--format", "{id}").out == ana.ok("log", name, "--format", "{id}").out
    assert ben.ok("status", "--json").json["branch"] == "main"


def _empty(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return an empty repository of somebody else."""
    (tmp_path / name).mkdir()
    shell = Shell(tmp_path / name, monkeypatch)
    shell.ok("init", "--model", "other")
    return shell


def _published(shell: Shell) -> list[dict[str, str]]:
    """Return the versions by their number on the registry."""
    found = sorted(places.every(Model(shell.repository, MODEL)), key=lambda each: each[1].number)
    return [{"id": id_} for id_, _ in found]


def _heads(shell: Shell) -> set[str]:
    repository = shell.repository
    found = shell.ok("branch", "--model", MODEL, "--json").json["branches"]
    assert repository.heads.models()
    return {each["id"] for each in found}


def _same_files(ana: Shell, ben: Shell, id_: str, tmp_path: Path) -> None:
    folders = []
    for who, shell in (("ana", ana), ("ben", ben)):
        folder = tmp_path / f"{who}-{id_[:10]}"
        shell.ok("export", id_, str(folder), "--model", MODEL)
        folders.append(folder)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert one == two
    assert one
