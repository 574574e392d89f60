"""Repositories to publish, and checks of the platform afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mvc.model.ids import VersionId, digest
from mvc.model.roles import expanded
from mvc.registry import marker
from mvc.registry.files import role_names
from mvc.registry.marker import Marker
from mvc.repository.repository import Repository
from tests.cli import built
from tests.cli.shell import MODEL, Shell
from tests.servers.picsellia import TOKEN, Platform

REGISTRY = "picsellia"
LEGAL = re.compile(r"[a-zA-Z0-9-_]+\Z")


def small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a repository of one version with two files, one its thumbnail, and every field of a registry."""
    return built.copy(_small, folder, monkeypatch)


def _small(shell: Shell) -> None:
    shell.write("weights/best.onnx", b"weights" * 50)
    shell.write("picture.png", b"\x89PNG picture")
    shell.ok("add", "weights/best.onnx", "--as", "model-latest")
    shell.ok("add", "picture.png", "--as", "picture")
    shell.set(
        model__type="OBJECT_DETECTION", model__framework="ONNX", model__description="Finds helmets",
        model__notebook="https://example.org/notebook", model__thumbnail="picture.png",
        labelmap__0="helmet", labelmap__1="head", parameters__epochs=100, parameters__lr=0.5,
        docker__image="acme/yolo", docker__tag="1.4", docker__flags='["--gpus all"]', docker__env__MODE="train",
    )  # fmt: skip
    shell.commit("First baseline")


def six(folder: Path, monkeypatch: pytest.MonkeyPatch, large: int) -> Shell:
    """Return a repository of six versions, two of them on a side branch; one has a file of `large` bytes."""
    return built.copy(_six, folder, monkeypatch, large)


def _six(shell: Shell, large: int) -> None:
    _small(shell)
    shell.write("weights/best.onnx", bytes(range(256)) * (large // 256) + b"x" * (large % 256))
    shell.commit("Larger")
    shell.ok("switch", "-q", "-c", "night")
    shell.write("notes/a/same.txt", b"a")
    shell.write("notes/b/same.txt", b"b")
    shell.ok("add", "notes", "--as", "notes")
    shell.commit("Night, with notes")
    shell.set(parameters__epochs=120)
    shell.commit("Night, longer")
    shell.ok("switch", "-q", "main")
    shell.write("weights/best.onnx", b"")
    shell.commit("Empty")
    shell.set(labelmap__2="vest")
    shell.commit("A third class")


def register(shell: Shell, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the platform to a repository as its registry."""
    monkeypatch.setenv("PICSELLIA_TOKEN", TOKEN)
    shell.ok("remote", "add", REGISTRY, "picsellia://acme", "-o", f"host={platform.host}")


def check_complete(platform: Platform, repository: Repository, id_: VersionId, called: str = MODEL) -> None:
    """Check that the platform has exactly one version of that name, with exactly its files and its marker."""
    version = repository.objects.version(id_)
    name = f"v{version.number}-{id_[:12]}"
    assert len([row for row in platform.models.values() if row["name"] == called]) == 1
    rows = [row for row in platform.versions_of(called) if row["name"] == name]
    assert len(rows) == 1, [row["name"] for row in platform.versions_of(called)]
    files = platform.files_of(rows[0])
    tree = expanded(repository.objects.manifest(version.manifest), repository.objects.tree(version.tree))
    names = role_names.assign(tree.by_role)
    entries = {names[role]: entry for role, entry in tree.by_role.items()}
    assert sorted(file["name"] for file in files) == sorted([*entries, marker.NAME])
    assert all(LEGAL.match(file["name"]) for file in files), "as the platform's own engine requires"
    assert len({file["filename"].lower() for file in files}) == len(files)
    for file in files:
        data = platform.bytes_of(file)
        if file["name"] == marker.NAME:
            found = Marker.decode(data)
            assert (found.id, found.model_version) == (id_, rows[0]["id"])
        else:
            assert digest(data) == entries[file["name"]].file
            assert file["filename"].endswith(entries[file["name"]].path.rpartition("/")[2])


def state(platform: Platform) -> str:
    """Return the whole state of the platform as text, for comparison."""
    rows = [
        platform.models,
        platform.versions,
        platform.files,
        {key: digest(data) for key, data in platform.objects.data.items()},
    ]
    return json.dumps(rows, sort_keys=True)
