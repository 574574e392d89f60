"""`mvc sign`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short
from mvc.cli.app.verb import verb
from mvc.cli.history import signatures
from mvc.porcelain import sign as porcelain
from mvc.porcelain.sign import ListedSignature, Signed
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.storage.records.reflog import RefName


@verb("sign")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--key", type=click.Path(), metavar="FILE", help="Sign with the SSH key in FILE, instead of sign.key.")
@click.option(
    "--remove", "numbers", multiple=True, type=click.IntRange(1), metavar="N", help="Remove signature N of REV instead."
)
@click.option("--renew", is_flag=True, help="Sign again, with the time of now, what this key has signed.")
def command(invocation: Invocation, revision: str, key: str | None, numbers: tuple[int, ...], renew: bool) -> None:
    """Sign a version, or the move of a tag or an alias to it.

    Signs REV (default: HEAD) with an SSH key, by ssh-keygen; FILE may be a .pub file whose key is in ssh-agent. The id of
    the version stays the same, several people may sign it, and signatures travel with push and fetch.

    If REV is a tag or an alias, its newest move is signed, too: here, and on each remote that has it at the same version.

    --renew says that REV still holds, for `mvc verify --newer-than`. --remove takes a signature back; `mvc verify` shows the numbers.
    """
    model, ref = ref_of(Model(invocation.writer(), invocation.model()), revision)
    id_ = revisions.resolve(model, revision)
    if numbers:
        if key is not None or renew:
            raise click.UsageError("--key and --renew cannot be combined with --remove")
        done = porcelain.remove(model, id_, numbers, invocation.actor())
    else:
        path = invocation.keys().key(key)
        refs = [ref] if ref is not None else []
        done = porcelain.sign(model, id_, path, invocation.actor(), refs=refs, renew=renew)
    invocation.emit("sign", done, lambda: _lines(done), ids=[done.id])


def ref_of(model: Model, revision: str) -> tuple[Model, RefName | None]:
    """Return the model of a revision, and the tag or alias that it names, here or on a remote; None for another revision."""
    of = Model(model.repository, revisions.model_of(model, revision))
    ref = revisions.ref_of(of, revision.removeprefix(f"{of.key}@"))
    if ref is None or model.repository.refs.target(ref) is None:
        return of, None
    plain = replace(ref, kind=ref.kind.rpartition("/")[2])
    return of, plain if plain.kind in porcelain.KINDS else None


def _lines(done: Signed) -> Iterator[str]:
    label = f"{escape(done.model)} v{done.number} {short(done.id)}"
    yield from (_line(signature, label) for signature in done.signatures)


def _line(signature: ListedSignature, label: str) -> str:
    if signature.removed:
        return f"Removed signature {signature.number} of {label}"
    return signatures.made(signature, label)
