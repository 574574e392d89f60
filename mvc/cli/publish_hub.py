"""`mvc publish URL`: publish versions to a hub, and its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size
from mvc.plural import count
from mvc.porcelain.publish import everything
from mvc.porcelain.publish_hub import HubPublished, publish_to_hub
from mvc.registry.hubs import hub as hubs
from mvc.registry.hubs.hub import KNOWN, Access
from mvc.repository import revisions
from mvc.repository.model import Model


def run(
    invocation: Invocation,
    url: str,
    texts: Sequence[str],
    *,
    all_: bool,
    names: Sequence[str],
    tags: bool,
    force: bool,
    dry_run: bool,
) -> int:
    """Publish the versions that `texts` name, or all of them, to the hub at `url`."""
    if all_ and texts:
        raise click.UsageError("--all takes no REV")
    repository = invocation.repository()
    model = Model(repository, invocation.model())
    ids = everything(model) if all_ else [revisions.resolve(model, text) for text in texts or ("HEAD",)]
    invocation.require_network(url)
    with invocation.progress(f"Publishing to {url}") as progress:
        access = Access(invocation.environ, repository.approvals, progress)
        with hubs.connected(url, access) as hub:
            done = publish_to_hub(
                model, hub, ids, names=names, with_refs=tags, force=force, dry_run=dry_run, progress=progress
            )
    for version in done.versions:
        for note in version.notes:
            invocation.note(f"v{version.number}: {note}.")
    invocation.emit("publish", done, lambda: _lines(done), ids=[version.place for version in done.versions])
    return 0


def _lines(done: HubPublished) -> Iterator[str]:
    yield f"To {escape(done.hub)}"
    for version in done.versions:
        names = f"  {escape(', '.join(version.names))}" if version.names else ""
        yield f"  v{version.number} {short(version.id)}  [{version.how}]  {escape(version.place)}{names}"
        if version.page is not None:
            yield f"     {escape(version.page)}"
    published = sum(version.how != KNOWN for version in done.versions)
    if published:
        sent = f", {size(done.sent)}" if done.done else ""
        yield f"{'Published' if done.done else 'Would publish'} {count(published, 'version')}{sent}."
    else:
        yield "Everything up to date."
