"""The command line and Python can do the same things."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

import mvc
from mvc.api import config, experiments, files, log, model, refs, remote, repository, stashes, version
from mvc.cli.app import program
from tests.api.verbs import METHODS

MODULES = (config, experiments, files, log, model, refs, remote, repository, stashes, version)
CLASSES = {
    name: found
    for module in MODULES
    for name, found in vars(module).items()
    if isinstance(found, type) and found.__module__.startswith("mvc.api.")
}


def _verbs(command: click.Command, above: str = "") -> Iterator[str]:
    if above:
        yield above
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from _verbs(found, f"{above} {name}".strip())


def test_every_verb_and_sub_verb_has_a_method() -> None:
    assert set(_verbs(program.make())) == METHODS.keys()


@pytest.mark.parametrize("method", sorted({each for found in METHODS.values() for each in found}))
def test_a_method_is_there_and_documented(method: str) -> None:
    owner, _, name = method.partition(".")
    found = getattr(mvc, name) if owner == "mvc" else getattr(CLASSES[owner], name)
    assert found.__doc__, method


def test_only_what_a_shell_ci_or_an_editor_alone_needs_has_none() -> None:
    assert [verb for verb, found in METHODS.items() if not found] == [
        "docker",
        *(verb for verb in METHODS if verb.partition(" ")[0] == "ci"),
        "schema",
        "completion",
    ]
