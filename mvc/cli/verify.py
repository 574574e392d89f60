"""`mvc verify`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.cli.history import signatures
from mvc.cli.sign import ref_of
from mvc.porcelain import verify as porcelain
from mvc.porcelain.verify import Verified
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.signatures import trust


@verb("verify")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--signers", type=click.Path(), metavar="FILE", help="Trust the keys in FILE, in OpenSSH's format.")
@click.option("--newer-than", "than", metavar="DATE|REV", help="Require a newer signature, or a descendant of REV.")
@click.option(
    "--attested", multiple=True, metavar="TYPE", help="Require an attestation: provenance, scan, or the URI of a type."
)
def command(
    invocation: Invocation, revision: str, signers: str | None, than: str | None, attested: tuple[str, ...]
) -> int:
    """Verify the signatures of a version, tag or alias.

    Exits with 0 if a trusted key signed REV (default: HEAD), and if REV is a tag or an alias, its newest move, too; with
    1 if there is no signature, or none by a key that is trusted; and with 14 if a signature does not match. A key is
    trusted if it was valid at the time of the signature, and is not revoked.

    With --newer-than DATE, such as `30 days ago`, a trusted key has to have signed at DATE or later: the move, if REV is a
    tag or an alias. With --newer-than REV, the version has to be that one or a descendant. Else the exit code is 1. So a
    remote that was put back to an older state is noticed. A text that is a date is never a REV.

    Attestations are verified, too, and one that does not match ends with 14. With --attested TYPE, a trusted key has to
    have signed one of that type; else the exit code is 1.

    Trusted keys are in FILE, else in the setting trust.allowed-signers, else in ~/.config/mvc/allowed_signers, else in the
    file of Git's gpg.ssh.allowedSignersFile. They are never read from the repository.
    """
    model, ref = ref_of(Model(invocation.repository(), invocation.model()), revision)
    trusted = invocation.keys().signers(signers)
    id_ = revisions.resolve(model, revision)
    newer_than = porcelain.bound(model, than, invocation.now()) if than is not None else None
    done = porcelain.verify(model, id_, trusted, ref=ref, newer_than=newer_than, attested=attested)
    if trusted.allowed is None:
        invocation.note(
            f"warning: no keys are trusted; name their file with `mvc config --global {trust.ALLOWED} FILE` or --signers"
        )
    invocation.emit("verify", done, lambda: _lines(done), ids=[done.id] if done.exit_code == 0 else [])
    return done.exit_code


def _lines(done: Verified) -> Iterator[str]:
    yield f"{escape(done.model)} v{done.number} {short(done.id)}: {done.version.status}"
    yield from (f"    {line}" for line in signatures.lines(done.version))
    if done.move is not None:
        yield f"move of {escape(done.ref or '')}: {done.move.status}"
        yield from (f"    {line}" for line in signatures.lines(done.move))
    if done.stale is not None:
        yield f"stale: {escape(done.stale)}"
    yield from (signatures.attestation(attestation) for attestation in done.attestations)
    if done.unattested:
        yield f"unattested: no attestation by a trusted key of type {escape(', '.join(done.unattested))}"
