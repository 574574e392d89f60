"""New signatures: of a version, and of the newest moves of a tag or an alias to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.repository.signatures import ssh_keygen, verify
from mvc.repository.signatures.statements import NAMESPACES, statement
from mvc.storage.records.annotations.signatures import REF, SSHSIG, VERSION, Signature, SignedMove
from mvc.storage.records.reflog import RefName


class Made(NamedTuple):
    """A signature; `new` is False for one that was there, by the same key; `remote` has the signed move (None: here)."""

    record: Signature
    new: bool
    remote: str | None = None


def version(model: Model, id_: VersionId, key: Path, actor: Actor, *, renew: bool = False) -> Made:
    """Sign a version; with `renew`, also if this key did before. Raises SigningFailed, NoSshKeygen, Missing, Damaged."""
    return _add(model, id_, None, key, actor, renew=renew)


def moves(model: Model, ref: RefName, id_: VersionId, key: Path, actor: Actor, *, renew: bool = False) -> list[Made]:
    """Sign the newest move of a ref, here and on each remote where it is at the same version. Raises as `version`."""
    places = verify.places(model, ref, id_)
    return [_add(model, id_, place.move, key, actor, renew=renew)._replace(remote=place.remote) for place in places]


def is_signed(model: Model, ref: RefName) -> bool:
    """Return whether somebody signed the newest move of a ref here. Raises Damaged."""
    tip = model.repository.refs.tip(ref)
    if tip is None or tip.new is None or tip.new not in model.signed():
        return False
    own = SignedMove(ref.model, ref.text, tip.seq, model.repository.refs.identified(ref, tip.seq)[1])
    return any(record.move == own for record in verify.current(model, tip.new))


def _add(model: Model, id_: VersionId, move: SignedMove | None, key: Path, actor: Actor, *, renew: bool) -> Made:
    """Sign, and append the record unless the same key has signed the same; with `renew`, in any case."""
    what = VERSION if move is None else REF
    plain = Signature(
        id_, 1, str(actor.person), actor.at, actor.nonce(), what=what, format=SSHSIG, key="", signature="", move=move
    )
    made = ssh_keygen.sign(key, NAMESPACES[what], statement(model.repository, plain))
    record = replace(plain, key=made.fingerprint, signature=made.text)
    for each in verify.current(model, id_) if not renew else ():
        if (each.key, each.what, each.move) == (record.key, what, move) and verify.is_match(model, each):
            return Made(each, new=False)
    with model.repository.locked():
        return Made(model.repository.signatures.add(model.key, record), new=True)
