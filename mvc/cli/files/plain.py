"""Plain files and folders on the command line: what `mvc diff --no-index` and `mvc ls --no-index` print."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import click

from mvc import errors
from mvc.cli.app import render
from mvc.cli.app import tensors as tensor_lines
from mvc.cli.app.command import divided
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.history.changes import ChangesStyle
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake.plain.files import LeftOut
from mvc.model import tensor_count
from mvc.porcelain.diff_files import FilesDiff, diff_files
from mvc.porcelain.ls_files import FilesListed, ls_files

_SIDES = 2


def are_meant(invocation: Invocation, words: Sequence[str]) -> bool:
    """Return whether words without --no-index name plain files: outside a repository, or two of which one is outside.

    Outside a repository, one that is there, or is called like weights, is enough: the other one is misspelt.
    """
    names = [word for part in divided(words) for word in part]
    are_there = [os.path.lexists(invocation.cwd / name) for name in names]
    try:
        root = invocation.find_root()
    except errors.NoRepository:
        return any(are_there) or any(name.lower().endswith(WEIGHT_SUFFIXES) for name in names)
    if not all(are_there):
        return False
    places = [Path(os.path.realpath(invocation.cwd / name)) for name in names]
    return len(names) == _SIDES and not all(place.is_relative_to(os.path.realpath(root)) for place in places)


def diff(
    invocation: Invocation,
    words: Sequence[str],
    changes_style: ChangesStyle,
    tensors: Literal["headers", "deep"] | None,
) -> int:
    """Compare two files or folders, and print their differences; return 1 if there are some, else 0."""
    names = [word for part in divided(words) for word in part]
    if len(names) != _SIDES:
        raise click.UsageError("--no-index compares two paths: expected PATH PATH")
    old, new = names
    result = diff_files(
        _place(invocation, old),
        _place(invocation, new),
        shown=(old, new),
        tensors=tensors,
        context=changes_style.context,
    )
    _warn(invocation, result.left_out, result.notes)
    invocation.emit("diff", result, lambda: _lines(result, changes_style), page=True, wrap=not changes_style.is_names)
    return int(result.differs)


def ls(invocation: Invocation, words: Sequence[str], *, long: bool, tensors: bool, licenses: bool) -> None:
    """Print the files at some paths, and their tensors, or the licenses that they name."""
    names = [word for part in divided(words) for word in part] or ["."]
    places = [_place(invocation, name) for name in names]
    ids = long or invocation.quiet
    result = ls_files(places, shown=names, ids=ids, tensors=tensors, licenses=licenses)
    _warn(invocation, result.left_out, result.notes)
    invocation.emit(
        "ls",
        result,
        lambda: _licenses(result) if licenses else _listed(result, long=long, tensors=tensors),
        ids=[file.file for file in result.files if file.file],
        page=True,
    )


def _place(invocation: Invocation, name: str) -> Path:
    return invocation.cwd / name


def _warn(invocation: Invocation, left_out: Iterable[LeftOut], notes: Iterable[LeftOut]) -> None:
    for path, reason in left_out:
        invocation.note(f"warning: left out {escape(path)}: {escape(reason)}")
    for path, reason in notes:
        invocation.note(f"warning: {escape(path)}: {escape(reason)}")


def _lines(result: FilesDiff, chosen: ChangesStyle) -> Iterator[str]:
    if chosen.is_names:
        yield from chosen.lines(result.difference)
    elif result.differs:
        yield f"{escape(result.old.path)}..{escape(result.new.path)}"
        yield from chosen.lines(result.difference, texts=result.texts)
        yield from tensor_lines.difference(result.tensors or (), stat=chosen.stat)


def _licenses(result: FilesListed) -> Iterator[str]:
    rows = [(escape(file.path), *render.licensed(claim)) for file in result.files for claim in file.licenses]
    return aligned(rows) if rows else iter(("No file names a license.",))


def _listed(result: FilesListed, *, long: bool, tensors: bool) -> Iterator[str]:
    """Yield the files; with `tensors`, each followed by its tensors, in columns shared by all files."""
    files = [
        ("x" if file.exec else "-", size(file.size), short(file.file or ""), escape(file.path))
        if long
        else (escape(file.path),)
        for file in result.files
    ]
    shown = aligned(files, right=frozenset({1} if long else ()))
    if not tensors:
        yield from shown
        return
    rows = [row for file in result.files for row in tensor_lines.listed(file.tensors or ())]
    lines = aligned(rows, right=tensor_lines.RIGHT)
    for file, line in zip(result.files, shown, strict=True):
        held = tensor_count.count(file.tensors or ())
        yield f"{line}  {tensor_lines.held(held) if held else 'tensors unknown'}"
        yield from (f"  {row}" for row in itertools.islice(lines, len(file.tensors or ())))
