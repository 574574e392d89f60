"""The text format of protocol buffers: each message with its fields, as the parser of protocol buffers parts them.

    layer { type: "Pyt" 'hon'  # a comment
            python_param { module: "team" } }      ─►  ("python_param", {"module": ["team"]}), ("layer", {"type": ["Python"]})

Source: the text format language specification of protocol buffers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?:\s|\#[^\n]*)+
    |(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<word>[\w.+/-]+|\[[\w./-]+\])
    |(?P<sign>[:{}<>,;\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_MAX_DEPTH = 1_000

Fields = dict[str, list[str]]


def messages(text: str) -> Iterator[tuple[str, Fields]]:
    """Yield the name of each message and its fields that are texts or words, the inner ones first. Raises ValueError."""
    stack: list[tuple[str, Fields]] = [("", {})]
    name, is_value = "", False
    parts: list[str] = []
    for kind, value in _tokens(text):
        fields = stack[-1][1]
        if kind == "string":
            parts.append(value)  # texts one after another are one
            is_value = False
            continue
        if parts:
            fields.setdefault(name, []).append("".join(parts))
            parts = []
        if kind == "sign" and value in "{<":
            if len(stack) > _MAX_DEPTH:
                raise ValueError("its messages are nested too deep")
            stack.append((name, {}))
        elif kind == "sign" and value in "}>":
            if len(stack) == 1:
                raise ValueError("a bracket closes nothing")
            message = stack.pop()
            name = message[0]  # of the next one in a list
            yield message
        elif kind == "word" and is_value:
            fields.setdefault(name, []).append(value)
        elif kind == "word":
            name = value
        is_value = kind == "sign" and (value == ":" or value in "[,") and bool(name)
    if parts:
        stack[-1][1].setdefault(name, []).append("".join(parts))
    if len(stack) > 1:
        raise ValueError("a message does not end")
    yield stack[0]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"{text[position]!r} is not a part of a message")
        position = match.end()
        if match.lastgroup == "string":
            yield "string", match[0][1:-1].encode("latin-1", "backslashreplace").decode("unicode-escape")
        elif match.lastgroup:
            yield match.lastgroup, match[0]
