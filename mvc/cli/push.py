"""`mvc push`: its options, arguments and output."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app import transfers
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.cli.fsck import healed_lines
from mvc.cli.git import refspecs
from mvc.cli.history import signatures
from mvc.cli.pull import rebase_lines
from mvc.plural import count
from mvc.porcelain import push as porcelain
from mvc.porcelain.push import Pushed, PushedRef
from mvc.repository.model import Model
from mvc.repository.refnames import KINDS
from mvc.repository.signatures import pushed_moves
from mvc.transport import connection
from mvc.transport.refspec import updates

_DONE = {"*": "new", "-": "deleted", "+": "forced", "=": "up to date", "!": "rejected", " ": ""}


@verb(
    "push",
    apart=[("--delete", option) for option in ("--all", "--tags", "--rebase", "--set-upstream", "--signed", "--key")],
)
@click.argument("remote", required=False)
@click.argument("refs", nargs=-1, metavar="[NAME|SRC:DST]...")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be pushed.")
@click.option("--all", "all_", is_flag=True, help="Push all branches.")
@click.option("--tags", is_flag=True, help="Also push all tags and aliases.")
@click.option("-d", "--delete", is_flag=True, help="Delete the named refs on the remote.")
@click.option("-u", "--set-upstream", is_flag=True, help="Set the remote branch as the branch's upstream.")
@click.option(
    "--force-with-lease", "lease", is_flag=True, help="Overwrite the remote ref unless it moved since the last fetch."
)
@click.option(
    "--rebase",
    "tries",
    is_flag=False,
    flag_value=porcelain.TRIES,
    type=click.IntRange(1),
    default=None,
    metavar="[TRIES]",
    help="If rejected, replay your versions on the remote branch and push again.",
)
@click.option(
    "--repair", is_flag=True, help="First replace missing or damaged data on the remote (reads the whole remote)."
)
@click.option("--revive", is_flag=True, help="Upload the bytes of a version again that were dropped on the remote.")
@click.option(
    "--signed/--no-signed", default=None, help="Sign the moves of tags and aliases there (default: those signed here)."
)
@click.option("--key", type=click.Path(), metavar="FILE", help="Sign with the SSH key in FILE, instead of sign.key.")
@transfers.options
def command(
    invocation: Invocation,
    remote: str | None,
    refs: tuple[str, ...],
    dry_run: bool,
    all_: bool,
    tags: bool,
    delete: bool,
    set_upstream: bool,
    lease: bool,
    tries: int | None,
    repair: bool,
    revive: bool,
    signed: bool | None,
    key: str | None,
    jobs: int,
    limit: float | None,
) -> int:
    """Upload versions and update the remote's refs.

    Pushes the current branch if no ref is named. Branches are only fast-forwarded: if somebody else pushed first, the
    push of that branch is rejected, the remote branch stays as it is, and the exit code is 13. --rebase then merges the
    change of each of your versions into the newest one on the remote; if they conflict, nothing is changed.
    """
    if repair and dry_run:
        raise click.UsageError(
            "--repair cannot be combined with --dry-run; `mvc fsck --remote NAME --read-data` only checks"
        )
    repository = invocation.repository() if dry_run else invocation.writer()
    model, actor = invocation.model(), invocation.actor()
    name = transfers.remote_of(invocation, remote, model)
    branch = repository.head(model).branch
    refs = refspecs.own(refs, None if delete else branch, name)
    requests = updates(Model(repository, model), name, refs, branches=all_, tags=tags, delete=delete)
    pushed = [] if dry_run else [request.ref for request in requests if request.new is not None]
    signing = pushed_moves.signing(Model(repository, model), pushed, invocation.keys(), signed=signed, given=key)
    with (
        connection.open_remote(repository, name, jobs=jobs, limit=limit) as connected,
        invocation.progress(f"Uploading to {name}") as progress,
    ):
        done = porcelain.push(
            Model(repository, model),
            connected,
            requests,
            actor,
            lease=lease,
            tries=tries or 0,
            repair=repair,
            revive=revive,
            set_upstream=set_upstream,
            signing=signing,
            dry_run=dry_run,
            progress=progress,
        )
    invocation.emit("push", done, lambda: _lines(done), ids=[ref.new or "" for ref in done.refs])
    if done.encoded_again:
        chunks = f"{count(done.encoded_again, 'chunk')} {'were' if done.done else 'would be'} encoded again"
        upgrade = f"once everybody has this mvc, run `mvc remote upgrade {shlex.quote(name)}`"
        invocation.note(f"{escape(name)} supports only the encodings of an older mvc, so {chunks}; {upgrade}")
    if done.rejected:
        return errors.PushRejected.exit_code
    return errors.Damaged.exit_code if done.repaired is not None and done.repaired.after.findings else 0


def _lines(done: Pushed) -> Iterator[str]:
    if done.repaired is not None:
        yield from healed_lines(done.remote, done.repaired)
    yield f"To {escape(done.remote)}"
    for ref in done.refs:
        yield f" {ref.flag} {_move(ref)}  {escape(ref.ref.name)}{_why(ref)}"
    if done.rebased:
        yield f"Rebased {count(done.rebased, 'time')}."
        yield from rebase_lines(done.rebases)
    if any(ref.flag not in "=!-" for ref in done.refs):
        verb_ = "Uploaded" if done.done else "Would upload"
        skipped = f" ({size(done.skipped)} already on {escape(done.remote)})" if done.skipped else ""
        yield f"{verb_} {count(done.versions, 'version')}, {size(done.sent)}{skipped}."
    yield from (signatures.made(signature, "") for signature in done.signed)
    if done.notes:
        yield f"Uploaded {count(done.notes, 'note')}."
    if done.evaluations:
        yield f"Uploaded {count(done.evaluations, 'evaluation')}."
    if done.signatures:
        yield f"Uploaded {count(done.signatures, 'signature')}."
    if done.attestations:
        yield f"Uploaded {count(done.attestations, 'attestation')}."


def _move(ref: PushedRef) -> str:
    old, new = short(ref.old or ""), short(ref.new or "")
    if ref.flag in " +":
        return f"{old}..{new}"
    kind = f" {KINDS[ref.ref.kind]}" if ref.flag in "*-" else ""
    text = f"[{_DONE[ref.flag]}{kind}]"
    return style(text, fg="red") if ref.flag == "!" else text


def _why(ref: PushedRef) -> str:
    return f": {escape(ref.reason)}. {escape(ref.hint)}" if ref.reason else ""
