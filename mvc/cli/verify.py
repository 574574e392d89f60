"""`mvc verify`: its options, arguments and output."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.cli.history import signatures
from mvc.cli.sign import ref_of
from mvc.plural import count
from mvc.porcelain import verify as porcelain
from mvc.porcelain import verify_oms
from mvc.porcelain.verify import Verified
from mvc.porcelain.verify_oms import VerifiedFolder
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.signatures import trust
from mvc.repository.signatures.verify import UNSIGNED

_APART = [("--oms", option) for option in ("--signers", "--newer-than", "--attested")]


@verb("verify", apart=_APART)
@click.argument("revision", required=False, metavar="[REV]")
@click.option("--signers", type=click.Path(), metavar="FILE", help="Trust the keys in FILE, in OpenSSH's format.")
@click.option("--newer-than", "than", metavar="DATE|REV", help="Require a newer signature, or a descendant of REV.")
@click.option(
    "--attested", multiple=True, metavar="TYPE", help="Require an attestation: provenance, scan, or the URI of a type."
)
@click.option("--oms", "folder", type=click.Path(), metavar="DIR", help="Verify the OMS signature of a folder instead.")
@click.option("--key", type=click.Path(), metavar="FILE", help="With --oms: the public key of the signer, a PEM file.")
@click.option(
    "--signature", type=click.Path(), metavar="FILE", help="With --oms: the signature (default: DIR/model.sig)."
)
def command(
    invocation: Invocation,
    revision: str | None,
    signers: str | None,
    than: str | None,
    attested: tuple[str, ...],
    folder: str | None,
    key: str | None,
    signature: str | None,
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

    With --oms, the files of DIR are verified by the signature of OpenSSF Model Signing in model.sig, which `mvc export --sign
    oms` or another program made with that key; no repository is needed. The exit code is 0 if they are what was signed, 1 if
    another key signed them, and 14 if a file was changed, added or removed.

    Trusted keys are in FILE, else in the setting trust.allowed-signers, else in ~/.config/mvc/allowed_signers, else in the
    file of Git's gpg.ssh.allowedSignersFile. They are never read from the repository.
    """
    if folder is not None:
        return _folder(invocation, folder, key, signature, revision)
    if key is not None or signature is not None:
        raise click.UsageError("--key and --signature belong to --oms")
    revision = revision or "HEAD"
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
    if UNSIGNED in (done.version.status, done.move.status if done.move is not None else None):
        invocation.note(
            f"hint: `mvc sign {escape(shlex.quote(revision))}` signs it with your key, and `mvc push` shares that"
        )
    return done.exit_code


def _folder(invocation: Invocation, folder: str, key: str | None, signature: str | None, revision: str | None) -> int:
    """Verify a folder with an OMS signature; return the exit code."""
    if key is None or revision is not None:
        raise click.UsageError("--oms DIR needs --key FILE, and takes no REV")
    given = invocation.cwd / signature if signature is not None else None
    done = verify_oms.verify_folder(invocation.cwd / folder, invocation.cwd / key, signature=given)
    invocation.emit("verify", done, lambda: _folder_lines(done, folder), ids=[done.version] if done.version else [])
    return done.exit_code


def _folder_lines(done: VerifiedFolder, folder: str) -> Iterator[str]:
    version = f", version {short(done.version)} of mvc" if done.version else ""
    why = {"good": f"{count(done.files, 'file')} as signed{version}", "untrusted": "another key signed it"}
    differs = any(done.differences[:3])
    yield f"{escape(folder)}: {done.status} ({why.get(done.status, 'it differs' if differs else 'not signed by the key')})"
    for title, paths in zip(("changed", "missing", "extra", "not covered"), done.differences, strict=True):
        yield from (f"    {title}: {escape(path)}" for path in paths)


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
