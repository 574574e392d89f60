"""Checks of new names: what they read does not grow with the number of refs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Person, Timestamp
from mvc.porcelain.init import init
from mvc.repository import refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, TAGS, RefEntry, RefLogs, RefName

ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(1))
VERSION = VersionId("ab" * 32)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    init(tmp_path, model="helmet")
    return Model(Repository(tmp_path), "helmet")


def _tag(model: Model, *names: str, kind: str = TAGS) -> None:
    for name in names:
        model.repository.refs.append(model.ref(kind, name), None, VERSION, ACTOR.move(""))


@pytest.mark.parametrize("count", [3, 30])
def test_no_entry_is_read_but_that_of_a_twin(model: Model, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _tag(model, *(f"run-{number}x" for number in range(count)), "Weekly")
    read: list[str] = []
    entry = RefLogs.entry

    def counted(logs: RefLogs, ref: RefName, seq: int) -> RefEntry:
        read.append(ref.name)
        return entry(logs, ref, seq)

    monkeypatch.setattr(RefLogs, "entry", counted)
    refnames.check_new(model, TAGS, "nightly")
    assert read == []
    with pytest.raises(errors.CaseTwin, match="Weekly"):
        refnames.check_new(model, HEADS, "weekly")
    assert read == ["Weekly"]


def test_a_deleted_twin_takes_no_name(model: Model) -> None:
    _tag(model, "Weekly")
    refnames.remove(model, TAGS, "Weekly", ACTOR, "deleted")
    refnames.check_new(model, TAGS, "weekly")
    refnames.check_new(model, HEADS, "Weekly")


def test_a_name_is_taken_by_another_kind_and_not_by_its_own(model: Model) -> None:
    _tag(model, "weekly")
    refnames.check_new(model, TAGS, "weekly")
    refnames.check_new(model, HEADS, "weekly", deleted=[model.ref(TAGS, "weekly")])
    with pytest.raises(errors.NameTaken, match="weekly"):
        refnames.check_new(model, HEADS, "weekly")


def test_only_tags_have_messages(model: Model) -> None:
    for kind, name in ((TAGS, "first"), (HEADS, "second")):
        model.repository.refs.append(model.ref(kind, name), None, VERSION, ACTOR.move(f"made {name}"))
    found = refnames.decorations(model)
    assert found.messages == {"first": "made first"}
    assert found.names == {VERSION: [("branch", "second"), ("tag", "first")]}


def test_a_tag_that_is_set_again_gets_no_entry(model: Model) -> None:
    _tag(model, "first")
    assert not refnames.set_tag(model, "first", VERSION, ACTOR, "again")
    assert model.repository.refs.numbers(model.ref(TAGS, "first")) == [1]
