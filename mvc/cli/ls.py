"""`mvc ls`: its options, arguments and output."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import click

from mvc.cli.app import render
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
@click.option("-l", "--long", is_flag=True, help="Also show mode, size, id and storage state.")
@click.option("--tensors", is_flag=True, help="Also list tensors: name, dtype, shape, size, offset, digest.")
def command(invocation: Invocation, revision: str, long: bool, tensors: bool) -> None:
    """List the files of a version."""
    repository, model = invocation.repository(), invocation.model()
    id_ = revisions.resolve(Model(repository, model), revision)
    listing = ls(
        Model(repository, revisions.model_of(Model(repository, model), revision)), id_, states=long, tensors=tensors
    )
    invocation.emit(
        "ls",
        listing,
        lambda: _lines(listing, long=long, tensors=tensors),
        ids=[entry.file for entry in listing.entries],
        page=True,
    )


def _lines(listing: Listed, *, long: bool, tensors: bool) -> Iterator[str]:
    """Yield the files; with `tensors`, each followed by its tensors, in columns shared by all files."""
    files = _long(listing) if long else _short(listing)
    if not tensors:
        yield from files
        return
    rows = [row for segments in listing.tensors.values() for row in tensor_lines.listed(segments)]
    lines = aligned(rows, right=tensor_lines.RIGHT)
    for entry, file in zip(listing.entries, files, strict=True):
        segments = listing.tensors.get(entry.path, ())
        held = tensor_count.count(segments)
        yield f"{file}  {tensor_lines.held(held) if held else 'tensors unknown'}"
        yield from (f"  {line}" for line in itertools.islice(lines, len(segments)))


def _short(listing: Listed) -> Iterator[str]:
    return aligned([(render.roles(listing.roles(entry)), escape(entry.path)) for entry in listing.entries])


def _long(listing: Listed) -> Iterator[str]:
    rows = [
        (
            "x" if entry.exec else "-",
            render.roles(listing.roles(entry)),
            size(entry.size),
            short(entry.file),
            listing.states[entry.path].value,
            escape(entry.path),
        )
        for entry in listing.entries
    ]
    return aligned(rows, right=frozenset({2}))
