from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.version import Person, Timestamp
from mvc.porcelain import alias
from mvc.porcelain.commit import Options, commit
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository

ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(0))


def test_rolling_back_undoes_moves_one_by_one(tmp_path: Path, rng: random.Random) -> None:
    init(tmp_path, model="m")
    repository = Repository(tmp_path)
    done = [commit(Model(repository, "m"), f"{n}", ACTOR, options=Options(allow_empty=True)) for n in range(6)]
    versions = [each.id for each in done if each.id is not None]
    order = rng.sample(versions, len(versions))  # no version twice, so each move is told from a move back
    for id_ in order:
        alias.assign(Model(repository, "m"), "prod", id_, ACTOR)
        if rng.random() < 0.3:
            alias.remove(Model(repository, "m"), "prod", ACTOR)
            assert alias.rollback(Model(repository, "m"), "prod", ACTOR).id == id_
    for id_ in reversed(order[:-1]):
        assert alias.rollback(Model(repository, "m"), "prod", ACTOR).id == id_
    with pytest.raises(errors.NothingBefore):
        alias.rollback(Model(repository, "m"), "prod", ACTOR)


def test_a_reason_is_recorded_even_if_the_alias_is_there(tmp_path: Path) -> None:
    init(tmp_path, model="m")
    model = Model(Repository(tmp_path), "m")
    one = commit(model, "one", ACTOR, options=Options(allow_empty=True)).id
    two = commit(model, "two", ACTOR, options=Options(allow_empty=True)).id
    assert one is not None
    assert two is not None
    alias.assign(model, "prod", one, ACTOR)
    alias.assign(model, "prod", two, ACTOR, reason="better")
    alias.assign(model, "prod", two, ACTOR, reason="approved by QA")
    alias.assign(model, "prod", two, ACTOR)
    assert [move.move.reason for move in alias.log(model, "prod").moves] == ["approved by QA", "better", ""]
    assert alias.rollback(model, "prod", ACTOR).id == one
