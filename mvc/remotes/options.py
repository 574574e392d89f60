"""The settings of a remote that its kind of store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mvc import errors


def check(options: Mapping[str, str], known: Sequence[str], what: str) -> None:
    """Raise BadSetting for an option that `what` has not."""
    for name, value in options.items():
        if name not in known:
            reason = f"{what} has {', '.join(known)}" if known else f"{what} has no options"
            raise errors.BadSetting(key=name, value=value, reason=reason)
