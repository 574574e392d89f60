"""`mvc ls`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import click

from mvc.cli.app import tensors as tensor_lines
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.model import tensor_count
from mvc.porcelain.ls import Listed, ls
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("ls")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("-l", "--long", is_flag=True, help="Also mode, size, id, and where the bytes are.")
@click.option("--tensors", is_flag=True, help="Also each tensor: name, dtype, shape, size, offset, digest.")
def command(invocation: Invocation, revision: str, long: bool, tensors: bool) -> None:
    """The files of a version: role and path."""
    repository, model = invocation.repository(), invocation.model()
    id_ = revisions.resolve(Model(repository, model), revision)
    found = ls(repository, revisions.model_of(Model(repository, model), revision), id_, states=long, tensors=tensors)
    invocation.emit(
        "ls",
        found.to_json,
        lambda: _lines(found, long=long, tensors=tensors),
        ids=[entry.file for entry in found.entries],
        page=True,
    )


def _lines(found: Listed, *, long: bool, tensors: bool) -> Iterator[str]:
    """The files; with `tensors`, each with its own below it, in columns that are the same for all files."""
    files = _long(found) if long else _short(found)
    if not tensors:
        yield from files
        return
    rows = [row for segments in found.tensors.values() for row in tensor_lines.listed(segments)]
    lines = aligned(rows, right=tensor_lines.RIGHT)
    for entry, file in zip(found.entries, files, strict=True):
        segments = found.tensors.get(entry.path, ())
        held = tensor_count.count(segments)
        yield f"{file}  {tensor_lines.held(held) if held else 'no tensors are known'}"
        yield from (f"  {line}" for line in itertools.islice(lines, len(segments)))


def _short(found: Listed) -> Iterator[str]:
    return aligned([(escape(entry.role), escape(entry.path)) for entry in found.entries])


def _long(found: Listed) -> Iterator[str]:
    rows = [
        (
            "x" if entry.exec else "-",
            escape(entry.role),
            size(entry.size),
            short(entry.file),
            found.states[entry.path].value,
            escape(entry.path),
        )
        for entry in found.entries
    ]
    return aligned(rows, right=frozenset({2}))
