"""A model of a repository: its head, its refs and their versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import Options, commit
from mvc.porcelain.init import init
from mvc.repository import refnames
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, TAGS, RefName

ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(1))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    init(tmp_path, model="helmet")
    return Model(Repository(tmp_path), "helmet")


def test_before_its_first_commit_it_has_a_head_and_no_version(model: Model) -> None:
    assert (model.head.branch, model.folder, model.current) == ("main", "", None)
    assert (model.names(HEADS), model.targets(), model.target(HEADS, "main")) == ([], {}, None)


def test_its_refs_are_those_of_its_key(model: Model) -> None:
    id_ = commit(model, "first", ACTOR, options=Options(allow_empty=True)).id
    assert id_ is not None
    refnames.set_tag(model, "2026.1", id_, ACTOR, "tag")
    assert (model.current, model.target(HEADS, "main"), model.target(TAGS, "2026.1")) == (id_, id_, id_)
    assert (model.names(HEADS), model.names(TAGS)) == (["main"], ["2026.1"])
    assert model.ref(TAGS, "2026.1") == RefName("helmet", TAGS, "2026.1")
    refnames.remove(model, TAGS, "2026.1", ACTOR, "deleted")
    assert model.names(TAGS) == []
    assert set(model.targets()) == {
        model.ref(HEADS, "main"),
        model.ref(TAGS, "2026.1"),
    }  # the log of a deleted ref stays


def test_a_key_that_no_model_has_is_refused_when_its_head_is_read(model: Model) -> None:
    with pytest.raises(errors.NoModel, match=r"No model gloves .*\(models: helmet\)"):
        _ = Model(model.repository, "gloves").head
