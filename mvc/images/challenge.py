"""What a registry asks for when it answers 401: the header WWW-Authenticate, taken apart (RFC 9110, section 11.6).

Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:acme/yolo:pull"
→  {"bearer": {"realm": "https://auth.docker.io/token", "service": "registry.docker.io", "scope": ...}}
"""

from __future__ import annotations

import re

MAX_HEADER = 8 << 10
"""Letters of the header that are looked at."""
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - the grammar's word for a word
_PARAMETER = re.compile(rf'[ \t,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"[ \t,]*({_TOKEN})(?=[ \t]|,|\Z)")
_REST = re.compile(r"[^,]*")


def parse(header: str) -> dict[str, dict[str, str]]:
    """The parameters of each scheme, all names in small letters; of a scheme that comes twice, the first."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    place, header = 0, header[:MAX_HEADER]
    while place < len(header):
        if match := _PARAMETER.match(header, place):
            value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            current.setdefault(match[1].lower(), value)
        elif match := _SCHEME.match(header, place):
            current = {}
            found.setdefault(match[1].lower(), current)
        else:
            match = _REST.match(header, place + 1)  # what is not understood, up to the next comma
            assert match is not None  # noqa: S101 - it matches anything
        place = match.end()
    return found
