"""`mvc grep`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.porcelain.grep import grep
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("grep")
@click.argument("pattern")
@click.argument("revision", required=False, metavar="[REV]")
@click.option("-i", "--ignore-case", is_flag=True, help="Ignore letter case.")
def command(invocation: Invocation, pattern: str, revision: str | None, ignore_case: bool) -> int:
    """Search the values, classes, roles and paths of a version.

    Searches model.toml of the working tree, or REV, for a regular expression. The exit code is 1 if nothing matches.
    `mvc log --grep` searches messages, `mvc log -S` changes.
    """
    model = Model(invocation.repository(), invocation.model())
    id_ = revisions.resolve(model, revision) if revision is not None else None
    result = grep(model, pattern, id_, ignore_case=ignore_case)
    lines = [escape(match.text) for match in result.matches]
    invocation.emit("grep", result, lambda: lines, ids=[match.key for match in result.matches], page=True)
    return int(not result.matches)
