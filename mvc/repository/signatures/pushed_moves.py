"""Signatures of the moves that a push makes on a remote, whose log has entries of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.repository.signatures import sign as signatures
from mvc.repository.signatures.sign import Made
from mvc.repository.signatures.trust import Keys
from mvc.storage.records.reflog import ALIASES, TAGS, RefName


class Signing(NamedTuple):
    """The file of the key that signs the moves on the remote, and the refs whose moves it signs."""

    key: Path
    refs: frozenset[RefName]


def signing(
    model: Model, refs: Iterable[RefName], keys: Keys, *, signed: bool | None = None, given: str | None = None
) -> Signing | None:
    """Return with what a push signs which of the pushed refs; None for none.

    Signed are the moves of tags and aliases that are signed here; with `signed`, the key file `given` or the setting
    sign.always, those of all. Raises NoSigningKey: it is called before anything is pushed.
    """
    if signed is False:
        return None
    every = bool(signed) or given is not None or keys.always
    named = (ref for ref in refs if ref.kind in (TAGS, ALIASES))
    chosen = frozenset(ref for ref in named if every or signatures.is_signed(model, ref))
    if not chosen:
        return None
    try:
        return Signing(keys.key(given), chosen)
    except errors.NoSigningKey as error:
        if every:
            raise
        names = ", ".join(sorted(ref.name for ref in chosen))
        reason = f"{error.fields['reason']}, and the move of {names} is signed here; --no-signed pushes without"
        raise errors.NoSigningKey(reason=reason) from None


def sign(
    model: Model, remote: str, moved: Mapping[RefName, VersionId | None], signing: Signing, actor: Actor
) -> list[Made]:
    """Sign the moves on the remote, and return those signatures. Raises NotSigned, with the exit code of the reason."""
    made: list[Made] = []
    for ref, id_ in moved.items():
        if ref not in signing.refs or id_ is None:
            continue
        try:
            found = signatures.moves(model, ref, id_, signing.key, actor)
        except errors.MvcError as error:
            command = f"mvc push --signed {remote} {ref.name}"
            failed = errors.NotSigned(what=f"{ref.name} is on {remote}", reason=error.message, command=command)
            failed.exit_code = error.exit_code
            raise failed from error
        made += [each for each in found if each.remote == remote]
    return made
