"""License expressions as SPDX defines them: `MIT`, `Apache-2.0 OR (GPL-2.0-only WITH Classpath-exception-2.0)`.

    or   := and ("OR" and)*        and  := one ("AND" one)*        one  := "(" or ")" | LICENSE ["+"] ["WITH" EXCEPTION]

Source: annex "SPDX license expressions" of the SPDX specification 3.0.1. AND binds more than OR.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from typing import NamedTuple

from mvc.deferred import dataclass
from mvc.model.licenses import names, spdx

MAX_CHARS = 4_096
"""Characters of a text that is parsed, at most."""
_MAX_LICENSES = 12
"""Licenses of an expression with alternatives, at most: the number of alternatives may double with each."""
_MAX_TOKENS, _MAX_DEPTH = 200, 50
_OPERATORS = ("OR", "AND", "WITH")
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


class One(NamedTuple):
    """One license as it is written, with its exception, `""` for none."""

    license: str
    exception: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """The license as it is written, and by its SPDX identifiers if it is known, each once."""
        suffix = f" WITH {spdx.EXCEPTIONS.get(self.exception.lower(), self.exception)}" if self.exception else ""
        written = f"{self.license} WITH {self.exception}" if self.exception else self.license
        return tuple(dict.fromkeys((written, f"{names.identifier(self.license) or self.license}{suffix}")))


class Several(NamedTuple):
    """Expressions joined by one operator, `OR` or `AND`; with the operator `""`, one in parentheses."""

    operator: str
    sides: tuple[One | Several, ...]


Tree = One | Several


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
        parsed = _Parser(tokens, any_case=True).whole()
        if _count(parsed) > _MAX_LICENSES:
            return License(plain)
        return License(plain, *_known(parsed))
    except _UnknownError:
        return License(plain)


def is_satisfied(text: str, is_fine: Callable[[One], bool]) -> bool:
    """Return whether an expression is satisfied: of OR by one side, of AND by both, of one license by `is_fine`.

    Licenses need not be known. A text that is not an expression is one license. Operators are in upper case, where not all
    licenses are known.
    """
    tokens = _TOKENS.findall(text)
    try:
        if len(tokens) > _MAX_TOKENS or tokens.count("(") > _MAX_DEPTH:
            raise _UnknownError
        parsed = _Parser(tokens, any_case=parse(text).is_known).whole()
    except _UnknownError:
        return is_fine(One(text.strip()))
    return _holds(parsed, is_fine)


def _holds(tree: Tree, is_fine: Callable[[One], bool]) -> bool:
    if isinstance(tree, One):
        return is_fine(tree)
    together = any if tree.operator == "OR" else all
    return together(_holds(side, is_fine) for side in tree.sides)


def _count(tree: Tree) -> int:
    return 1 if isinstance(tree, One) else sum(map(_count, tree.sides))


def _known(tree: Tree) -> tuple[str, _Choices]:
    """Return an expression by identifiers of SPDX, and its alternatives. Raises _UnknownError."""
    if isinstance(tree, One):
        known, exception = names.identifier(tree.license), spdx.EXCEPTIONS.get(tree.exception.lower())
        if known is None or (tree.exception and exception is None):
            raise _UnknownError
        return f"{known} WITH {exception}" if exception else known, frozenset({frozenset({names.family(known)})})
    sides = [_known(side) for side in tree.sides]
    if not tree.operator:
        ((expression, choices),) = sides
        return f"({expression})", choices
    choices = sides[0][1]
    for _, more in sides[1:]:
        choices = choices | more if tree.operator == "OR" else frozenset(one | two for one in choices for two in more)
    return f" {tree.operator} ".join(expression for expression, _ in sides), choices


class _UnknownError(Exception):
    """A text that is not an expression, or one of licenses that are not known."""


class _Parser:
    """A recursive descent over the tokens of an expression; each method returns a tree or raises _UnknownError."""

    def __init__(self, tokens: list[str], *, any_case: bool) -> None:
        self._tokens = tokens
        self._position = 0
        self._any_case = any_case

    def whole(self) -> Tree:
        """Parse all tokens."""
        tree = self._either()
        if self._position < len(self._tokens):
            raise _UnknownError
        return tree

    def _either(self) -> Tree:
        sides = [self._together()]
        while self._takes("OR"):
            sides.append(self._together())
        return Several("OR", tuple(sides)) if len(sides) > 1 else sides[0]

    def _together(self) -> Tree:
        sides = [self._one()]
        while self._takes("AND"):
            sides.append(self._one())
        return Several("AND", tuple(sides)) if len(sides) > 1 else sides[0]

    def _one(self) -> Tree:
        if self._takes("("):
            inner = self._either()
            if not self._takes(")"):
                raise _UnknownError
            return Several("", (inner,))
        license_ = self._name()
        return One(license_, self._name() if self._takes("WITH") else "")

    def _takes(self, token: str) -> bool:
        is_next = self._position < len(self._tokens) and self._spelled(self._tokens[self._position]) == token
        self._position += is_next
        return is_next

    def _name(self) -> str:
        if self._position == len(self._tokens) or self._spelled(self._tokens[self._position]) in (
            "(",
            ")",
            *_OPERATORS,
        ):
            raise _UnknownError
        self._position += 1
        return self._tokens[self._position - 1]

    def _spelled(self, token: str) -> str:
        return token.upper() if self._any_case else token
