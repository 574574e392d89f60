"""docs/reference/json.md is made from the code, and says of every document what it really has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.api.verbs import METHODS
from tests.docs import answers, documents, pages
from tests.images.conftest import program, registry
from tests.registry.conftest import naps, platform, rules
from tests.servers.picsellia import Platform
from tests.servers.registry import Registry

__all__ = ["naps", "platform", "program", "registry", "rules"]  # fixtures


def test_the_page_is_what_the_code_says() -> None:
    pages.check("json.md", documents.page())


def test_every_verb_has_a_document() -> None:
    verbs = {verb.partition(" ")[0] for verb in METHODS} - {"checkout"}
    assert verbs == documents.DOCUMENTS.keys()


def test_one_thing_has_one_key() -> None:
    keys = {key for class_ in documents.reached() for key in documents.fields(class_)}
    assert not keys & {"bytes", "new_bytes", "date", "when", "at", "who", "actor"}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


def test_the_documents_of_verbs_beside_a_remote(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verbs = _check(answers.of_stores(folder, monkeypatch))
    assert documents.DOCUMENTS.keys() - verbs == {"docker", "drift", "experiment", "import", "publish"}


@pytest.mark.usefixtures("naps")
def test_the_documents_of_verbs_with_a_registry(
    folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    assert {"drift", "experiment", "import", "publish"} <= _check(answers.of_registry(folder, monkeypatch, platform))


def test_the_documents_of_verbs_with_a_registry_of_images(
    folder: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    assert {"docker", "drift"} <= _check(answers.of_images(folder, monkeypatch, registry))


def _check(answered: Iterable[answers.Answer]) -> set[str]:
    """Compare each document with the page; return the verbs that answered."""
    verbs, wrong = set[str](), dict[str, list[str]]()
    for line, said in answered:
        found = json.loads(said)
        verb, _, number = found["schema"].removeprefix("mvc.").partition("/")
        assert (number, verb != "error") == ("1", True), (line, said)
        verbs.add(verb)
        if faults := documents.faults(verb, found):
            wrong[line] = faults
    assert not wrong
    return verbs
