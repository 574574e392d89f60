"""Suggestions for a key that no version has."""

from __future__ import annotations

from collections.abc import Collection

from mvc import lazy
from mvc.model.query.subject import spelled
from mvc.model.toml.schema import Path

_CLOSE = 0.6


def suggestion(key: Path, known: Collection[Path]) -> str:
    """Return a hint at the key that `key` may have meant, of those that versions have."""
    near = nearest(key, known)
    if near is not None:
        return f"Did you mean {spelled(near)}?"
    metrics = [spelled(item) for item in known if item[0] == "metrics"]
    if metrics:
        return f"Their metrics are {', '.join(metrics[:8])}{', …' if len(metrics) > 8 else ''}."
    return "`mvc show` lists the keys of a version."


def nearest(key: Path, known: Collection[Path]) -> Path | None:
    """Return the known key with the same letters, the same last part, or a similar spelling; None for none."""
    text = spelled(key)
    by_text = {spelled(item): item for item in known}
    same = [item for item in known if _letters(item) == _letters(key)]
    same += [item for item in known if len(item) > 1 and item[-1].lower() == key[-1].lower()]
    if same:
        return same[0]
    close: list[str] = lazy.load("difflib").get_close_matches(text, list(by_text), 1, _CLOSE)
    return by_text[close[0]] if close else None


def _letters(key: Path) -> str:
    return "".join(char for part in key for char in part.lower() if char.isalnum())
