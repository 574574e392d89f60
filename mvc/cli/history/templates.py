"""Templates of `mvc log --format`, and those of Git's `--pretty`.

v{number} {subject}      format:%h %s  ->  {short} {subject}      {metrics.mAP50}: a key
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.cli.app.table import cell
from mvc.cli.app.terminal import date, escape, short
from mvc.model.query.subject import EVAL, NOTES, SECTIONS, spelled
from mvc.model.toml.schema import Path
from mvc.porcelain.log import Logged

if TYPE_CHECKING:
    from mvc.model.query import parse
    from mvc.repository.signatures.verify import CheckedSignature
else:
    parse = lazy.Module("mvc.model.query.parse")

_FIELD = re.compile(r"\{([^{}]*)\}|\\([nt])")
_PLACEHOLDER = re.compile(r"%(C\([^)]*\)|C(?:red|green|blue|reset|yellow)|[ac][a-zA-Z]|G[a-zA-Z?]|.|\Z)", re.DOTALL)
_PREFIX = re.compile(r"t?format:")
_KEY = re.compile(rf"(?:{'|'.join([*SECTIONS, NOTES, EVAL, 'labelmap', 'file'])})\.")
"""The beginning of a field that is a key of values."""
STYLES = ("oneline", "short", "medium", "full", "fuller")
"""Git's named formats; all but `oneline` are mvc's own."""


def places(entry: Logged) -> str:
    """Return `Picsellia #3`; empty for an unpublished version."""
    return ", ".join(f"Picsellia #{place.number}" for place in entry.places)


def _signature(entry: Logged) -> CheckedSignature | None:
    return entry.verified.decisive if entry.verified is not None else None


def _letter(entry: Logged) -> str:
    """Return Git's letter of the signature that decides."""
    signature = _signature(entry)
    return _LETTERS[signature.status] if signature is not None else "N"


def _trust(entry: Logged) -> str:
    """Return Git's word for the trust in a key."""
    return {"G": "fully", "N": ""}.get(_letter(entry), "undefined")


_LETTERS = {
    "good": "G",
    "mismatch": "B",
    "damaged": "B",
    "unknown": "U",
    "namespace": "U",
    "expired": "Y",
    "not-yet-valid": "Y",
    "revoked": "R",
    "format": "E",
}
"""Git's letter of each status of a signature."""
_SIGNATURES: dict[str, Callable[[Logged], str]] = {
    "signature": lambda entry: entry.verified.status if entry.verified is not None else "",
    "signer": lambda entry: (signed.principal or "") if (signed := _signature(entry)) is not None else "",
    "key": lambda entry: signed.key if (signed := _signature(entry)) is not None else "",
    "signature.letter": _letter,
    "signature.trust": _trust,
}
"""The fields for which signatures are verified."""
_FIELDS: dict[str, Callable[[Logged], str]] = {
    "id": lambda entry: entry.id,
    "short": lambda entry: short(entry.id),
    "number": lambda entry: str(entry.version.number),
    "parents": lambda entry: " ".join(entry.version.parents),
    "author": lambda entry: entry.version.author.name,
    "email": lambda entry: entry.version.author.email,
    "date": lambda entry: date(entry.version.time),
    "time": lambda entry: entry.version.time.utc(),
    "names": lambda entry: ", ".join(name for _, name in entry.names),
    "subject": lambda entry: entry.version.subject,
    "message": lambda entry: entry.version.message,
    "body": lambda entry: entry.version.message.partition("\n")[2].lstrip("\n"),
    "refs": lambda entry: f" ({', '.join(name for _, name in entry.names)})" if entry.names else "",
    "registry": places,
    "code": lambda entry: entry.version.code.commit if entry.version.code else "",
    **_SIGNATURES,
}
_GIT = {
    "H": "id",
    "h": "short",
    "P": "parents",
    "p": "parents",
    "an": "author",
    "ae": "email",
    "cn": "author",
    "ce": "email",
    "s": "subject",
    "B": "message",
    "b": "body",
    "D": "names",
    **dict.fromkeys(("ad", "cd", "as", "cs", "ar", "cr"), "date"),
    **dict.fromkeys(("aI", "cI", "ai", "ci"), "time"),
    "G?": "signature.letter",
    "GS": "signer",
    **dict.fromkeys(("GK", "GF", "GP"), "key"),
    "GT": "signature.trust",
}
"""Git's placeholders, and the field of each."""


def template(text: str | None) -> str | None:
    """Return a template in mvc's own fields; raises BadTemplate for an unknown field."""
    if text is None:
        return None
    prefix = _PREFIX.match(text)
    if prefix or ("%" in text and "{" not in text):
        return _of_git(text[prefix.end() if prefix else 0 :])
    for match in _FIELD.finditer(text):
        if match[1] is not None and match[1] not in _FIELDS and not _KEY.match(match[1]):
            raise errors.BadTemplate(name=match[1], known=", ".join(name for name in _FIELDS if "." not in name))
    return text


def keys(text: str | None) -> list[Path]:
    """Return the keys in a template; raise BadQuery."""
    fields = (match[1] or "" for match in _FIELD.finditer(text or ""))
    return [parse.parse_key(field) for field in fields if _KEY.match(field)]


def shows_signatures(text: str | None) -> bool:
    """Return whether a template has a field for which signatures have to be verified."""
    return any(match[1] in _SIGNATURES for match in _FIELD.finditer(text or ""))


def filled(text: str, entry: Logged) -> str:
    """Return a template with the fields of a version."""

    def put(match: re.Match[str]) -> str:
        if match[1] is None:
            return {"n": "\n", "t": "\t"}[match[2]]
        if match[1] in _FIELDS:
            return escape(_FIELDS[match[1]](entry), keep_newlines=True)
        return _value(entry, match[1]) if _KEY.match(match[1]) else match[0]

    return _FIELD.sub(put, text)


def _value(entry: Logged, field: str) -> str:
    """Return the value of a key; empty if the version lacks it."""
    value = (entry.values or {}).get(spelled(parse.parse_key(field)))
    return "" if value is None else cell(value)


def _of_git(text: str) -> str:
    def field(match: re.Match[str]) -> str:
        name = match[1]
        if name in _GIT:
            return f"{{{_GIT[name]}}}"
        if name in ("n", "%", "d") or name.startswith("C"):
            return {"n": "\n", "%": "%", "d": "{refs}"}.get(name, "")
        raise errors.BadTemplate(name=f"%{name}", known=", ".join(f"%{name}" for name in _GIT))

    return _PLACEHOLDER.sub(field, text)
