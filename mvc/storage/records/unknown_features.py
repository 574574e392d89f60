"""The refusal of a store or remote that requires features which this mvc does not know; `sealed` is one of them."""

from __future__ import annotations

from collections.abc import Collection

from mvc import errors

SEALED = "sealed"
"""The name that is set aside for encrypted stores and remotes: no writer writes it, and every reader refuses it."""


def error(requires: object, known: Collection[str], *, where: object) -> errors.UnknownFeature:
    """Return the error for the value `requires` of the store or remote at `where`; it names what is not among `known`."""
    names = [str(name) for name in requires] if isinstance(requires, list) else [str(requires)]
    if SEALED in names:
        return errors.EncryptedStore(where=where, feature=SEALED)
    return errors.UnknownFeature(features=", ".join(name for name in names if name not in known))
