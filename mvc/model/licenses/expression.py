"""License expressions as SPDX defines them: `MIT`, `Apache-2.0 OR (GPL-2.0-only WITH Classpath-exception-2.0)`.

    or   := and ("OR" and)*        and  := one ("AND" one)*        one  := "(" or ")" | LICENSE ["+"] ["WITH" EXCEPTION]

Source: annex "SPDX license expressions" of the SPDX specification 3.0.1. AND binds more than OR.
"""

from __future__ import annotations

import re
from dataclasses import field

from mvc.deferred import dataclass
from mvc.model.licenses import names, spdx

MAX_CHARS = 4_096
"""Characters of a text that is parsed, at most."""
_MAX_LICENSES = 12
"""Licenses of an expression, at most: the number of alternatives may double with each."""
_TOKENS = re.compile(r"[()]|[^\s()]+")

_Choices = frozenset[frozenset[str]]


@dataclass(frozen=True, slots=True)
class License:
    """A license as `text` names it, and its SPDX `expression`, empty for an unknown license.

    `choices` are the alternatives of the expression: each is a set of licenses that hold together, by their families.
    """

    text: str
    expression: str = ""
    choices: _Choices = field(default_factory=frozenset)

    @property
    def is_known(self) -> bool:
        """True if the text is a license or an expression of licenses that are known."""
        return bool(self.expression)

    @property
    def families(self) -> frozenset[str]:
        """The licenses in the expression, without `-only` and `-or-later`."""
        return frozenset().union(*self.choices)

    @property
    def shown(self) -> str:
        """The expression, or the text of an unknown license."""
        return self.expression or self.text

    def covers(self, other: License) -> bool:
        """Return whether one alternative of `other` has only licenses that this expression names."""
        return any(choice <= self.families for choice in other.choices)


def parse(text: str) -> License:
    """Return the license that a text names: an identifier, another spelling, a page, or an expression."""
    plain = " ".join(text[:MAX_CHARS].split())
    known = names.identifier(plain)
    if known is not None:
        return License(plain, known, frozenset({frozenset({names.family(known)})}))
    tokens = _TOKENS.findall(plain)
    if len(text) > MAX_CHARS or len(tokens) < 3 or tokens.count("(") > _MAX_LICENSES:
        return License(plain)
    try:
        parser = _Parser(tokens)
        expression, choices = parser.either()
        parser.end()
    except _UnknownError:
        return License(plain)
    return License(plain, expression, choices)


class _UnknownError(Exception):
    """A text that is not an expression of known licenses."""


class _Parser:
    """A recursive descent over the tokens of an expression; each method returns its text and its alternatives."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0
        self._licenses = 0

    def either(self) -> tuple[str, _Choices]:
        """Parse alternatives."""
        expression, choices = self.together()
        while self._takes("OR"):
            other, more = self.together()
            expression, choices = f"{expression} OR {other}", choices | more
        return expression, choices

    def together(self) -> tuple[str, _Choices]:
        """Parse licenses that hold together."""
        expression, choices = self.one()
        while self._takes("AND"):
            other, more = self.one()
            expression = f"{expression} AND {other}"
            choices = frozenset(left | right for left in choices for right in more)
        return expression, choices

    def one(self) -> tuple[str, _Choices]:
        """Parse a license, or an expression in parentheses."""
        if self._takes("("):
            expression, choices = self.either()
            if not self._takes(")"):
                raise _UnknownError
            return f"({expression})", choices
        self._licenses += 1
        known = names.identifier(self._next())
        if known is None or self._licenses > _MAX_LICENSES:
            raise _UnknownError
        choices = frozenset({frozenset({names.family(known)})})
        if not self._takes("WITH"):
            return known, choices
        exception = spdx.EXCEPTIONS.get(self._next().lower())
        if exception is None:
            raise _UnknownError
        return f"{known} WITH {exception}", choices

    def end(self) -> None:
        """Raise _UnknownError unless all was parsed."""
        if self._position < len(self._tokens):
            raise _UnknownError

    def _takes(self, token: str) -> bool:
        is_next = self._position < len(self._tokens) and self._tokens[self._position].upper() == token
        self._position += is_next
        return is_next

    def _next(self) -> str:
        if self._position == len(self._tokens):
            raise _UnknownError
        self._position += 1
        return self._tokens[self._position - 1]
