"""The grammar of expressions.

    expression   = conjunction ("or" conjunction)*
    conjunction  = condition ("and" condition)*
    condition    = "not" condition | "(" expression ")" | "has" KEY | "ready" "(" VALUE ")"
                 | KEY ("==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "has") VALUE
                 | KEY ["not"] "in" ("[" | "(") VALUE ("," VALUE)* ("]" | ")")

A KEY is spelled as `mvc set` takes it: `metrics.mAP50-95`, `metrics.metrics/mAP50-95(B)`, `metrics."mAP 50"`. There is
no arithmetic, so a minus sign is part of its key, and so are parentheses directly behind a name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NoReturn

from mvc import errors
from mvc.model.query.expression import All, Comparison, Expression, Has, Not, Ready, Some
from mvc.model.query.literal import Literal, bare, moment
from mvc.model.query.subject import SECTIONS
from mvc.model.toml.schema import MAX_DEPTH, Path
from mvc.model.version import Timestamp

TIME = ("time",)
"""The key whose literals are times."""
KEYWORDS = ("and", "or", "not", "has", "in", "ready")
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*')"""
_BARE = r"""[^\s."'=\[\]()!<>~,&|+*]"""
_PART = re.compile(rf"""({_QUOTED})|({_BARE}+(?:\({_BARE}*\){_BARE}*)*)""")
_VALUE = re.compile(rf"""({_QUOTED})|([^\s"'=\[\]()!<>~,&|]+)""")
_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|~|(?:has|in|not)(?![^\s\[(\"'])")
_NUMBER = re.compile(r"[+-]?[0-9]")
_OTHER_WORDS = {"=": "==", "&&": "and", "||": "or", "!": "not", "<>": "!="}
_LIMIT = 64
"""Nested parentheses and `not`, at most."""
_SHOWN = 20
_EPOCH = Timestamp(0)


def parse(text: str, *, now: Timestamp = _EPOCH) -> Expression:
    """Parse an expression; raise BadQuery, BadExpression, BadDate. Times are relative to `now`, and in its zone."""
    parser = _Parser(text, now)
    expression = parser.expression(0)
    if not parser.at_end():
        parser.fail("expected `and`, `or` or the end")
    return expression


def parse_key(text: str) -> Path:
    """Parse one key, which ends with the text; raise BadQuery."""
    parser = _Parser(text)
    key = parser.key()
    if not parser.at_end():
        parser.fail("expected one KEY")
    return key


def parse_keys(text: str) -> tuple[Path, ...]:
    """Parse keys separated by commas; raise BadQuery."""
    parser = _Parser(text)
    keys = [parser.key()]
    while parser.take(","):
        keys.append(parser.key())
    if not parser.at_end():
        parser.fail("expected a comma or the end")
    return tuple(keys)


class _Parser:
    """A position in the text of an expression."""

    def __init__(self, text: str, now: Timestamp = _EPOCH) -> None:
        self._text = text
        self._now = now
        self._at = 0

    def expression(self, depth: int) -> Expression:
        parts = self._joined("or", lambda: self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Some(parts)

    def key(self) -> Path:
        parts: list[str] = []
        self._skip()
        while True:
            match = _PART.match(self._text, self._at)
            if not match or len(parts) >= MAX_DEPTH:
                self.fail("expected a KEY, such as metrics.mAP50")
            self._at = match.end()
            parts.append(self._unquoted(match[1]) if match[1] else match[2])
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def at_end(self) -> bool:
        self._skip()
        return self._at == len(self._text)

    def fail(self, reason: str) -> NoReturn:
        """Raise BadQuery for the current position."""
        self._skip()
        rest = self._text[self._at :]
        where = f"at {rest[:_SHOWN]!r}{'…' if len(rest) > _SHOWN else ''}" if rest else "at its end"
        word = next((word for word in ("&&", "||", "<>", "=", "!") if rest.startswith(word)), None)
        raise errors.BadQuery(
            text=self._text[:80], reason=f"write {_OTHER_WORDS[word]} {where}" if word else f"{reason} {where}"
        )

    def _conjunction(self, depth: int) -> Expression:
        parts = self._joined("and", lambda: self._condition(depth))
        return parts[0] if len(parts) == 1 else All(parts)

    def _joined(self, word: str, part: Callable[[], Expression]) -> tuple[Expression, ...]:
        parts = [part()]
        while self._take_word(word):
            parts.append(part())
        return tuple(parts)

    def _condition(self, depth: int) -> Expression:
        if depth > _LIMIT:
            self.fail(f"nested deeper than {_LIMIT}")
        if self._take_word("not"):
            return Not(self._condition(depth + 1))
        if self.take("("):
            inner = self.expression(depth + 1)
            self._expect(")")
            return inner
        if self._take_word("has"):
            return Has(self.key())
        if self._take_word("ready"):
            return self._ready()
        return self._comparison()

    def _ready(self) -> Expression:
        self._expect("(")
        use = self._value(()).text
        self._expect(")")
        return Ready(use)

    def _comparison(self) -> Expression:
        begin = self._at
        key = self.key()
        if len(key) <= 2 and _NUMBER.match(key[0]):
            self._at = begin
            self.fail("expected a KEY before its operator")
        self._skip()
        match = _OPERATOR.match(self._text, self._at)
        if not match or (match[0] == "not" and not re.match(r"not\s+in\b", self._text[self._at :])):
            self.fail("expected ==, !=, <, <=, >, >=, ~, in or has")
        if len(key) == 1 and key[0] in SECTIONS and match[0] != "has":
            self.fail(f"{key[0]} is a section; name a key in it, such as {key[0]}.NAME,")
        self._at = match.end()
        if match[0] == "not":
            self._take_word("in")
            return Not(Comparison(key, "in", self._list(key)))
        if match[0] == "in":
            return Comparison(key, "in", self._list(key))
        literal = self._value(key)
        if match[0] == "~":
            _check_pattern(literal.text)
        return Comparison(key, match[0], (literal,))

    def _list(self, key: Path) -> tuple[Literal, ...]:
        end = "]" if self.take("[") else ")" if self.take("(") else None
        if end is None:
            self.fail("expected a list, such as [640, 1280],")
        literals = [self._value(key)]
        while self.take(","):
            literals.append(self._value(key))
        self._expect(end)
        return tuple(literals)

    def _value(self, key: Path) -> Literal:
        self._skip()
        match = _VALUE.match(self._text, self._at)
        if not match:
            self.fail("expected a value")
        self._at = match.end()
        if key == TIME:
            return moment(self._unquoted(match[1]) if match[1] else match[2], self._now)
        if match[2]:
            return bare(match[2])
        text = self._unquoted(match[1])
        return Literal(text, text)

    def _unquoted(self, quoted: str) -> str:
        if quoted[0] == "'":
            return quoted[1:-1]
        try:
            return str(json.loads(quoted, strict=False))
        except ValueError:
            self.fail(f"{quoted[:_SHOWN]} has an unknown escape; write a backslash as \\\\")

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def take(self, sign: str) -> bool:
        self._skip()
        is_next = self._text.startswith(sign, self._at)
        self._at += len(sign) * is_next
        return is_next

    def _take_word(self, word: str) -> bool:
        """Skip a keyword, if it is next: followed by space, a parenthesis, a quote or the end."""
        self._skip()
        end = self._at + len(word)
        is_next = self._text.startswith(word, self._at) and (
            end == len(self._text) or self._text[end] in " \t\r\n([\"'"
        )
        self._at = end if is_next else self._at
        return is_next

    def _expect(self, sign: str) -> None:
        if not self.take(sign):
            self.fail(f"expected {sign}")


def _check_pattern(text: str) -> None:
    try:
        re.compile(text, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise errors.BadExpression(text=text, reason=error) from error
