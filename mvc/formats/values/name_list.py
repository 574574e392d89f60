"""Lists of names: one class a line, as in the names.txt of darknet; empty lines at the end do not count."""

from __future__ import annotations

from mvc.formats.values.malformed import MalformedError
from mvc.model.labelmap import MAX_CLASSES


def load(text: str) -> list[str]:
    """Return the names of a text, without the spaces around them; raise MalformedError."""
    if text.count("\n") > MAX_CLASSES:
        raise MalformedError(f"it has more than {MAX_CLASSES} lines")
    if "\x00" in text:
        raise MalformedError("it is not a text")
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []
