"""`mvc show`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.tensors import held
from mvc.cli.app.terminal import count, escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.porcelain.show import Shown, show
from mvc.repository import revisions
from mvc.repository.model import Model

_CLASSES = 10
"""How many classes are shown."""


@verb("show")
@click.argument("revision", default="HEAD", metavar="[REV]")
def command(invocation: Invocation, revision: str) -> None:
    """One version, whole: who, when, why, every value, every file, and what it changed."""
    repository, model = invocation.repository(), invocation.model()
    found = show(
        repository,
        revisions.model_of(Model(repository, model), revision),
        revisions.resolve(Model(repository, model), revision),
    )
    invocation.emit("show", found.to_json, lambda: _lines(found), ids=(found.id,), page=True)


def _lines(found: Shown) -> Iterator[str]:
    version = found.version
    names = ", ".join(escape(f"tag: {name}" if kind == "tag" else name) for kind, name in found.names)
    yield style(f"{escape(found.model)} v{version.number}  {found.id}", fg="yellow") + (f"  ({names})" if names else "")
    for parent in version.parents:
        yield f"{'parent':<11} {parent}{' (not here: the registry did not have it)' if parent in found.absent else ''}"
    yield f"{'tree':<11} {version.tree}"
    yield f"{'manifest':<11} {version.manifest}"
    yield f"{'author':<11} {escape(str(version.author))}"
    yield f"{'date':<11} {version.time}"
    for place in found.places:
        where = f"{escape(place.model)} of {escape(place.organization)}"
        yield f"{'picsellia':<11} #{place.number} {escape(place.name)} of {where}  {escape(place.page)}"
    if version.code is not None:
        code = version.code
        where = " · ".join(escape(part) for part in (code.branch, code.remote) if part)
        yield f"{'code':<11} {escape(short(code.commit))}{' (dirty)' if code.dirty else ''}{f'  {where}' if where else ''}"
    yield ""
    yield from (f"    {escape(line)}" for line in version.message.split("\n"))
    yield ""
    yield from _values(found)
    yield from _files(found)
    if not found.difference.is_empty and version.parents and version.parents[0] not in found.absent:
        yield ""
        yield f"Against its parent: {render.summary(found.difference, sum(entry.size for entry in found.tree.entries))}"
        yield from (f"  {line}" for line in render.difference(found.difference))


def _values(found: Shown) -> Iterator[str]:
    for name, section in found.manifest.to_toml().items():
        if name not in ("files", "labelmap"):
            for key, value in _leaves(section):
                if (name, key) == ("docker", "digest"):
                    yield f"{name:<11} {key} = {_digest(found.manifest.docker['digest'])}"
                    continue
                yield f"{'about' if name == 'model' else name:<11} {escape(key)} = {render.shown(value)}"
    labels = found.manifest.labelmap
    if labels:
        shown = ", ".join(f"{number}: {escape(name)}" for number, name in labels[:_CLASSES])
        more = f", ... ({len(labels) - _CLASSES} more)" if len(labels) > _CLASSES else ""
        yield f"{'labelmap':<11} {count(len(labels), 'class', 'classes')}: {shown}{more}"


def _digest(value: object) -> str:
    """A docker digest whole; one that was looked up as asked for, and as what was found."""
    if not isinstance(value, dict):
        return escape(str(value))
    return escape(f"{value['asked']} ({value['resolved'] or 'not resolved'})")


def _leaves(section: object, above: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(section, dict) and section:
        for key, value in section.items():
            yield from _leaves(value, f"{above}.{key}" if above else str(key))
    else:
        yield above, section


def _files(found: Shown) -> Iterator[str]:
    """Role, path, size, id, whether the bytes are here, and the tensors in them."""
    rows = [
        (
            escape(entry.role),
            escape(entry.path),
            size(entry.size),
            short(entry.file),
            found.states[entry.path].value,
            held(found.tensors[entry.path]) if entry.path in found.tensors else "",
        )
        for entry in found.tree.entries
    ]
    for number, row in enumerate(aligned(rows, right=frozenset({2}))):
        yield f"{'files' if number == 0 else '':<11} {row}"
