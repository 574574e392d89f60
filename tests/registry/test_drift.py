"""Drift: each of ten edits on the platform is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain.drift import RegistryDrift, drift
from mvc.porcelain.import_ import import_model
from mvc.registry.picsellia.adapter import PicselliaRegistry
from tests.cli.shell import MODEL, Shell, begin
from tests.registry.stock import stock
from tests.servers.picsellia import Platform, Row

BIG = 2 << 20


class Desk:
    """Ana's three published versions, one made by hand on the platform, and all of them imported."""

    def __init__(self, shell: Shell, platform: Platform, registry: PicselliaRegistry, rng: random.Random) -> None:
        self.shell, self.platform, self.registry, self.rng = shell, platform, registry, rng
        shell.write("best.onnx", rng.randbytes(BIG))
        shell.write("config.json", b'{"a": 1}')
        shell.ok("add", "best.onnx", "--as", "model-latest")
        shell.ok("add", "config.json")
        shell.set(labelmap__0="helmet", labelmap__1="head", model__type="OBJECT_DETECTION", model__framework="ONNX")
        shell.set(docker__image="acme/yolo", docker__tag="1.4", model__description="ours", parameters__lr="0.1")
        shell.ok("set", "docker.env={A = '1'}")
        for number in (1, 2, 3):
            shell.set(parameters__epochs=number)
            stock(platform, shell.repository, VersionId(shell.commit(f"number {number}")))
        (self.model,) = platform.models.values()
        hand = platform.add_version(self.model, name="by hand", parameters={"x": 1}, labels={"0": "a"})
        platform.add_file(hand, "weights", b"by hand")
        self.import_all()

    def import_all(self) -> None:
        import_model(self.shell.repository, self.registry, MODEL, self.shell.actor)

    @property
    def rows(self) -> list[Row]:
        return self.platform.versions_of(MODEL)

    def file(self, row: Row, name: str) -> Row:
        return next(file for file in self.platform.files_of(row) if file["name"] == name)

    def replace(self, row: Row, name: str, data: bytes) -> None:
        old = self.platform.files.pop(self.file(row, name)["id"])
        self.platform.add_file(row, name, data, old["filename"])

    def look(self, *, read_data: bool = False) -> RegistryDrift:
        return drift(self.shell.repository, self.registry, MODEL, read_data=read_data)


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: Platform,
    registry: PicselliaRegistry,
    rng: random.Random,
) -> Desk:
    return Desk(begin(tmp_path, monkeypatch), platform, registry, rng)


def summary(drifted: RegistryDrift) -> set[str]:
    """`#1 labels.0`, `#2 model-latest replaced`, `#0 gone`, `since #4`."""
    lines = {f"since #{version.number}" for version in drifted.since}
    for version in drifted.versions:
        lines |= {f"#{version.place.number} {field.key}" for field in version.fields}
        lines |= {f"#{version.place.number} {file.role} {file.change}" for file in version.files}
        lines |= {f"#{version.place.number} gone"} if version.gone else set()
    return lines


def test_an_unedited_registry_has_no_drift(desk: Desk) -> None:
    found = desk.look(read_data=True)
    assert summary(found) == set()
    assert found.is_empty
    assert (found.compared, found.unread) == (4, 0)


EDITS: dict[str, tuple[Callable[[Desk], object], set[str]]] = {
    "a label": (lambda d: d.rows[0]["labels"].update({"0": "hat"}), {"#0 labels.0"}),
    "a label more": (lambda d: d.rows[1]["labels"].update({"2": "hand"}), {"#1 labels.2"}),
    "a parameter": (lambda d: d.rows[2]["parameters"].update(epochs=30), {"#2 parameters.epochs"}),
    "the type": (lambda d: d.rows[0].update(type="SEGMENTATION"), {"#0 type"}),
    "the image's tag": (lambda d: d.rows[1].update(docker_tag="latest"), {"#1 docker_tag"}),
    "the image's environment": (
        lambda d: d.rows[1].update(docker_env_variables={"A": "2"}),
        {"#1 docker_env_variables.A"},
    ),
    "the description": (lambda d: d.rows[2].update(description=""), {"#2 description"}),
    "the name": (lambda d: d.rows[2].update(name="final"), {"#2 name"}),
    "a file of the same size": (
        lambda d: d.replace(d.rows[0], "model-latest", d.rng.randbytes(BIG)),
        {"#0 model-latest replaced"},
    ),
    "a small file": (lambda d: d.replace(d.rows[1], "config", b'{"a": 2}'), {"#1 config replaced"}),
    "a file less": (
        lambda d: d.platform.files.pop(d.file(d.rows[1], "config")["id"]),
        {"#1 config missing"},
    ),
    "a file more": (lambda d: d.platform.add_file(d.rows[1], "notes", b"x"), {"#1 notes added"}),
    "the marker": (
        lambda d: d.platform.files.pop(d.file(d.rows[2], "mvc-manifest")["id"]),
        {"#2 mvc-manifest missing"},
    ),
    "a version less": (lambda d: d.platform.versions.pop(d.rows[0]["id"]), {"#0 gone"}),
    "a version more": (lambda d: d.platform.add_version(d.model, name="new"), {"since #4"}),
    "one made by hand: a label": (lambda d: d.rows[3].update(labels={"0": "b"}), {"#3 labelmap.0"}),
    "one made by hand: a file": (lambda d: d.replace(d.rows[3], "weights", b"by Hand"), {"#3 weights replaced"}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_is_found_and_nothing_else(desk: Desk, edit: str) -> None:
    change, expected = EDITS[edit]
    change(desk)
    assert summary(desk.look()) == expected


def test_several_edits_are_all_found(desk: Desk) -> None:
    chosen = [edit for edit in EDITS if edit not in ("a version less", "a file less", "the marker")]
    for edit in chosen:
        EDITS[edit][0](desk)
    assert summary(desk.look()) == set().union(*(EDITS[edit][1] for edit in chosen))


@pytest.mark.parametrize("name", ["model-latest", "config", "mvc-manifest"])
def test_bytes_that_were_written_past_the_platform_are_found_by_reading_data(desk: Desk, name: str) -> None:
    desk.platform.objects.data[desk.file(desk.rows[0], name)["object_name"]] = desk.rng.randbytes(BIG)
    quick = desk.look()
    assert (summary(quick), quick.unread) == (set(), 7)
    assert summary(desk.look(read_data=True)) == {f"#0 {name} replaced"}


def test_without_a_note_files_are_compared_by_role_and_bytes(desk: Desk) -> None:
    for note in (desk.shell.folder / ".mvc/notes/picsellia").iterdir():
        note.unlink()
    assert summary(desk.look()) == set()
    desk.replace(desk.rows[0], "model-latest", desk.rng.randbytes(BIG))
    assert summary(desk.look(read_data=True)) == {"#0 model-latest replaced"}


def test_an_edit_that_was_imported_is_no_drift(desk: Desk) -> None:
    desk.rows[3].update(labels={"0": "b"})
    desk.import_all()
    assert summary(desk.look()) == set()
    desk.rows[0]["labels"].update({"0": "hat"})
    desk.import_all()
    assert summary(desk.look()) == {"#0 labels.0"}


def test_drift_of_a_model_that_was_never_published_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: PicselliaRegistry
) -> None:
    shell = begin(tmp_path, monkeypatch)
    with pytest.raises(errors.NothingPublished):
        drift(shell.repository, registry, MODEL)
