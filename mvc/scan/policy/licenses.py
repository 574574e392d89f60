"""License expressions, such as `MIT OR (Apache-2.0 AND BSD-3-Clause)`, against lists of licenses with wildcards.

OR is satisfied by one of its sides, AND by both; `GPL-2.0-only WITH Classpath-exception-2.0` is one license. A text that
is no such expression is taken as the name of one license. SPDX specification, annex "SPDX license expressions".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_MAX_TOKENS = 200


def is_permitted(expression: str, allow: Sequence[str] | None, deny: Sequence[str]) -> bool:
    """Return whether a license expression is permitted: what it names is denied by no pattern, and allowed by one.

    Without `allow`, all that is not denied is allowed. Letter case does not count.
    """

    def is_fine(name: str) -> bool:
        return not _matches(name, deny) and (allow is None or _matches(name, allow))

    tokens = _TOKEN.findall(expression)
    try:
        if len(tokens) > _MAX_TOKENS:
            raise ValueError
        value, rest = _either(tokens, is_fine)
    except ValueError:
        return is_fine(expression.strip())
    return value if not rest else is_fine(expression.strip())


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _either(tokens: list[str], is_fine: Callable[[str], bool]) -> tuple[bool, list[str]]:
    value, rest = _both(tokens, is_fine)
    while rest[:1] == ["OR"]:
        other, rest = _both(rest[1:], is_fine)
        value = value or other
    return value, rest


def _both(tokens: list[str], is_fine: Callable[[str], bool]) -> tuple[bool, list[str]]:
    value, rest = _one(tokens, is_fine)
    while rest[:1] == ["AND"]:
        other, rest = _one(rest[1:], is_fine)
        value = value and other
    return value, rest


def _one(tokens: list[str], is_fine: Callable[[str], bool]) -> tuple[bool, list[str]]:
    """Return the value of a license or of an expression in parentheses, and what follows it. Raises ValueError."""
    if not tokens or tokens[0] in (")", "OR", "AND", "WITH"):
        raise ValueError
    if tokens[0] == "(":
        value, rest = _either(tokens[1:], is_fine)
        if rest[:1] != [")"]:
            raise ValueError
        return value, rest[1:]
    if tokens[1:2] == ["WITH"] and len(tokens) > 2:
        return is_fine(" ".join(tokens[:3])), tokens[3:]
    return is_fine(tokens[0]), tokens[1:]
