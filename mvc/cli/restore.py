"""`mvc restore`: its options, arguments and output."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from mvc import errors
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.model.compare.diff import Change
from mvc.porcelain.edit import Edited
from mvc.porcelain.restore import restore
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.policy import take


@verb("restore")
@click.argument("names", nargs=-1, required=True, metavar="ROLE|PATH...")
@click.option("-s", "--source", metavar="REV", help="Version to restore from (default: HEAD).")
@click.option("--discard", is_flag=True, help="Do not keep local changes for `mvc undo`.")
def command(invocation: Invocation, names: tuple[str, ...], source: str | None, discard: bool) -> None:
    """Restore files from a version.

    Local changes to these files are discarded; `mvc undo` restores them. `.` restores all files. A role that was moved
    or removed since REV gets the path that it has in REV in model.toml, too.
    """
    run(invocation, names, source, discard=discard)


def run(invocation: Invocation, names: Sequence[str], source: str | None, *, discard: bool = False) -> None:
    """Restore files, also for `mvc checkout REV -- PATH`."""
    repository, model = invocation.writer(), invocation.model()
    version = take.resolve(Model(repository, model), source) if source else None
    folder = repository.root / repository.head(model).folder
    with invocation.progress("Writing files") as progress:
        try:
            done = restore(
                Model(repository, model),
                names,
                below=below(invocation, folder),
                source=version,
                discard=discard,
                progress=progress,
            )
        except errors.NotInVersion as error:
            if source is None:
                _expect_source(Model(repository, model), names, error)
            raise
    invocation.emit(
        "restore",
        done,
        lambda: (
            [*(f"Restored {escape(path)}" for path in done.written), *map(_change, done.changes)]
            or ["Nothing to restore: the files are unmodified."]
        ),
    )


def _change(edited: Edited) -> str:
    return f"model.toml: {render.value(Change(edited.key, edited.old, edited.new))}"


def _expect_source(model: Model, names: Sequence[str], error: errors.NotInVersion) -> None:
    """Raise SourceExpected if the name that is not a file is a version."""
    name = str(error.fields["name"])
    with contextlib.suppress(errors.UnknownRevision):
        revisions.resolve(model, name)
        others = [other for other in names if other != name] or ["."]
        raise errors.SourceExpected(**error.fields, command=shlex.join((name, *others)))


def below(invocation: Invocation, folder: Path) -> str:
    """Return the current folder relative to the model's `folder`; "" if it is the same, or outside."""
    here, top = os.path.realpath(invocation.cwd), os.path.realpath(folder)
    return here[len(top) :].strip("/") if here.startswith(top.rstrip("/") + "/") else ""
