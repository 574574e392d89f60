"""`mvc du`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size
from mvc.cli.app.verb import verb
from mvc.cli.history.numbers import Numbers
from mvc.plural import count
from mvc.porcelain.du import Usage, Usages, du
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("du")
@click.argument("texts", nargs=-1, metavar="[REV]...")
def command(invocation: Invocation, texts: tuple[str, ...]) -> None:
    """Show the disk usage of versions.

    Lists for each version the size of its files, the bytes stored for it alone (unique), those shared with other
    versions, and the bytes that `mvc prune` would free by dropping this version alone (if pruned): less than unique, or
    0, if something else keeps its parts, such as an earlier commit that was amended or what `mvc undo` restores, and for small files, which stay with
    the record. `mvc prune` keeps versions with a branch, tag or alias, whatever they would free. Without REV, lists all versions. The last lines sum up the whole repository, with all models.
    """
    repository, model = invocation.repository(), invocation.model()
    ids = list(dict.fromkeys(revisions.resolve(Model(repository, model), text) for text in texts))
    usages = du(Model(repository, model), ids)
    invocation.emit("du", usages, lambda: _lines(Model(repository, model), usages), page=True)


def _lines(model: Model, usages: Usages) -> Iterator[str]:
    numbers = Numbers(model, [usage.id for usage in usages.versions])
    head = ("", "", "total", "unique", "shared", "if pruned", "")
    yield from aligned([head, *(_row(usage, numbers) for usage in usages.versions)], right=frozenset({2, 3, 4, 5}))
    yield ""
    saved = f" ({usages.checked_out / usages.store:.1f} times smaller)" if usages.store else ""
    versions = count(usages.count, "version")
    yield f"store  {size(usages.store)} on disk for {versions} of {size(usages.checked_out)}{saved}"
    if usages.cached:
        yield f"cache  {size(usages.cached)} of decoded files; `mvc gc` removes those unused for gc.cache-expire days"
    parts = [f"{noun} {size(spared)}" for noun, spared in usages.saved.items() if spared > 0]
    if parts:
        yield f"saved by  {', '.join(parts)}"


def _row(usage: Usage, numbers: Numbers) -> tuple[str, ...]:
    counts = {"dropped": usage.dropped, "not fetched": usage.absent - usage.dropped}
    parts = ", ".join(f"{count(number, 'file')} {word}" for word, number in counts.items() if number)
    absent = f"  ({parts})" if parts else ""
    sizes = (size(usage.total), size(usage.unique), size(usage.shared), f"-{size(usage.freed)}" if usage.freed else "0")
    number = numbers.of(usage.id, usage.version.number)
    return (number, short(usage.id), *sizes, escape(usage.version.subject) + absent)
