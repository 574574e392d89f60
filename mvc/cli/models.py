"""`mvc models`."""

from __future__ import annotations

import click

from mvc.cli.invocation import Invocation, group, subverb
from mvc.cli.terminal import escape, short
from mvc.porcelain import models


@group("models")
def command(invocation: Invocation) -> None:
    """The models of this repository, each with its folder and where it stands."""
    found = models.models(invocation.repository())
    invocation.emit(
        "models",
        lambda: {"models": [each.to_json() for each in found]},
        lambda: (
            f"{escape(each.name):<24} {escape(each.folder or '.'):<16} {escape(each.branch or 'detached'):<10}"
            + (f" v{each.number} {short(each.id)}" if each.id else " no version yet")
            for each in found
        ),
        ids=[each.name for each in found],
    )


@subverb(command, "rename")
@click.argument("old")
@click.argument("new")
def _rename(invocation: Invocation, old: str, new: str) -> None:
    """Give a model another key; its history, its names and its model.toml follow."""
    models.rename(invocation.repository(), old, new)
    invocation.emit("models", lambda: {"old": old, "new": new}, lambda: [f"{escape(old)} is now {escape(new)}"])
