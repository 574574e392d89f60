"""`mvc attest`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.app.verb import verb
from mvc.model.ids import VersionId
from mvc.porcelain import attest as porcelain
from mvc.porcelain.attest import PROVENANCE, SCAN, Attested, ListedAttestation
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.signatures.private_key import PrivateKey

_MAKES = ("--type", "--predicate-type", "--builder", "--key")
_APART = [*(("--list", option) for option in (*_MAKES, "--remove")), *(("--remove", option) for option in _MAKES)]


@verb("attest", apart=_APART)
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option(
    "--type", "kind", metavar="provenance|scan|FILE", help="Attest the provenance, a scan, or the predicate in FILE."
)
@click.option("--predicate-type", metavar="URI", help="With --type FILE: the type of its predicate.")
@click.option("--builder", metavar="URI", help="With --type provenance: what trained the version, such as a CI job.")
@click.option(
    "--key", type=click.Path(), metavar="FILE", help="Sign with the private key in FILE, instead of sign.key."
)
@click.option("-l", "--list", "listed", is_flag=True, help="List the attestations of REV.")
@click.option(
    "--remove", "numbers", multiple=True, type=click.IntRange(1), metavar="N", help="Remove attestation N of REV."
)
def command(
    invocation: Invocation,
    revision: str,
    kind: str | None,
    predicate_type: str | None,
    builder: str | None,
    key: str | None,
    listed: bool,
    numbers: tuple[int, ...],
) -> None:
    """Sign a statement about a version, for programs of others.

    Example: mvc attest v2 --type provenance

    Signs a statement of in-toto about REV (default: HEAD) in an envelope of DSSE. provenance is that of SLSA: parameters,
    Git commit, datasets, docker image and parents, as the version records them. scan has the verdicts of `mvc scan`. FILE
    is a JSON file with any predicate, whose type --predicate-type names.

    The key is one of Ed25519, ECDSA or RSA without a passphrase, in PEM or as ssh-keygen writes it. Needs modelvc[sign].

    Attestations travel with push and fetch. `mvc verify` verifies them, and `mvc export --attestations` writes them into
    the folder.
    """
    given = Model(_repository(invocation, listed=listed), invocation.model())
    id_ = revisions.resolve(given, revision)
    model = Model(given.repository, revisions.model_of(given, revision))
    if listed:
        done = porcelain.listed(model, id_)
    elif numbers:
        done = porcelain.remove(model, id_, numbers, invocation.actor())
    else:
        _check(invocation.cwd, kind, predicate_type, builder)
        type_, predicate = _predicate(invocation, model, id_, str(kind), predicate_type, builder)
        private = PrivateKey.of(invocation.keys(), key)
        done = porcelain.attest(model, id_, type_, predicate, private, invocation.actor())
    invocation.emit("attest", done, lambda: _lines(done, listed=listed), ids=[done.id])


def _repository(invocation: Invocation, *, listed: bool) -> Repository:
    return invocation.repository() if listed else invocation.writer()


def _check(folder: Path, kind: str | None, predicate_type: str | None, builder: str | None) -> None:
    """Raise UsageError for options that do not belong together."""
    if kind is None:
        raise click.UsageError(
            "name what to attest: --type provenance, --type scan, or --type FILE --predicate-type URI"
        )
    if kind in porcelain.TYPES and predicate_type is not None:
        raise click.UsageError(f"--type {kind} has a type of its own: --predicate-type belongs to --type FILE")
    if kind not in porcelain.TYPES and not (folder / kind).exists():
        raise click.UsageError(f"{kind!r} is neither a type ({', '.join(porcelain.TYPES)}) nor a file")
    if kind not in porcelain.TYPES and predicate_type is None:
        raise click.UsageError(f"--type {kind} is a file: name the type of its predicate with --predicate-type URI")
    if builder is not None and kind != PROVENANCE:
        raise click.UsageError("--builder belongs to --type provenance")


def _predicate(
    invocation: Invocation, model: Model, id_: VersionId, kind: str, predicate_type: str | None, builder: str | None
) -> tuple[str, dict[str, Any]]:
    """Return the type and the predicate that are asked for."""
    if predicate_type is not None:
        _check_uri("--predicate-type", predicate_type)
        return predicate_type, porcelain.of_file(invocation.cwd / kind)
    if kind == SCAN:
        return kind, porcelain.of_scan(model, id_)
    if builder is not None:
        _check_uri("--builder", builder)
    return kind, porcelain.of_provenance(model, id_, builder)


def _check_uri(option: str, text: str) -> None:
    if not porcelain.is_uri(text):
        raise click.UsageError(f"{option} {text!r} is not a URI, such as https://example.org/tests/v1")


def _lines(done: Attested, *, listed: bool) -> Iterator[str]:
    label = f"{escape(done.model)} v{done.number} {short(done.id)}"
    if listed and not done.attestations:
        yield f"{label} has no attestation."
    for attestation in done.attestations:
        if listed:
            yield _listed(attestation)
        elif attestation.removed:
            yield f"Removed attestation {attestation.number} of {label}"
        else:
            yield f"Attested {escape(attestation.type)} of {label} with {escape(attestation.key)}"


def _listed(attestation: ListedAttestation) -> str:
    by = f"{escape(attestation.by.partition(' <')[0])}, {date(attestation.time)}"
    return f"{attestation.number}: {escape(attestation.type)} by {by}  {escape(attestation.key)} (not verified)"
