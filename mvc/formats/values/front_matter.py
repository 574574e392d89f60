"""Front matter: the YAML between two lines of `---` at the beginning of a Markdown file, as model cards have it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mvc.formats.values import yaml_text
from mvc.formats.values.malformed import MalformedError

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


class FrontMatter(NamedTuple):
    """The map of a file's front matter, and the text after it. The map is empty if it is absent, or has a `fault`."""

    values: dict[str, Any]
    text: str
    fault: str = ""


def split(text: str) -> FrontMatter:
    """Return the front matter of a text, and the rest."""
    front = _FRONT.match(text)
    if front is None:
        return FrontMatter({}, text)
    rest = text[front.end() :]
    try:
        values = yaml_text.load_typed(front[1], dates=True)
    except MalformedError as error:
        return FrontMatter({}, rest, str(error))
    return FrontMatter(values, rest) if isinstance(values, dict) else FrontMatter({}, rest, "it is not a map")
