"""`mvc models`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import models as porcelain
from mvc.porcelain.models import ListedModel


@group("models")
def command(invocation: Invocation) -> None:
    """List or rename the models of this repository.

    Without a command, list the models with their folder, branch and version.
    """
    models = porcelain.models(invocation.repository())
    invocation.emit(
        "models",
        {"models": models},
        lambda: _lines(models),
        ids=[model.name for model in models],
        page=True,
    )


def _lines(models: Sequence[ListedModel]) -> Iterator[str]:
    return aligned([_row(model) for model in models])


def _row(model: ListedModel) -> tuple[str, ...]:
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
    """Rename model OLD to NEW.

    The history is kept, and model.toml is updated. Remotes keep the model OLD: a push creates NEW beside it.
    """
    made = porcelain.rename(invocation.writer(), old, new, invocation.actor())
    invocation.emit("models", made, lambda: [f"Renamed model {escape(old)} to {escape(made.name)}"])
    if made.remotes:
        keeps = "keeps" if len(made.remotes) == 1 else "keep"
        invocation.note(
            f"note: {', '.join(made.remotes)} {keeps} the model as {old}; `mvc push` creates {made.name} beside it"
        )
