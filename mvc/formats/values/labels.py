"""Labelmap files: labels.json, names.txt, and the data.yaml of Ultralytics.

    labels.json   {"0": "helmet", "1": "head"}   or   ["helmet", "head"]
    names.txt     a name a line                                             →   ((0, "helmet"), (1, "head"))
    data.yaml     names: [helmet, head]          or   names: {0: helmet, 1: head}

The suffix selects the parser; a file with any other suffix is JSON. `names` may be in JSON, too. With a key, the classes
are under that key.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from mvc import errors
from mvc.formats.values import json_text, name_list, nested, yaml_text
from mvc.formats.values.malformed import MalformedError
from mvc.model import labelmap, textfile
from mvc.model.labelmap import Labelmap

MAX_BYTES = 8 << 20
"""Bytes of a file, at most."""
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    ".names": name_list.load,
    ".txt": name_list.load,
    ".yaml": yaml_text.load,
    ".yml": yaml_text.load,
}
NAMES, COUNT = "names", "nc"
"""The keys of Ultralytics for the classes and their number."""


def read(data: bytes, where: str, key: str = "") -> Labelmap:
    """Return the labelmap of the file named `where`; raise BadLabels."""
    if len(data) > MAX_BYTES:
        raise errors.BadLabels(where=where, reason=f"it is larger than {MAX_BYTES >> 20} MiB")
    load = _PARSERS.get(posixpath.splitext(where.lower())[1], json_text.load)
    try:
        value = load(textfile.decode(data))
        return _labelmap(nested.at(value, key) if key else value, where)
    except textfile.TextError as error:
        raise errors.BadLabels(where=where, reason=f"it is {error.reason}") from None
    except MalformedError as error:
        raise errors.BadLabels(where=where, reason=error.reason) from None


def _labelmap(value: Any, where: str) -> Labelmap:
    names, count = value, None
    if isinstance(value, dict) and NAMES in value:
        names, count = value[NAMES], value.get(COUNT)
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(names)}
    if not isinstance(names, dict):
        subject = "it" if names is value else "names"
        raise errors.BadLabels(where=where, reason=f"{subject} is neither a map nor a list")
    labels = labelmap.from_table(names, where)
    if count is not None and str(count) != str(len(labels)):
        raise errors.BadLabels(
            where=where, reason=f"{COUNT} is {str(count)[:20]}, and {NAMES} has {len(labels)} classes"
        )
    return labels
