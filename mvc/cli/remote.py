"""`mvc remote`."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import count, date, escape, short
from mvc.cli.app.transfers import given_settings
from mvc.cli.app.verb import group, subverb
from mvc.porcelain import remote as porcelain
from mvc.porcelain.remote import RegistryState, RemoteSettings, SeenRef
from mvc.remotes.backends.probe import Verdict

_OPTION = click.option(
    "-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the remote."
)


@group("remote")
def command(invocation: Invocation) -> None:
    """The other places that versions are shared through: folders, buckets, servers. Alone: the list of them.

    With -v each has its address and its kind.
    """
    found = porcelain.remotes(invocation.repository())
    invocation.emit(
        "remote",
        lambda: {"remotes": [each.to_json() for each in found]},
        lambda: _lines(found) if invocation.verbose else [escape(each.name) for each in found],
        ids=[each.name for each in found],
        page=True,
    )


def _lines(found: Sequence[RemoteSettings]) -> Iterator[str]:
    return aligned([(escape(each.name), escape(each.url), each.kind, _trusted(each)) for each in found])


def _trusted(found: RemoteSettings) -> str:
    """Whether the host of a remote is approved, where one has to be."""
    standing = found.standing
    if standing is None:
        return "invalid settings"
    where = standing.where
    if where is None or (where.is_default and not where.choices):
        return ""
    if not standing.approved or standing.lacking:
        return f"{escape(where.host)} not approved"
    return f"{escape(where.host)} approved" + ("" if standing.plain else ", plain http refused")


@subverb(command, "add")
@click.argument("name")
@click.argument("url")
@_OPTION
def add(invocation: Invocation, name: str, url: str, settings: tuple[str, ...]) -> None:
    """Make the remote NAME known: mvc remote add origin s3://team-models/vision

    URL is a folder, or s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, sftp://USER@HOST/PATH; or a registry:
    picsellia://ORGANIZATION. No secret is ever kept: credentials come from the environment, or where the provider's own
    tools keep them.
    """
    options = given_settings(settings)
    _told(invocation, porcelain.add(invocation.writer(), name, url, base=invocation.cwd, options=options))


@subverb(command, "set-url")
@click.argument("name")
@click.argument("url")
@_OPTION
def set_url(invocation: Invocation, name: str, url: str, settings: tuple[str, ...]) -> None:
    """Change the URL of the remote NAME, and the settings given with -o.

    The host that is typed here is approved for your credentials; settings that stay are not.
    """
    options = given_settings(settings)
    _told(invocation, porcelain.set_url(invocation.writer(), name, url, base=invocation.cwd, options=options))


@subverb(command, "trust")
@click.argument("name")
@click.option("--insecure", is_flag=True, help="Accept plain http to this host too.")
@click.option("--remove", "withdrawn", is_flag=True, help="Withdraw the approval.")
def trust(invocation: Invocation, name: str, insecure: bool, withdrawn: bool) -> None:
    """Approve the host that the remote NAME sends your credentials to.

    The approval is for that host, and is kept in your own settings, never in the repository. Look at `mvc remote show NAME`
    first: whoever made the repository chose the host.
    """
    if insecure and withdrawn:
        raise click.UsageError("say --insecure or --remove, not both")
    repository = invocation.repository()
    done = porcelain.withdraw(repository, name) if withdrawn else porcelain.approve(repository, name, insecure=insecure)
    invocation.emit("remote", done.to_json, lambda: [_approved(done)], ids=[done.name])


def _approved(done: RemoteSettings) -> str:
    """What is approved now, for people."""
    name, standing = escape(done.name), done.standing
    where = standing.where if standing is not None else None
    if standing is None or where is None or (where.is_default and not where.choices):
        return f"{name} needs no approval: its settings name no host of their own."
    host = f"{escape(where.host)} for {where.kind} credentials"
    if not standing.approved or standing.lacking:
        return f"Not approved: {host}."
    more = f", with {escape(' and '.join(sorted(where.choices)))}" if where.choices else ""
    return f"Approved: {host}{more}{' without encryption' if where.plain and standing.plain else ''}."


@subverb(command, "rename")
@click.argument("old")
@click.argument("new")
def rename(invocation: Invocation, old: str, new: str) -> None:
    """Give a remote another name."""
    _told(invocation, porcelain.rename(invocation.writer(), old, new, invocation.actor()))


@subverb(command, "rm")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when files of versions here are only there.")
def remove(invocation: Invocation, name: str, force: bool) -> None:
    """Forget a remote, and what was seen of it; nothing there is touched."""
    gone = porcelain.remove(invocation.writer(), name, invocation.actor(), force=force)
    invocation.emit("remote", gone.to_json, lambda: [f"Forgot {escape(gone.name)}, which is at {escape(gone.url)}"])


@subverb(command, "show")
@click.argument("name")
def show(invocation: Invocation, name: str) -> None:
    """A remote's address and settings, and what its names stood for when they were last seen."""
    repository = invocation.repository()
    found, refs = porcelain.remote(repository, name), porcelain.seen_refs(repository, name)
    invocation.emit(
        "remote",
        lambda: {**found.to_json(), "seen": [ref.to_json() for ref in refs]},
        lambda: _shown(found, refs),
        ids=[found.url],
        page=True,
    )


@subverb(command, "check")
@click.argument("name")
@click.option("--full", is_flag=True, help="Also what several do at once, and a file of 6 MiB.")
def check(invocation: Invocation, name: str, full: bool) -> None:
    """Try a remote out: can it be read, written and listed, and is a name created only once?

    A store that lets two create the same name would lose versions: it is refused, here and by push. Of a registry it is tried
    whether the token lets in; nothing is made there.
    """
    repository = invocation.repository()
    if porcelain.is_registry(repository, name):
        invocation.require_network(name)
        state = porcelain.check_registry(repository, name, invocation.environ)
        invocation.emit("remote", state.to_json, lambda: [_lets_in(name, state)], ids=[])
        return
    verdict = porcelain.check(repository, name, invocation.actor(), full=full, now=time.time())
    invocation.emit("remote", lambda: _verdict(verdict), lambda: _checked(name, verdict), ids=[])


def _shown(found: RemoteSettings, refs: Sequence[SeenRef]) -> Iterator[str]:
    yield f"{escape(found.name)}  {escape(found.url)}  ({found.kind})"
    trusted = _trusted(found)
    if trusted:
        yield f"  {trusted}"
    yield from (f"  {key} = {escape(value)}" for key, value in sorted(found.options.items()))
    rows = [(escape(ref.ref.model), escape(ref.ref.text), short(ref.version), f"seen {date(ref.at)}") for ref in refs]
    yield from (f"  {row}" for row in aligned(rows))
    if not refs:
        yield "  Nothing was seen of it yet: `mvc fetch`"


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {"checks": list(verdict.checks), "warnings": list(verdict.warnings), "skew": verdict.skew}


def _checked(name: str, verdict: Verdict) -> Iterator[str]:
    yield f"{escape(name)} does what a remote needs: {', '.join(verdict.checks)}"
    yield from (f"But {warning}." for warning in verdict.warnings)


def _lets_in(name: str, state: RegistryState) -> str:
    seen = count(state.models, "model")
    return f"{escape(name)} lets in: {escape(state.organization)} at {escape(state.host)}, {seen} seen"


def _told(invocation: Invocation, made: RemoteSettings) -> None:
    invocation.emit("remote", made.to_json, lambda: [f"{escape(made.name)} is {escape(made.url)}"], ids=[made.name])
    standing = made.standing
    if standing is None or standing.where is None or standing.usable:
        return
    name, host = shlex.quote(made.name), standing.where.host
    if not standing.approved or standing.lacking:
        invocation.note(f"{host} is not approved for your credentials; `mvc remote trust {name}` approves it")
    else:
        note = f"{host} is reached by plain http, which is refused until `mvc remote trust {name} --insecure`"
        invocation.note(note)
