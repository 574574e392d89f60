"""Where versions are on a registry: told by logs that lead to nothing, keep nothing, and are checked as others are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository import history, places
from mvc.repository.model import Model
from mvc.storage.records import sealed
from mvc.storage.records.reflog import Place, RefEntry
from tests.cli.shell import MODEL, Shell, begin

PLACE = Place("https://app.example.org", "acme", "helmets", "m-1", 3, "v1-aaaaaaaaaaaa", "v-1")
NOBODY = VersionId("a" * 64)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    made = begin(tmp_path, monkeypatch)
    made.set(parameters__epochs=1)
    made.commit("first")
    return made


def tell(shell: Shell, version: VersionId, place: Place) -> bool:
    with shell.repository.locked():
        return places.record(Model(shell.repository, MODEL), version, place, shell.actor.move("publish"))


def test_a_place_is_told_once_and_several_are_kept(shell: Shell) -> None:
    other = replace(PLACE, organization="beta", id="v-2")
    assert tell(shell, NOBODY, PLACE)
    assert not tell(shell, NOBODY, PLACE)
    assert tell(shell, NOBODY, other)
    assert places.places(Model(shell.repository, MODEL), NOBODY) == [PLACE, other]
    assert list(places.every(Model(shell.repository, MODEL))) == [(NOBODY, PLACE), (NOBODY, other)]


def test_what_is_told_last_of_a_place_counts(shell: Shell) -> None:
    tell(shell, NOBODY, PLACE)
    renamed = replace(PLACE, name="night")
    assert tell(shell, NOBODY, renamed)
    assert places.places(Model(shell.repository, MODEL), NOBODY) == [renamed]


def test_it_leads_to_no_version(shell: Shell) -> None:
    before = history.tips(Model(shell.repository, MODEL))
    tell(shell, NOBODY, PLACE)
    assert history.tips(Model(shell.repository, MODEL)) == before
    shell.ok("fsck")
    shell.ok("gc", "--grace", "0")
    shell.ok("log", "--all")


def test_a_damaged_one_is_found(shell: Shell) -> None:
    tell(shell, NOBODY, PLACE)
    path = shell.folder / ".mvc" / places.ref_of(MODEL, NOBODY).path(1)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":4'))
    assert shell("fsck").code == 14


@pytest.mark.parametrize("place", [None, 3, {}, {**PLACE.to_json(), "number": "3"}, {**PLACE.to_json(), "more": ""}])
def test_an_entry_that_tells_no_place_is_damaged(shell: Shell, place: object) -> None:
    ref = places.ref_of(MODEL, NOBODY)
    record = sealed.unseal(RefEntry.for_place(ref, None, PLACE, shell.actor.move("x")).encode(), what="x", kind="ref")
    with pytest.raises(errors.Damaged):
        RefEntry.decode(sealed.seal({**record, "place": place}), what="x")
