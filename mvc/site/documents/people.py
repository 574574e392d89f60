"""People in documents: names, and mail addresses unless these are redacted."""

from __future__ import annotations

import re
from typing import Any

from mvc.model.version import Person

_ADDRESS = re.compile(r"\s*<[^<>]*>")


def person(author: Person, *, redact: bool) -> dict[str, Any]:
    """Return a person as a name and a mail address, null for none."""
    return {"name": author.name, "email": None if redact else author.email or None}


def line(text: str, *, redact: bool) -> str:
    """Return a person in one line, `Ana <ana@example.org>`."""
    return _ADDRESS.sub("", text) if redact else text
