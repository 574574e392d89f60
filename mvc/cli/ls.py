"""`mvc ls`: its options, arguments and output."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app import render
from mvc.cli.app import tensors as tensor_lines
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.cli.git.paths import revisions_and_paths
from mvc.model import tensor_count
from mvc.model.tree import TreeEntry
from mvc.porcelain.ls import Listed, ls
from mvc.repository import revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.cli.files import plain
else:
    plain = lazy.Module("mvc.cli.files.plain")


@verb("ls")
@click.argument("words", nargs=-1, metavar="[REV] [[--] PATH...]")
@click.option("-l", "--long", is_flag=True, help="Also show mode, size, id and storage state.")
@click.option("--tensors", is_flag=True, help="Also list tensors: name, dtype, shape, size, offset, digest.")
@click.option("--licenses", is_flag=True, help="List the licenses that the files name themselves.")
@click.option("--no-index", is_flag=True, help="List plain files and folders, without a repository.")
def command(
    invocation: Invocation, words: tuple[str, ...], long: bool, tensors: bool, licenses: bool, no_index: bool
) -> None:
    """List the files of a version.

    PATH, a file, folder or role, lists only what is there. With --no-index, or outside of a repository, it is a plain file
    or folder, such as a download: `mvc ls --tensors model.safetensors` lists its tensors.

    -l shows the mode (x for an executable file, else -), the role, the size, the id and the state of the bytes:
    complete (they are here), promised (on a remote: fetched when needed), expired (dropped on purpose, as by `mvc prune`)
    or missing (`mvc fsck` says more).

    --licenses lists the files that name a license: weights in their header, model cards, and texts of licenses. Those that
    contradict model.license are marked. Nothing is fetched. With --no-index, of plain files.
    """
    if licenses and (long or tensors):
        raise click.UsageError("--licenses cannot be used with -l or --tensors")
    if no_index or plain.are_meant(invocation, words):
        plain.ls(invocation, words, long=long, tensors=tensors, licenses=licenses)
        return
    repository, model = invocation.repository(), invocation.model()
    given, paths = revisions_and_paths(invocation, Model(repository, model), words)
    if len(given) > 1:
        raise click.UsageError("too many revisions: expected REV")
    revision = given[0] if given else "HEAD"
    id_ = revisions.resolve(Model(repository, model), revision)
    of = Model(repository, revisions.model_of(Model(repository, model), revision))
    listing = ls(of, id_, states=long, tensors=tensors, licenses=licenses)
    if paths:
        listing = dataclasses.replace(listing, entries=tuple(e for e in listing.entries if _is_in(e, paths)))
        if not listing.entries:
            invocation.note(f"note: v{listing.number} has no such file; `mvc ls --no-index` lists plain files")
    invocation.emit(
        "ls",
        listing,
        lambda: _licenses(listing) if licenses else _lines(listing, long=long, tensors=tensors),
        ids=[entry.file for entry in listing.entries],
        page=True,
    )


def _is_in(entry: TreeEntry, paths: Sequence[str]) -> bool:
    return any(name in (entry.path, entry.role, "", ".") or entry.path.startswith(f"{name}/") for name in paths)


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


def _licenses(listing: Listed) -> Iterator[str]:
    """Yield the license of the model, and the files that name one or are not here."""
    yield f"model.license: {escape(listing.license) if listing.license else 'not set'}"
    rows = []
    for entry in listing.entries:
        claims = (listing.licenses or {}).get(entry.path, ())
        if claims is None:
            rows.append((escape(entry.path), "?", "not here"))
        for claim in claims or ():
            named, place = render.licensed(claim)
            mark = "  contradicts model.license" if claim in listing.contradicting else ""
            rows.append((escape(entry.path), named, place + mark))
    yield from aligned(rows)


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
