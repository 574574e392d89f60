"""Parsing of `policy.toml`: tables only, no expressions; an unknown key, and anything else that breaks the form, is an error.

[scan]
allow = ["torch.nn.modules.*"]

[[rule]]
on = ["alias:prod", "alias:release/*"]
formats = ["safetensors", "onnx"]
max-file = "20GiB"
licenses.allow = ["Apache-2.0", "MIT"]
from = "alias:staging"
roll-back = false
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mvc import errors
from mvc.formats.known import FORMATS
from mvc.formats.weight_format import OTHERS
from mvc.model import textfile
from mvc.model.toml import parse as toml_parse
from mvc.plural import count
from mvc.scan.policy import positions, scan_table
from mvc.scan.policy.positions import Lines
from mvc.scan.policy.rule import ALIAS, BRANCH, COMMIT, NAMED, PUSH, TAG, TAKE, Rule
from mvc.scan.policy.scan_table import VERDICTS, ScanTable
from mvc.scan.verdict import Verdict

MAX_BYTES = 1 << 20
"""The largest policy.toml, in bytes."""
MAX_RULES = 1_000
FORMAT_NAMES = (*FORMATS, *OTHERS)
"""The names that `formats` may have."""
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) ?(B|[kKMGT]B|[KMGT]iB)\Z")
_UNITS = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4}
_REFS = (BRANCH, TAG, ALIAS)
_EVERY = (COMMIT, *NAMED, TAKE)
_PATTERN = re.compile(r'[\s*?!,"]')
"""Characters of principals that would be a pattern of OpenSSH, or would end one."""
_SPACE = re.compile(r"\s")
_CLASS = re.compile(r"\[!?.[^\]]*\]", re.DOTALL)
"""A set of characters in a pattern of a shell."""
_ONE = re.compile(r"[\s*?\[]")
"""Characters that no name of a ref has."""


class _InvalidError(Exception):
    """A value that is none; the text is a clause."""


class _Key(NamedTuple):
    """A key of a rule: the field of `Rule` that it sets, how it is read, and the kinds of events that it can be about."""

    field: str
    read: Callable[[Any], Any]
    kinds: tuple[str, ...] = (COMMIT, *NAMED)


def parse(data: bytes, file: str) -> tuple[Rule, ...]:
    """Return the rules in the bytes of a policy.toml; messages call it `file`. Raises BadPolicy, with the line."""
    text, values = _loaded(data, file)
    for key in values.keys() - {"rule", scan_table.NAME}:
        reason = f"{key!r} is unknown at the top level: each rule is a table that begins with [[rule]]"
        raise errors.BadPolicy(path=file, line=positions.first(text, key), reason=reason)
    classes = scan_table.read(values, text, file).allow
    tables, lines = values.get("rule", []), positions.rules(text)
    if not isinstance(tables, list) or len(tables) != len(lines) or len(lines) > MAX_RULES:
        reason = f"write each rule as a table that begins with [[rule]], at most {MAX_RULES:,} of them"
        raise errors.BadPolicy(path=file, line=positions.first(text, "rule"), reason=reason)
    return tuple(_rule(table, places, file, classes) for table, places in zip(tables, lines, strict=True))


def settings(data: bytes, file: str) -> ScanTable:
    """Return the table `[scan]` in the bytes of a policy.toml. Raises as `parse`."""
    parse(data, file)
    text, values = _loaded(data, file)
    return scan_table.read(values, text, file)


def _loaded(data: bytes, file: str) -> tuple[str, dict[str, Any]]:
    if len(data) > MAX_BYTES:
        raise errors.BadPolicy(path=file, line=1, reason=f"it has more than {MAX_BYTES:,} bytes")
    try:
        values = toml_parse.load(data, where=file)
    except errors.BadToml as error:
        line, reason = str(error.fields["position"]).partition(",")[0], str(error.fields["reason"])
        reason = f"{reason[:1].lower()}{reason[1:]}"
        raise errors.BadPolicy(path=file, line=int(line.removeprefix("line ")), reason=reason) from None
    except errors.TooBig as error:
        raise errors.BadPolicy(path=file, line=1, reason=error.fields["reason"]) from None
    return textfile.decode(data), values


def _rule(table: Mapping[str, Any], lines: Lines, file: str, classes: tuple[str, ...]) -> Rule:
    fields: dict[str, Any] = {}
    for key, value in _flat(table):
        line = lines.keys.get(key, lines.line)
        try:
            known = _known(key)
            fields[known.field] = known.read(value)
        except _InvalidError as error:
            raise errors.BadPolicy(path=file, line=line, reason=str(error)) from None
    rule = Rule(file, lines.line, **{"on": (), **fields}, classes=classes, lines=lines.keys)
    fault = _fault(rule, [key for key, _ in _flat(table)])
    if fault is not None:
        key, reason = fault
        raise errors.BadPolicy(path=file, line=lines.keys.get(key, lines.line), reason=reason)
    return rule


def _flat(table: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the keys of a rule with their values; those of `licenses` have a dot."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", inner) for name, inner in value.items())
        else:
            yield key, value


def _known(key: str) -> _Key:
    if key in KEYS:
        return KEYS[key]
    near = difflib.get_close_matches(key, KEYS, 1)
    hint = f"did you mean {near[0]}?" if near else f"a rule has {', '.join(KEYS)}"
    raise _InvalidError(f"{key!r} is not a key of a rule; {hint}")


def _fault(rule: Rule, keys: Sequence[str]) -> tuple[str, str] | None:
    """Return the key and what is wrong about a rule as a whole, None for nothing."""
    if not rule.on:
        return "on", 'the rule has no events: add a line such as on = ["alias:prod"]'
    kinds = {pattern.partition(":")[0] for pattern in rule.on}
    for key in keys:
        unfit = sorted(kinds - set(KEYS[key].kinds))
        if unfit:
            return key, f"{key!r} does not apply to {unfit[0]}, only to {', '.join(KEYS[key].kinds)}"
    if "signers" in keys and rule.signers > len({*rule.signed_by}):
        listed = f"names {count(len({*rule.signed_by}), 'principal')}" if rule.signed_by else "is not set"
        return "signers", f"{count(rule.signers, 'signer')} cannot be met: 'signed-by' {listed}"
    if rule.source in rule.on:
        return "from", f"{rule.source} cannot come from itself: name the ref that is moved before it"
    if not described(rule):
        return "on", "the rule requires nothing"
    return None


EVENTS = (COMMIT, *(f"{kind}:NAME" for kind in NAMED), *(f"{TAKE}:{kind}:NAME" for kind in _REFS))
"""The events, as messages list them."""


def is_event(text: str) -> bool:
    """Return whether a text is an event, or a pattern of events of one kind."""
    kind, _, name = text.partition(":")
    if kind == TAKE:
        ref, _, name = name.partition(":")
        return ref in _REFS and bool(name)
    return text == COMMIT or (kind in NAMED and bool(name))


# --- values


def _events(value: Any) -> tuple[str, ...]:
    for event in (events := _texts(value)):
        if not is_event(event):
            known = ", ".join(EVENTS)
            raise _InvalidError(f"{event!r} is not an event; known are {known}")
        if _SPACE.search(event):
            raise _InvalidError(f"{event!r} has a space, which no name has, so that the rule would never apply")
        if "[" in _CLASS.sub("", event):
            raise _InvalidError(f"{event!r} has a [ that is not closed, so that the rule would never apply")
    return events


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) and text for text in value):
        raise _InvalidError('the value is not a list of texts, such as ["a", "b"]')
    return tuple(value)


def _formats(value: Any) -> tuple[str, ...]:
    for name in (names := _texts(value)):
        if name not in FORMAT_NAMES:
            near = difflib.get_close_matches(name, FORMAT_NAMES, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(FORMAT_NAMES)}"
            raise _InvalidError(f"{name!r} is not a format; {hint}")
    return names


def _verdict(value: Any) -> Verdict:
    if not isinstance(value, str) or value not in VERDICTS:
        raise _InvalidError(f"the value is the worst verdict that is allowed: {', '.join(VERDICTS)}")
    return VERDICTS[value]


def _size(value: Any) -> int:
    if type(value) is int and value >= 0:
        return value
    match = _SIZE.match(value) if isinstance(value, str) else None
    if match is None:
        raise _InvalidError('the value is not a size, such as "20GiB", "500MB", or a number of bytes')
    unit = match[2]
    power = _UNITS.get(unit[0], 0) if unit != "B" else 0
    return int(float(match[1]) * (1024 if "i" in unit else 1000) ** power)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _InvalidError("the value must be true or false")
    return value


def _required(value: Any) -> bool:
    if value != "required":
        raise _InvalidError('the value must be "required"')
    return True


def _principals(value: Any) -> tuple[str, ...]:
    for name in (names := _texts(value)):
        if _PATTERN.search(name) or not name.isprintable():
            raise _InvalidError(f"{name!r} is not a principal: each is named in full, as ana@example.org")
    return names


def _number(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise _InvalidError("the value is not a number from 1")
    return value


def _source(value: Any) -> str:
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind not in _REFS or not name or _ONE.search(name):
        raise _InvalidError('the value is not one ref, such as "alias:staging"')
    return str(value)


def described(rule: Rule) -> dict[str, Any]:
    """Return what a rule requires by the keys of policy.toml, sizes in bytes."""
    requirements: dict[str, Any] = {}
    for key, known in KEYS.items():
        value = getattr(rule, known.field)
        if key not in ("on", "force") and value not in (None, ()) and value != _DEFAULTS.get(key):
            requirements[key] = "required" if key == "reason" else value.word if isinstance(value, Verdict) else value
    return requirements


_DEFAULTS = {"roll-back": True, "reason": False, "signers": 1}
KEYS = {
    "on": _Key("on", _events, _EVERY),
    "formats": _Key("formats", _formats, _EVERY),
    "scan": _Key("scan", _verdict),
    "max-file": _Key("max_file", _size, _EVERY),
    "max-version": _Key("max_version", _size, _EVERY),
    "licenses.allow": _Key("allow", _texts, _EVERY),
    "licenses.deny": _Key("deny", _texts, _EVERY),
    "ready-for": _Key("ready_for", _texts),
    "from": _Key("source", _source, (BRANCH, TAG, ALIAS)),
    "roll-back": _Key("roll_back", _flag, (BRANCH, TAG, ALIAS, PUSH, TAKE)),
    "reason": _Key("reason", _required, (TAG, ALIAS)),
    "signed-by": _Key("signed_by", _principals, (*NAMED, TAKE)),
    "signers": _Key("signers", _number, (*NAMED, TAKE)),
    "force": _Key("force", _flag, _EVERY),
}
"""The keys of a rule."""
