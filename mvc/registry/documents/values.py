"""Values in documents: texts of numbers, parameters in nested tables by one key, and addresses that are valid URIs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._~%!$&'()*+,;=-]*@)?"
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+)(?::[0-9]{0,5})?"
    r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?(?:\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?(?:#[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?"
)
"""A URI with an authority, of the letters that RFC 3986 allows in each part."""
_KEPT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2}")
_SHORT_SSH = re.compile(r"(?:[\w.-]+@)?([\w.-]+\.[\w-]+):(?!//)(\S+)")
"""The address of a repository as Git writes it for SSH: `git@example.org:team/code.git`."""
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]*[A-Za-z0-9])+")


def text(value: Any) -> str:
    """Return a value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values of nested tables as texts, by keys joined with dots."""
    for key, value in sorted(values.items()):
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", text(value)


def uri(address: Any) -> str | None:
    """Return an address as a URI, other letters percent-encoded; None if it is not one with `://`."""
    if not isinstance(address, str):
        return None
    ssh = _SHORT_SSH.fullmatch(address)
    full = f"ssh://{ssh[1]}/{ssh[2].lstrip('/')}" if ssh is not None else address.strip()
    encoded = "".join(_encoded(full))
    return encoded if _URI.fullmatch(encoded) else None


def _encoded(address: str) -> Iterator[str]:
    position = 0
    while position < len(address):
        kept = _KEPT.match(address, position)
        letter = kept[0] if kept is not None else address[position]
        yield letter if kept is not None else "".join(f"%{byte:02X}" for byte in letter.encode())
        position += len(letter)


def email(address: str) -> str | None:
    """Return an e-mail address that is plain; None for another one."""
    return address if _EMAIL.fullmatch(address) else None
