"""Suggestions for a key that no version has."""

from __future__ import annotations

from collections.abc import Collection

from mvc import lazy
from mvc.model.query.subject import spelled
from mvc.model.toml.schema import Path

_CLOSE = 0.6
_SHORTEST = 3
"""Letters of a part of a longer key, at least."""


def suggestion(key: Path, known: Collection[Path]) -> str:
    """Return a hint at the key that `key` may have meant, of those that versions have."""
    near = nearest(key, known)
    if near is not None:
        return f"Did you mean {_pasted(near)}?"
    metrics = [_pasted(item) for item in known if item[0] == "metrics"]
    if metrics:
        return f"Their metrics are {', '.join(metrics[:8])}{', …' if len(metrics) > 8 else ''}."
    return "`mvc show` lists the keys of a version."


def nearest(key: Path, known: Collection[Path]) -> Path | None:
    """Return the known key with the same letters, the same last part, or a similar spelling; None for none.

    `mAP50-95` is also the shortest one that contains it, such as `metrics/mAP50-95(B)`.
    """
    text = spelled(key)
    by_text = {spelled(item): item for item in known}
    same = [item for item in known if _letters(item) == _letters(key)]
    same += [item for item in known if len(item) > 1 and item[-1].lower() == key[-1].lower()]
    if same:
        return min(same, key=lambda item: item[0] != key[0])
    part = _letters(key[-1:])
    alike = [item for item in known if len(item) > 1 and (len(key) == 1 or item[0] == key[0])]
    longer = [item for item in alike if len(part) >= _SHORTEST and part in _letters(item[-1:])]
    if longer:
        return min(longer, key=lambda item: len(spelled(item)))
    close: list[str] = lazy.load("difflib").get_close_matches(text, list(by_text), 1, _CLOSE)
    return by_text[close[0]] if close else None


def _pasted(key: Path) -> str:
    """Return a key as it is written in a shell: `'metrics."metrics/mAP50-95(B)"'`."""
    return str(lazy.load("shlex").quote(spelled(key)))


def _letters(key: Path) -> str:
    return "".join(char for part in key for char in part.lower() if char.isalnum())
