"""`mvc remote`: its options, arguments and output."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.transfers import given_settings
from mvc.cli.app.verb import group, subverb
from mvc.plural import count
from mvc.porcelain import remote as porcelain
from mvc.porcelain import remote_policy
from mvc.porcelain.remote import RegistryState, RemoteSettings, SeenRef, Upgraded
from mvc.remotes.backends.probe import Verdict

_OPTION = click.option(
    "-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="Set an option of the remote."
)

_NAMED_BY = {"role": "--role", "pusher": "--pusher", "account": "the setting `account` of the remote"}
"""What names each placeholder of printed permissions."""


@group("remote")
def command(invocation: Invocation) -> None:
    """List, add, change or check remotes.

    A remote is a shared store (a folder, a bucket, a server) or a registry. Without a command, list the remotes; -v
    shows their URL and kind.
    """
    remotes = porcelain.remotes(invocation.repository())
    invocation.emit(
        "remote",
        {"remotes": remotes},
        lambda: _lines(remotes) if invocation.verbose else [escape(remote.name) for remote in remotes],
        ids=[remote.name for remote in remotes],
        page=True,
    )


def _lines(remotes: Sequence[RemoteSettings]) -> Iterator[str]:
    return aligned([(escape(remote.name), escape(remote.url), remote.kind, _trusted(remote)) for remote in remotes])


def _trusted(remote: RemoteSettings) -> str:
    """Return the approval of a remote's host; empty if it needs none."""
    standing = remote.standing
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
    """Add a remote.

    Example: mvc remote add origin s3://team-models/vision. URL is a folder, s3://BUCKET/PATH, gs://BUCKET/PATH,
    az://CONTAINER/PATH, sftp://USER@HOST/PATH, or a registry: picsellia://ORGANIZATION. Credentials are never stored:
    they come from the environment, or from the provider's own tools.
    """
    options = given_settings(settings)
    made = porcelain.add(invocation.writer(), name, url, base=invocation.cwd, options=options)
    _emit(invocation, made, f"Added remote {escape(made.name)}: {escape(made.url)}")


@subverb(command, "set-url")
@click.argument("name")
@click.argument("url")
@_OPTION
def set_url(invocation: Invocation, name: str, url: str, settings: tuple[str, ...]) -> None:
    """Change the URL and the options of a remote.

    A host in URL is then approved to receive your credentials; options that the remote already had are not approved.
    """
    options = given_settings(settings)
    made = porcelain.set_url(invocation.writer(), name, url, base=invocation.cwd, options=options)
    _emit(invocation, made, f"Changed remote {escape(made.name)}: {escape(made.url)}")


@subverb(command, "trust")
@click.argument("name")
@click.option("--insecure", is_flag=True, help="Also accept unencrypted HTTP to this host.")
@click.option("--remove", "withdrawn", is_flag=True, help="Stop sending credentials to the remote's host.")
def trust(invocation: Invocation, name: str, insecure: bool, withdrawn: bool) -> None:
    """Approve sending credentials to a remote's host.

    The approval applies to the host, and is kept in your user settings, not in the repository. Check `mvc remote show
    NAME` first: the author of the repository chose the host.
    """
    if insecure and withdrawn:
        raise click.UsageError("use only one of --insecure and --remove")
    repository = invocation.repository()
    done = porcelain.withdraw(repository, name) if withdrawn else porcelain.approve(repository, name, insecure=insecure)
    invocation.emit("remote", done, lambda: [_approved(done)], ids=[done.name])


def _approved(done: RemoteSettings) -> str:
    """Return the approval in effect, as a sentence."""
    name, standing = escape(done.name), done.standing
    where = standing.where if standing is not None else None
    if standing is None or where is None or (where.is_default and not where.choices):
        return f"{name} needs no approval: its settings name no host."
    host = f"{escape(where.host)} for {where.kind} credentials"
    if not standing.approved or standing.lacking:
        return f"Not approved: {host}."
    more = f", with {escape(' and '.join(sorted(where.choices)))}" if where.choices else ""
    return f"Approved: {host}{more}{' without encryption' if where.plain and standing.plain else ''}."


@subverb(command, "rename")
@click.argument("old")
@click.argument("new")
def rename(invocation: Invocation, old: str, new: str) -> None:
    """Rename a remote."""
    made = porcelain.rename(invocation.writer(), old, new, invocation.actor())
    _emit(invocation, made, f"Renamed remote {escape(old)} to {escape(made.name)}")


@subverb(command, "rm")
@click.argument("name")
@click.option("--force", is_flag=True, help="Remove the remote even if it has the only copy of some files.")
def remove(invocation: Invocation, name: str, force: bool) -> None:
    """Remove a remote and its remote-tracking refs.

    Nothing is changed on the remote itself.
    """
    removed = porcelain.remove(invocation.writer(), name, invocation.actor(), force=force)
    invocation.emit("remote", removed, lambda: [f"Removed remote {escape(removed.name)} ({escape(removed.url)})"])


@subverb(command, "show")
@click.argument("name")
def show(invocation: Invocation, name: str) -> None:
    """Show a remote's settings and remote-tracking refs."""
    repository = invocation.repository()
    remote, refs = porcelain.remote(repository, name), porcelain.seen_refs(repository, name)
    invocation.emit(
        "remote",
        {**remote.to_json(), "seen": refs},
        lambda: _shown(remote, refs),
        ids=[remote.url],
        page=True,
    )


@subverb(command, "check")
@click.argument("name")
@click.option("--full", is_flag=True, help="Also test concurrent access, and a file of 6 MiB.")
def check(invocation: Invocation, name: str, full: bool) -> None:
    """Test whether a remote can be used.

    Tests reading, writing, listing, and that a ref cannot be created twice. A store without that guarantee could
    lose versions, so mvc does not push to it. For a registry, tests the token, and whether the organization can store
    files; nothing is created there.
    """
    repository = invocation.repository()
    if porcelain.is_registry(repository, name):
        invocation.require_network(name)
        state = porcelain.check_registry(repository, name, invocation.environ)
        invocation.emit("remote", state, lambda: [_accepted(state)], ids=[])
        return
    verdict = porcelain.check(repository, name, invocation.actor(), full=full, now=time.time())
    invocation.emit("remote", verdict, lambda: _checked(name, verdict), ids=[])


@subverb(command, "policy")
@click.argument("name")
@click.option(
    "--print",
    "form",
    type=click.Choice(list(remote_policy.PRINTERS)),
    help="Form of the permissions (default: that of the remote).",
)
@click.option(
    "--protect",
    multiple=True,
    metavar="REF",
    help="Ref to protect, such as alias:prod (default: those of rules with signed-by or from).",
)
@click.option("--role", "roles", multiple=True, metavar="WHO", help="Role that may move the protected refs.")
@click.option(
    "--pusher",
    "pushers",
    multiple=True,
    metavar="WHO",
    help="Member or group that pushes everything else (not for s3).",
)
def policy(
    invocation: Invocation,
    name: str,
    form: str | None,
    protect: tuple[str, ...],
    roles: tuple[str, ...],
    pushers: tuple[str, ...],
) -> None:
    """Print the permissions by which only one role moves certain refs.

    A bucket policy (s3), or a shell script with commands (gcs, azure, unix), to be applied by an administrator of the
    store; the command itself changes nothing. WHO is an ARN (s3), a member such as group:NAME@DOMAIN (gcs), an object id
    (azure), or a group (unix); what is not named is a placeholder.
    """
    printed = remote_policy.store_policy(
        invocation.repository(), name, form, protect=protect, roles=roles, pushers=pushers
    )
    invocation.emit("remote", printed, lambda: printed.text.split("\n"), ids=printed.refs, wrap=False)
    lacking = [_NAMED_BY[placeholder] for placeholder in printed.placeholders]
    if lacking:
        invocation.note(
            f"note: replace the placeholders before you apply it, or name them with {' and '.join(lacking)}"
        )


@subverb(command, "upgrade")
@click.argument("name")
def upgrade(invocation: Invocation, name: str) -> None:
    """Allow newer encodings of weights on a remote.

    A push to a remote that an older mvc made encodes some chunks again, so that everybody can read them. After the
    upgrade they are sent as they are stored here, which is smaller; an older mvc then refuses the remote, and names what
    it lacks. What is on the remote stays as it is. Use the collector's key, as for `mvc gc --remote`.
    """
    done = porcelain.upgrade(invocation.writer(), name)
    invocation.emit("remote", done, lambda: [_upgraded(done)], ids=[done.name])


def _upgraded(done: Upgraded) -> str:
    if not done.new:
        return f"{escape(done.name)} already supports every encoding of this mvc."
    return f"Upgraded {escape(done.name)}: readers must now support {', '.join(done.new)}."


def _shown(remote: RemoteSettings, refs: Sequence[SeenRef]) -> Iterator[str]:
    yield f"{escape(remote.name)}  {escape(remote.url)}  ({remote.kind})"
    trusted = _trusted(remote)
    if trusted:
        yield f"  {trusted}"
    yield from (f"  {key} = {escape(value)}" for key, value in sorted(remote.options.items()))
    rows = [(escape(ref.ref.model), escape(ref.ref.text), short(ref.version), f"as of {date(ref.at)}") for ref in refs]
    yield from (f"  {row}" for row in aligned(rows))
    if not refs:
        yield "  No remote-tracking refs yet; run `mvc fetch`"


def _checked(name: str, verdict: Verdict) -> Iterator[str]:
    yield f"{escape(name)} can be used; passed: {', '.join(verdict.checks)}"
    yield from (f"warning: {warning}" for warning in verdict.warnings)


def _accepted(state: RegistryState) -> str:
    models = count(state.models, "model")
    return f"Token accepted: organization {escape(state.organization)} at {escape(state.host)}, {models}"


def _emit(invocation: Invocation, made: RemoteSettings, line: str) -> None:
    """Print one changed remote, and a note if its host cannot be used yet."""
    invocation.emit("remote", made, lambda: [line], ids=[made.name])
    standing = made.standing
    if standing is None or standing.where is None or standing.usable:
        return
    name, host = shlex.quote(made.name), standing.where.host
    if not standing.approved or standing.lacking:
        invocation.note(f"{host} is not approved for your credentials; approve it with `mvc remote trust {name}`")
    else:
        note = f"{host} uses unencrypted HTTP, which is refused; accept it with `mvc remote trust {name} --insecure`"
        invocation.note(note)
