"""The words of Picsellia for `model.type` and `model.framework`: their spelling, and the nearest one to another word.

Any other text is valid, too: a version need not be for Picsellia.
"""

from __future__ import annotations

import re
from typing import Any

from mvc import lazy
from mvc.model.toml import schema
from mvc.model.toml.schema import Path

WORDS: dict[Path, tuple[str, ...]] = {("model", "type"): schema.TYPES, ("model", "framework"): schema.FRAMEWORKS}
"""The known words of each key that has some."""
UNSET = "NOT_CONFIGURED"
"""The word for no value, which nothing else is near to."""


def spelled(key: Path, value: Any) -> Any:
    """Return a known word in capitals, and any other value as it is."""
    return value.upper() if isinstance(value, str) and value.upper() in WORDS.get(key, ()) else value


def is_known(key: Path, value: Any) -> bool:
    """Return whether a value is a known word, or its key has none."""
    return key not in WORDS or spelled(key, value) in WORDS[key]


def nearest(key: Path, value: str) -> str | None:
    """Return the known word that `value` may have meant: `detection` is near to OBJECT_DETECTION."""
    words = [word for word in WORDS[key] if word != UNSET]
    asked = re.sub(r"[^A-Z0-9]+", "_", value.upper()).strip("_")
    within = [word for word in words if len(asked) > 2 and (asked in word or word in asked)]
    cutoff = 0.0 if within else 0.6
    return next(iter(lazy.load("difflib").get_close_matches(asked, within or words, n=1, cutoff=cutoff)), None)
