"""Signatures, as `mvc verify`, `log` and `show` print them, and the options of the verbs that sign.

signature 1: good, ana@example.org, 2026-02-05  SHA256:i1npcZWv…
signature 2: unknown, says it is Ben, 2026-02-06  SHA256:Ykd9…: the key is not among the allowed signers
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvc import errors, lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import date, escape, short, style
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.storage.records.reflog import RefName

if TYPE_CHECKING:
    from mvc.porcelain import sign as porcelain
    from mvc.porcelain.sign import ListedSignature
    from mvc.repository.signatures import verify
    from mvc.repository.signatures.attested import CheckedAttestation
    from mvc.repository.signatures.verify import CheckedSignature, Verdict
else:
    porcelain = lazy.Module("mvc.porcelain.sign")
    verify = lazy.Module("mvc.repository.signatures.verify")


def options(signed: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options with which a verb signs what `signed` says; `names` are Git's for --sign."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        key_option = click.option(
            "--key", type=click.Path(), metavar="FILE", help="Sign with the SSH key in FILE, instead of sign.key."
        )
        sign_option = click.option(
            "--sign/--no-sign", *names, "signed", default=None, help=f"Sign {signed} (default: sign.always)."
        )
        return sign_option(key_option(function))

    return decorate


def key(invocation: Invocation, signed: bool | None, given: str | None) -> Path | None:
    """Return the file of the key with which a verb signs, None if it does not. Raises NoSigningKey."""
    if signed is False:
        if given is not None:
            raise click.UsageError("--key cannot be combined with --no-sign")
        return None
    if signed is None and given is None and invocation.settings().get("sign.always") is not True:
        return None
    return invocation.keys().key(given)


def sign(
    invocation: Invocation, model: Model, id_: VersionId, key: Path, done: str, refs: Sequence[RefName] = ()
) -> None:
    """Sign what a verb has made, as `done` says. Raises NotSigned, with the exit code of the reason."""
    try:
        porcelain.sign(model, id_, key, invocation.actor(), refs=refs)
    except errors.MvcError as error:
        revision = refs[0].name if refs else short(id_)
        failed = errors.NotSigned(what=done, reason=error.message, command=f"mvc sign {revision}")
        failed.exit_code = error.exit_code
        raise failed from error


def made(signature: ListedSignature, label: str) -> str:
    """Return the line of a signature that a verb made, of the version with that label or of a move to it.

    Signed the move of aliases/prod on origin to helmets v2 60ab1817d6 with SHA256:…
    """
    statement = label
    if signature.ref is not None:
        remote = f" on {escape(signature.remote)}" if signature.remote is not None else ""
        statement = f"the move of {escape(signature.ref)}{remote}" + (f" to {label}" if label else "")
    signed = "Signed" if signature.new else "Already signed:"
    return f"{signed} {statement} with {escape(signature.key)}"


def lines(verdict: Verdict | None) -> Iterator[str]:
    """Yield a line for each signature of a verdict."""
    for signature in verdict.signatures if verdict is not None else ():
        yield line(signature)


def attestation(checked: CheckedAttestation) -> str:
    """Return the line of a verified attestation."""
    type_ = f" {escape(checked.type)}" if checked.type else ""
    return _line(f"attestation {checked.number}{type_}", checked)


def line(signature: CheckedSignature) -> str:
    """Return the line of a verified signature."""
    remote = f" on {escape(signature.remote)}" if signature.remote is not None else ""
    return _line(f"signature {signature.number}{remote}", signature)


def _line(title: str, signature: CheckedSignature | CheckedAttestation) -> str:
    colour = {"good": "green", "mismatch": "red", "damaged": "red"}.get(signature.status, "yellow")
    by = signature.by.partition(" <")[0]
    who = signature.principal or (f"says it is {by}" if by else "")
    when = date(signature.time) if signature.time is not None else ""
    parts = [style(signature.status, fg=colour), escape(who), when]
    key = f"  {escape(signature.key)}" if signature.key else ""
    why = "" if signature.status == "good" else f": {verify.STATUSES[signature.status]}"
    if signature.status == verify.UNKNOWN and signature.reason:
        why = f": ssh-keygen cannot use its line in the allowed signers: {escape(signature.reason)}"
    return f"{title}: {', '.join(part for part in parts if part)}{key}{why}"


def unverified(signatures: Iterable[ListedSignature]) -> Iterator[str]:
    """Yield a line for each signature of a version that was not verified."""
    for signature in signatures:
        of = f" of {escape(signature.ref)}" if signature.ref is not None else ""
        by = f"{escape(signature.by.partition(' <')[0])}, {date(signature.time)}"
        yield f"{signature.number}{of} by {by}  {escape(signature.key)} (not verified)"
