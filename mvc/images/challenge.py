"""Challenges of a registry: the WWW-Authenticate header of a 401, parsed (RFC 9110, section 11.6).

Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:acme/yolo:pull"
→  {"bearer": {"realm": "https://auth.docker.io/token", "service": "registry.docker.io", "scope": ...}}
"""

from __future__ import annotations

import re

MAX_HEADER = 8 << 10
"""Characters of the header that are parsed, at most."""
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - a token of the grammar, no secret
_PARAMETER = re.compile(rf'[ \t,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"[ \t,]*({_TOKEN})(?=[ \t]|,|\Z)")
_REST = re.compile(r"[^,]*")


def parse(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters by scheme, all names in lower case; the first of a scheme that occurs twice."""
    schemes: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    position, header = 0, header[:MAX_HEADER]
    while position < len(header):
        if match := _PARAMETER.match(header, position):
            value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            parameters.setdefault(match[1].lower(), value)
        elif match := _SCHEME.match(header, position):
            parameters = {}
            schemes.setdefault(match[1].lower(), parameters)
        else:
            match = _REST.match(header, position + 1)  # skip anything else up to the next comma
            assert match is not None  # noqa: S101 - it matches anything
        position = match.end()
    return schemes
