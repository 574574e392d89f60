"""Lineage: `model.parent` resolved on reading, and the children of a version in all models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc.model.ids import VersionId
from mvc.repository.lineage import Lineage
from mvc.storage.objects import Objects
from tests.cli.shell import MODEL, Shell, begin


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """base v1 ─ v2 (tag fine), v1 ─ side v2; helmets v1 (parent base@v1) ─ v2 (base@main) ─ v3 (base@absent)."""
    shell = begin(tmp_path, monkeypatch)
    shell.ok("init", "--model", "base", "base")
    for number in (1, 2):
        shell.ok("set", f"metrics.a={number}", "--model", "base")
        shell.tick()
        shell.ok("commit", "-m", f"Base {number}", "--model", "base")
    shell.ok("tag", "fine", "v2", "--model", "base")
    for revision in ("v1", "main", "absent"):
        shell.ok("set", f"model.parent=base@{revision}", "--model", MODEL)
        shell.tick()
        shell.ok("commit", "-m", f"From {revision}", "--model", MODEL)
    return shell


def ids(shell: Shell, model: str) -> list[VersionId]:
    """The versions of main, the oldest first."""
    return [VersionId(line) for line in shell.ok("log", "--reverse", "--format", "{id}", "--model", model).lines]


def shown(shell: Shell, *arguments: str) -> Any:
    return shell.ok("show", "--json", "--model", MODEL, *arguments).json


def test_model_parent_is_resolved_when_it_is_read(shell: Shell) -> None:
    first, second = ids(shell, "base")
    assert shown(shell, "v1")["model_parent"] == {"text": "base@v1", "id": first, "known": True}
    assert shown(shell, "v2")["model_parent"] == {"text": "base@main", "id": second, "known": True}
    assert shown(shell, "v3")["model_parent"] == {"text": "base@absent", "id": None, "known": False}
    assert shown(shell, "base@v1")["model_parent"] is None
    shell.ok("set", "metrics.a=3", "--model", "base")
    shell.ok("commit", "-m", "Base 3", "--model", "base")
    assert shown(shell, "v2")["model_parent"]["id"] == ids(shell, "base")[2]


def test_an_id_is_given_even_if_the_version_is_not_known(shell: Shell) -> None:
    for text, known in (("f" * 64, False), (ids(shell, "base")[1], True)):
        shell.ok("set", f"model.parent=base@{text}", "--model", MODEL)
        shell.ok("commit", "-m", "By id", "--model", MODEL)
        assert shown(shell)["model_parent"] == {"text": f"base@{text}", "id": text, "known": known}


def test_log_has_it_with_values(shell: Shell) -> None:
    first, second = ids(shell, "base")
    versions = shell.ok("log", "--json", "--values", "--model", MODEL).json["versions"]
    assert [each["model_parent"]["id"] for each in versions] == [None, second, first]
    assert "model_parent" not in shell.ok("log", "--json", "--model", MODEL).json["versions"][0]


def test_children_are_those_of_all_models_by_both_keys(shell: Shell) -> None:
    first, second = ids(shell, "base")
    helmets = ids(shell, MODEL)
    assert shown(shell, "base@v1", "--children")["children"] == [
        {"model": "base", "id": second, "number": 2, "through": "parents"},
        {"model": MODEL, "id": helmets[0], "number": 1, "through": "model.parent"},
    ]
    assert shown(shell, "base@v2", "--children")["children"] == [
        {"model": MODEL, "id": helmets[1], "number": 2, "through": "model.parent"}
    ]
    assert shown(shell, "v3", "--children")["children"] == []
    assert shown(shell, "v3")["children"] is None
    lines = [line for line in shell.ok("show", "base@v1", "--children", "--model", MODEL).lines if "child" in line]
    assert lines == [f"child       {second} (v2)", f"child       {helmets[0]} (v1 of {MODEL}, through model.parent)"]
    assert first not in lines


def test_a_version_is_no_child_of_itself(shell: Shell) -> None:
    shell.ok("set", f"model.parent={MODEL}@main", "--model", MODEL)
    shell.ok("commit", "-m", "Itself", "--model", MODEL)
    assert shown(shell, "--children")["children"] == []


def test_python_has_both(shell: Shell) -> None:
    repository = mvc.open(shell.folder)
    base, helmets = repository.model("base"), repository.model(MODEL)
    assert base["v1"].children == (base["v2"], helmets["v1"])
    assert [child.model for child in base["v1"].children] == ["base", MODEL]
    parent = helmets["v1"].model_parent
    assert parent is not None
    assert (parent.text, parent.id, parent.known) == ("base@v1", base["v1"].id, True)
    assert base["v1"].model_parent is None
    assert len(base["v1"].show(children=True).children or ()) == 2


def test_all_children_are_found_in_one_walk(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many versions are asked for, each version object is read once, and each manifest at most once."""
    for number in range(12):
        shell.ok("set", f"model.parent=base@v{1 + number % 2}", f"metrics.b={number}", "--model", MODEL)
        shell.ok("commit", "-q", "-m", f"{number}", "--model", MODEL)
    read: list[str] = []
    inner = Objects.read

    def counted(objects: Objects, id_: str, what: str = "object") -> bytes:
        read.append(id_)
        return inner(objects, id_, what)

    monkeypatch.setattr(Objects, "read", counted)
    repository = shell.repository
    lineage = Lineage(repository)
    everything = [*ids(shell, "base"), *ids(shell, MODEL)]
    read.clear()
    found = [lineage.children(id_) for id_ in everything]
    assert sum(map(len, found)) == 1 + 14 + 2 + 12
    assert len(read) == len(set(read))
