"""Names of models, branches, tags and aliases: which are valid, and the path component that stores each.

    Night/Shift v2  →  %4eight%2f%53hift%20v2

`a-z 0-9 . _ -` stay as they are, every other byte of the UTF-8 form becomes `%xx`, capitals included. So two names
never share a path, even where letter case is ignored, and no name is a folder of another.
"""

from __future__ import annotations

import re
import unicodedata

from mvc import errors
from mvc.deferred import regex

MAX_REF_BYTES = 200
MAX_KEY_LETTERS = 100
MAX_COMPONENT = 250
"""Bytes of an encoded name, at most; file systems allow 255 in a path component."""

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789._-")
_ENCODED = regex(r"(?:[a-z0-9._-]|%[0-9a-f]{2})+\Z")
_FORBIDDEN = "@:~^\\"
_DEVICE = regex(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE)
_NUMBERED = regex(r"v[0-9]+\Z", re.IGNORECASE)
_HEX = regex(r"[0-9a-f]{4,}\Z", re.IGNORECASE)
_RESERVED = ("head", "git")


def has_component(name: str) -> bool:
    """Return whether `name` fits in a path component; any other name is never looked up on disk."""
    try:
        return name not in ("", ".", "..") and len(encode_component(name)) <= MAX_COMPONENT
    except UnicodeEncodeError:
        return False


def encode_component(name: str) -> str:
    """Encode `name` as one path component."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in name.encode("utf-8"))


def decode_component(text: str) -> str:
    """Decode a path component; raise Damaged if it encodes no name."""
    try:
        if not _ENCODED.match(text):
            raise ValueError
        if "%" not in text:
            return text
        name = re.sub(rb"%([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("ascii")).decode("utf-8")
        if encode_component(name) != text:
            raise ValueError
    except ValueError:
        raise errors.Damaged(what=f"the name {text!r} in .mvc", reason="it is not a valid encoding of a name") from None
    return name


def is_device(name: str) -> bool:
    """Return whether Windows reserves `name` for a device, with any suffix (`con`, `nul.txt`)."""
    return _DEVICE.match(name) is not None


def check_ref_name(name: str) -> None:
    """Raise BadRefName unless `name` is valid for a branch, a tag or an alias."""
    reason = _ref_fault(name)
    if reason:
        raise errors.BadRefName(name=name[:MAX_REF_BYTES], reason=reason)


def is_ref_name(name: str) -> bool:
    """Return whether `name` is valid for a branch, a tag or an alias."""
    return _ref_fault(name) is None


def check_model_key(key: str) -> None:
    """Raise BadModelKey unless `key` is valid for a model."""
    reason = _key_fault(key)
    if reason:
        raise errors.BadModelKey(key=key[:MAX_KEY_LETTERS], reason=reason)


def _ref_fault(name: str) -> str | None:
    if not name:
        return "it is empty"
    if len(name) > MAX_REF_BYTES:
        return f"it is longer than {MAX_REF_BYTES} characters"
    if not all("!" <= letter <= "~" for letter in name):
        return "only printable ASCII without spaces is allowed"
    if name.lower() in _RESERVED:
        return "the name is reserved"
    if _NUMBERED.match(name):
        return "v and a number names a version number"
    if _HEX.match(name):
        return "it could be an abbreviated version id"
    if ".." in name or "*" in name or "?" in name or "[" in name:
        return "it contains .. * ? or ["
    return _common_fault(name)


def _key_fault(key: str) -> str | None:
    if not key or key != key.strip():
        return "it is empty, or begins or ends with a space"
    if len(key) > MAX_KEY_LETTERS:
        return f"it is longer than {MAX_KEY_LETTERS} characters"
    if not key.isprintable():
        return "it contains unprintable characters"
    if unicodedata.normalize("NFC", key) != key:
        return "it is not in Unicode's composed form (NFC)"
    return _common_fault(key)


def _common_fault(name: str) -> str | None:
    for letter in _FORBIDDEN:
        if letter in name:
            return f"it contains {letter}"
    for part in name.split("/"):
        if not part:
            return "it begins or ends with /, or contains //"
        if part[0] in "-." or part.endswith((".", ".lock")):
            return "a part of it begins with - or . or ends with . or .lock"
        if is_device(part):
            return f"{part} is a device name on some systems"
    if len(encode_component(name)) > MAX_COMPONENT:
        return "it is too long for a file name"
    return None
