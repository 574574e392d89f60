"""Markers: a version without the content of its files, whose ids every reader computes again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.toml import parse
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Person, Timestamp, Version
from mvc.registry.marker import Branch, Marker

TOML = b'# ours\n[model]\nname = "helmets"\n\n[files]\nmodel-latest = "best.onnx"\n\n[parameters]\nlr = 1.0\n'


@pytest.fixture
def marker() -> Marker:
    manifest = parse.parse(TOML, where="model.toml")
    tree = Tree.of([TreeEntry("best.onnx", "model-latest", 5, FileId(digest(b"12345")))])
    parents = (VersionId("1" * 64),)
    who, when = Person("Ana", "ana@example.org"), Timestamp(1_770_000_000, 60)
    version = Version(parents, 2, who, when, "Tuned", manifest.id(), tree.id(), FileId(digest(TOML)))
    return Marker("0197-abc", version, manifest, tree, TOML)


def test_a_marker_reads_back_equal(marker: Marker) -> None:
    found = Marker.decode(marker.encode())
    assert found == marker
    assert found.id == marker.version.id()
    assert found.encode() == marker.encode()


def test_it_tells_ids_and_sizes_by_role(marker: Marker) -> None:
    entry = marker.tree.entries[0]
    assert json.loads(marker.encode())["files"] == {"model-latest": {"file": entry.file, "size": 5}}


def test_records_and_branch_read_back_equal_and_give_the_contents_of_records(marker: Marker) -> None:
    whole = replace(marker, records={"model-latest": "0198"}, branch=Branch("night", is_current=True))
    found = Marker.decode(whole.encode())
    assert found == whole
    assert found.contents == {"0198": marker.tree.entries[0].file}
    assert json.loads(whole.encode())["v"] == 2
    assert json.loads(marker.encode())["v"] == 1


@pytest.mark.parametrize(
    ("key", "value"), [("records", {"other": "0198"}), ("records", ["0198"]), ("records", {"model-latest": 1}),
                       ("branch", "main"), ("branch", {"name": 1, "current": True}), ("v", 1), ("v", 3), ("v", True)],
)  # fmt: skip
def test_records_and_branches_of_another_form_are_refused(marker: Marker, key: str, value: object) -> None:
    whole = replace(marker, records={"model-latest": "0198"}, branch=Branch("night"))
    record = {**canonical.decode(whole.encode()), key: value}
    with pytest.raises(errors.NotCanonical):
        Marker.decode(canonical.encode(record))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_toml", "[model]\nname = 'other'\n"),
        ("tree", {"kind": "tree", "entries": []}),
        ("manifest", {"kind": "manifest", "model": {"name": "other"}}),
        ("files", {}),
        ("v", 2),
        ("kind", "note"),
        ("model_version", 7),
        ("more", 1),
    ],
)
def test_one_that_does_not_hold_together_is_refused(marker: Marker, key: str, value: object) -> None:
    record = {**canonical.decode(marker.encode()), key: value}
    with pytest.raises(errors.NotCanonical):
        Marker.decode(canonical.encode(record))


def test_one_is_never_written_for_another_version(marker: Marker) -> None:
    with pytest.raises(errors.NotCanonical, match=r"model\.toml"):
        replace(marker, model_toml=b"").encode()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"kind": "marker"}', b"\xff", b'{"a":' * 500])
def test_other_documents_are_refused(data: bytes) -> None:
    with pytest.raises(errors.NotCanonical):
        Marker.decode(data)


FOLDER = TOML.replace(b"best.onnx", b"exported/**")


@pytest.fixture
def archived() -> Marker:
    """A version with a folder of two files, which the registry has as one archive."""
    manifest = parse.parse(FOLDER, where="model.toml")
    names = ("saved_model.pb", "variables/variables.index")
    parts = [TreeEntry(f"exported/{name}", f"model-latest/{name}", 5, FileId(digest(name.encode()))) for name in names]
    tree, who = (
        Tree.of([*parts, TreeEntry("a.txt", "notes", 1, FileId(digest(b"a")))]),
        Person("Ana", "ana@example.org"),
    )
    version = Version((), 1, who, Timestamp(1_770_000_000, 60), "One", manifest.id(), tree.id(), FileId(digest(FOLDER)))
    archives = {"model-latest": FileId(digest(b"archive"))}
    return Marker("0197-abc", version, manifest, tree, FOLDER, {"model-latest": "0198"}, archives=archives)


def test_an_archive_is_one_file_in_place_of_its_folder(archived: Marker) -> None:
    found = Marker.decode(archived.encode())
    assert found == archived
    assert json.loads(archived.encode())["v"] == 4
    assert sorted(found.served.by_role) == ["model-latest", "notes"]
    assert found.served.by_role["model-latest"].path == "exported.zip"
    assert found.contents == {"0198": digest(b"archive")}
    assert sorted(replace(archived, records={}, archives={}).served.by_role) == [
        "model-latest/saved_model.pb", "model-latest/variables/variables.index", "notes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "archives",
    [{"notes": "0" * 64}, {"model-latest": "12"}, {"model-latest": 1}, {"other": "0" * 64}, ["model-latest"], {}],
)
def test_archives_of_no_folder_or_without_a_hash_are_refused(archived: Marker, archives: object) -> None:
    record = {**canonical.decode(archived.encode()), "archives": archives}
    with pytest.raises(errors.NotCanonical):
        Marker.decode(canonical.encode(record))
