"""model.toml: syntax, keys and values."""

from __future__ import annotations

from mvc.errors.base import Answer, Refused, Usage


class BadToml(Usage):
    """{where}, {position}: {reason}.

    Fix that line, or restore the committed file with `mvc restore model.toml`.
    """


class NoModelName(Usage):
    """{where} does not name its model.

    Add name = "..." below [model].
    """


class BadLabels(Usage):
    """{where}: {reason}.

    Write {{"0": "helmet", "1": "head"}} or ["helmet", "head"]; in YAML, the same under the key names.
    """


class LabelByName(BadLabels):
    """{where}: {reason}.

    Write the class number first: `mvc set {assignment}`.
    """


class UnknownKey(Usage):
    """Unknown key {key} in model.toml.

    {suggestion}
    """


class WrongType(Usage):
    """{key} must be {wanted}, not {found}."""


class DateValue(Usage):
    """{key} is a date, which a version cannot store.

    Write it as text: "{value}".
    """


class NotFinite(Usage):
    """{key} is {value}; NaN and infinity cannot be stored.

    Remove it, or write it as text.
    """


class TooBig(Usage):
    """{what} is too large: {reason}."""


class BadKey(Usage):
    """Invalid assignment {text!r}: {reason}.

    Write KEY=VALUE, such as parameters.epochs=100; quote names with a dot: files."best.v2".
    """


class BadValue(Usage):
    """Invalid value {text!r} for {key}: expected {wanted}."""


class NoValue(Answer):
    """{key} is not set."""


class CannotEdit(Usage):
    """Cannot edit model.toml in place: {reason}.

    Edit it by hand.
    """


class RulesBroken(Refused):
    """model.toml breaks {count:rule|rules}:
    {problems}
    """
