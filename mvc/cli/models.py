"""`mvc models`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import models as porcelain
from mvc.porcelain.models import Model


@group("models")
def command(invocation: Invocation) -> None:
    """The models of this repository, each with where it stands. `rename` gives one another name."""
    found = porcelain.models(invocation.repository())
    invocation.emit(
        "models",
        lambda: {"models": [model.to_json() for model in found]},
        lambda: _lines(found),
        ids=[model.name for model in found],
        page=True,
    )


def _lines(found: Sequence[Model]) -> Iterator[str]:
    return aligned([_row(model) for model in found])


def _row(model: Model) -> tuple[str, ...]:
    return (
        escape(model.name),
        escape(model.folder or "."),
        "detached" if model.branch is None else escape(model.branch),
        "no version yet" if model.id is None else f"v{model.number} {short(model.id)}",
        date(model.time) if model.time else "",
        escape(model.type or ""),
        escape(model.framework or ""),
    )


@subverb(command, "rename")
@click.argument("old")
@click.argument("new")
def rename(invocation: Invocation, old: str, new: str) -> None:
    """Give the model OLD the name NEW, with all its history; its model.toml says so too."""
    made = porcelain.rename(invocation.writer(), old, new, invocation.actor())
    invocation.emit("models", made.to_json, lambda: [f"{escape(old)} is called {escape(made.name)} now"])
