"""The options of documents."""

from __future__ import annotations

from mvc.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """`redact` leaves out mail addresses; `base` is the address where an export will be, for links to it.

    `deep` reads weights for the drift of tensors.
    """

    redact: bool = False
    base: str | None = None
    deep: bool = False
