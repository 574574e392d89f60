"""Commits and tags of Git, from their bytes; what is not valid, such as a time in no calendar, becomes a plain value.

tree 4b82…                                           author: Ana <ana@example.org>
parent 9c41…                                         time: 2026-02-03T10:00:00+01:00
author Ana <ana@example.org> 1770109200 +0100        message: First baseline

First baseline
"""

from __future__ import annotations

import codecs
import re

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.version import Person, Timestamp

OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
"""The id of an object: SHA-1, or SHA-256 in repositories that have it."""
_OF_PYTHON = frozenset({"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Encodings that Git does not know. Some raise errors for any text, and one takes quadratic time."""
_SIGNATURE = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?[0-9]{1,12}) (?P<zone>[+-][0-9]{4})\Z")
_SEAL = "-----BEGIN "
"""What begins a signature at the end of a tag's message."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: the ids of its parents and its folder, its author and the time of the change, its message."""

    oid: str
    parents: tuple[str, ...]
    tree: str
    author: Person
    time: Timestamp
    message: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: the commit that it names; who made it, when and why, if it is an annotated one, else as the commit has them."""

    name: str
    commit: Commit
    author: Person
    time: Timestamp
    message: str


def commit_of(oid: str, data: bytes) -> Commit:
    """Return the commit with these bytes; raise BadGitObject."""
    headers, message = _parts(data)
    tree, parents = headers.get("tree", [""])[0], tuple(headers.get("parent", ()))
    if not all(map(OID.match, (tree, *parents))):
        raise errors.BadGitObject(oid=oid, reason="it is not a commit")
    return Commit(oid, parents, tree, *_signed(headers.get("author", [""])[0]), message)


def tag_of(name: str, data: bytes | None, commit: Commit) -> Tag:
    """Return the tag `name` of a commit, with these bytes; None for a tag that is only a name."""
    headers, message = _parts(data) if data is not None else ({}, "")
    if "tagger" not in headers:
        return Tag(name, commit, commit.author, commit.time, message)
    return Tag(name, commit, *_signed(headers["tagger"][0]), message.partition(_SEAL)[0].rstrip("\n"))


def target_of(oid: str, data: bytes) -> str:
    """Return the id of the object that a tag names; raise BadGitObject."""
    target = _parts(data)[0].get("object", [""])[0]
    if not OID.match(target):
        raise errors.BadGitObject(oid=oid, reason="it is not a tag")
    return target


def _parts(data: bytes) -> tuple[dict[str, list[str]], str]:
    """Return the headers and the message of a commit or a tag."""
    head, _, body = data.partition(b"\n\n")
    lines = head.replace(b"\n ", b" ").split(b"\n")
    pairs = [line.partition(b" ")[::2] for line in lines]
    encoding = next((value.decode("ascii", "replace") for key, value in pairs if key == b"encoding"), "utf-8")
    headers: dict[str, list[str]] = {}
    for key, value in pairs:
        headers.setdefault(key.decode("ascii", "replace"), []).append(_text(value, encoding))
    return headers, _text(body, encoding).strip("\n")


def _text(data: bytes, encoding: str) -> str:
    """Decode a text; an encoding that is unknown, or only Python's, is read as UTF-8."""
    try:
        known = codecs.lookup(encoding).name
        return data.decode("utf-8" if known in _OF_PYTHON else known, "replace")
    except (LookupError, ValueError):  # ValueError: a name with a zero byte
        return data.decode("utf-8", "replace")


def _signed(text: str) -> tuple[Person, Timestamp]:
    """Return the person and the time of an author or tagger; what is not valid becomes a person without a name, or 1970."""
    match = _SIGNATURE.match(text)
    if match is None:
        return Person(_plain(text.partition("<")[0]) or "unknown", ""), Timestamp(0)
    email = "".join(_plain(match["email"]).split())
    person = Person(_plain(match["name"]) or email or "unknown", email)
    try:
        return person, Timestamp.parse(f"@{match['seconds']} {match['zone']}")
    except errors.BadDate:
        return person, Timestamp(0)


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() and letter not in "<>").strip()
