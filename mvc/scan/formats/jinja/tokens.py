r"""Jinja templates as tokens: the expressions between the marks `{{ }}` and `{% %}`, as Jinja's own lexer parts them.

    Hello {{ user['name'] }}  ─►  Block("{{", (name user, [ , string name, ]))

Text between the marks is never interpreted. A string is decoded as Jinja decodes it, so that `'\x5f'` is an underscore; a
name is normalised as Python does it. Source: jinja2/lexer.py of Jinja 3.1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MAX_TOKENS = 200_000
"""Tokens of a template, at most."""
_MARK = re.compile(r"\{\{|\{%|\{#")
_RAW = re.compile(r"[-+]?\s*raw\s*-?%\}")
_END_OF_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")
    |(?P<number>0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)
    |(?P<name>\w+)
    |(?P<operator>//|\*\*|[!=<>]=|[-+*/%~\[\](){}<>=.:|,;])""",
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING = "[({", "])}"
_ENDS = {"{{": re.compile(r"[-+]?\}\}"), "{%": re.compile(r"[-+]?%\}")}


class SyntaxFault(Exception):  # noqa: N818 - Jinja's own error is a TemplateSyntaxError
    """A template that these rules cannot part into tokens; the text is a short clause."""


class Token(NamedTuple):
    """A token; `kind` is string, number, name or operator, and `text` its value."""

    kind: str
    text: str

    def is_operator(self, *texts: str) -> bool:
        """Return whether it is one of these operators."""
        return self.kind == "operator" and self.text in texts

    def is_name(self, *texts: str) -> bool:
        """Return whether it is one of these names."""
        return self.kind == "name" and self.text in texts


class Block(NamedTuple):
    """The tokens between two marks; `mark` is the first of them."""

    mark: str
    tokens: tuple[Token, ...]


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a template; raise SyntaxFault if it has no such form."""
    position = count = 0
    while (match := _MARK.search(text, position)) is not None:
        position = match.end()
        if match[0] == "{#":
            end = text.find("#}", position)
            if end < 0:
                raise SyntaxFault("a comment does not end")
            position = end + 2
        elif match[0] == "{%" and (raw := _RAW.match(text, position)) is not None:
            after = _END_OF_RAW.search(text, raw.end())
            if after is None:
                raise SyntaxFault("a raw block does not end")
            position = after.end()
        else:
            tokens, position = _block(text, position, _ENDS[match[0]])
            count += len(tokens)
            if count > MAX_TOKENS:
                raise SyntaxFault(f"it has more than {MAX_TOKENS} tokens")
            yield Block(match[0], tokens)


def group(tokens: Sequence[Token], opening: int) -> Sequence[Token]:
    """Return the tokens between a bracket and the one that closes it."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += tokens[index].is_operator("[", "(", "{")
        depth -= tokens[index].is_operator("]", ")", "}")
        if not depth:
            return tokens[opening + 1 : index]
    return tokens[opening + 1 :]


def _block(text: str, position: int, end: re.Pattern[str]) -> tuple[tuple[Token, ...], int]:
    """Return the tokens from `position` to the mark that ends the block, and the position after it."""
    tokens: list[Token] = []
    depth = 0
    if text[position : position + 1] in ("-", "+"):
        position += 1
    while position < len(text):
        match = end.match(text, position) if not depth else None  # brackets are closed first, as in Jinja
        if match is not None:
            return tuple(tokens), match.end()
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise SyntaxFault(f"{text[position]!r} is not a part of an expression")
        if match.lastgroup == "operator":
            depth += match[0] in _OPENING
            depth -= match[0] in _CLOSING
            if depth < 0:
                raise SyntaxFault(f"{match[0]!r} closes nothing")
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, _value(match.lastgroup, match[0])))
        position = match.end()
    raise SyntaxFault("a block does not end")


def _value(kind: str, text: str) -> str:
    if kind == "name":
        return unicodedata.normalize("NFKC", text)
    if kind != "string":
        return text
    try:
        return text[1:-1].encode("ascii", "backslashreplace").decode("unicode-escape")
    except UnicodeDecodeError as error:
        raise SyntaxFault("a string has an invalid escape") from error
