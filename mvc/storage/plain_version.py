"""Versions in the form that nearly all have, decoded by one regular expression.

A match proves the bytes canonical, so they are not encoded again: a third of the time of `Version.decode`, which gets every
other form. To compile the expression takes as long as decoding a hundred versions, so it is for those who read many.
"""

from __future__ import annotations

import json
from typing import Any

from mvc.deferred import regex
from mvc.model.version import MAX_PARENTS, Code, Person, Timestamp, Version

_MAX = 1 << 16
"""Bytes of a version that is compared with the expression, at most: no part of it can be too long, then."""
_TEXT = r'"((?:[^"\\\x00-\x1f]++|\\["\\bfnrt])*+)"'
_ID = r'"([0-9a-f]{64})"'
_PARENT = r'"[0-9a-f]{64}"'
_PLAIN = regex(
    rf'\{{"author":\{{"email":{_TEXT},"name":{_TEXT}\}},'
    rf'(?:"code":\{{"branch":(?:null|{_TEXT}),"commit":{_TEXT},"dirty":(true|false),"remote":(?:null|{_TEXT})\}},)?'
    rf'"kind":"version","manifest":{_ID},"message":{_TEXT},"model_toml":{_ID},"number":([1-9][0-9]{{0,17}}),'
    rf'"parents":\[((?:{_PARENT}(?:,{_PARENT}){{0,{MAX_PARENTS - 1}}})?)\],'
    r'"time":\{"offset":(0|-?[1-9][0-9]{0,3}),"seconds":(0|-?[1-9][0-9]{0,12})\},'
    rf'"tree":{_ID}\}}'
)
"""A version without `ext`, and with no control character but those that have a short escape."""


def decode(data: bytes) -> Version:
    """Decode canonical bytes; raise NotCanonical, as `Version.decode`."""
    try:
        match = _PLAIN.fullmatch(data.decode()) if len(data) <= _MAX else None
    except UnicodeDecodeError:
        match = None
    if match is None:
        return Version.decode(data)
    parts: tuple[Any, ...] = match.groups()
    if b"\\" in data:
        parts = tuple(json.loads(f'"{text}"') if text is not None else None for text in parts[:8]) + parts[8:]
    (
        email,
        name,
        branch,
        commit,
        dirty,
        remote,
        manifest,
        message,
        model_toml,
        number,
        parents,
        offset,
        seconds,
        tree,
    ) = parts
    return Version(
        tuple(parents.replace('"', "").split(",")) if parents else (),
        int(number),
        Person(name, email),
        Timestamp.from_json({"offset": int(offset), "seconds": int(seconds)}),
        message,
        manifest,
        tree,
        model_toml,
        Code(commit, branch, remote, dirty == "true") if commit is not None else None,
    )
