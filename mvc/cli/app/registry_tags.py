"""The text of tags and names that were changed on a registry, and the registry of a verb that changes them on request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.history.numbers import Numbers
from mvc.porcelain.alias_publish import PublishedAlias
from mvc.registry import connection
from mvc.registry.protocol import Registry
from mvc.registry.tags.follow import ADDED, FOREIGN, REMOVED, TagChange
from mvc.registry.tags.rename import RenamedVersion
from mvc.repository.model import Model


@contextlib.contextmanager
def registry(invocation: Invocation, name: str | None) -> Iterator[Registry]:
    """Yield the registry of that name, or the only one."""
    repository = invocation.repository()
    chosen = name or connection.default_registry(repository, invocation.environ)
    invocation.require_network(chosen)
    with connection.registry(repository, chosen, invocation.environ) as connected:
        yield connected


def alias(model: Model, done: PublishedAlias) -> Iterator[str]:
    """Yield a published alias, and what was changed for it."""
    where = f"Picsellia #{done.place.number}  {escape(done.place.page)}"
    number = Numbers(model, [done.alias.id]).of(done.alias.id, done.alias.number)
    yield f"{escape(done.alias.name)} -> {number} {short(done.alias.id)}, {where}"
    for version in done.published.versions if done.published is not None else ():
        yield f"   published {version.name}"
    yield from lines(done.tags)
    yield from renamed(done.renamed)


def alias_notes(done: PublishedAlias) -> Iterator[str]:
    """Yield the warnings about a published alias, and about the version that was published for it."""
    yield from notes(done.tags)
    if done.other_named is not None:
        yield f"warning: #{done.other_named} still has the name {escape(done.alias.name)} there; --rename moves the name too"
    for version in done.published.versions if done.published is not None else ():
        yield from (f"v{version.number}: {note}." for note in version.notes)


def lines(tags: Iterable[TagChange]) -> Iterator[str]:
    """Yield the changes of tags: `+ tag prod  #2 v3-3f9c2ab1d0f4`."""
    signs = {ADDED: "+", REMOVED: "-"}
    for tag in tags:
        if tag.change in signs:
            number = f"#{tag.number} " if tag.number is not None else ""
            yield f"   {signs[tag.change]} tag {escape(tag.tag)}  {number}{escape(tag.name)}"


def notes(tags: Iterable[TagChange]) -> Iterator[str]:
    """Yield a warning for each version that is not known here and has the tag of an alias."""
    for tag in tags:
        if tag.change == FOREIGN:
            yield (
                f"warning: #{tag.number} {escape(tag.name)} has the tag {escape(tag.tag)} too; it was kept, as that version is"
                " not known here (`mvc import` imports it)"
            )


def renamed(versions: Iterable[RenamedVersion]) -> Iterator[str]:
    """Yield the versions that were renamed."""
    yield from (f"   renamed #{one.number} from {escape(one.old)} to {escape(one.new)}" for one in versions)
