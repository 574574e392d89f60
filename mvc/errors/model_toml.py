"""Errors: model.toml has invalid syntax, an unknown key, or an invalid value."""

from __future__ import annotations

from mvc.errors.base import Answer, Refused, Usage


class BadToml(Usage):
    """{where}, {position}: {reason}.

    Correct that line of {where}, or restore the committed model.toml with `mvc restore model.toml`.
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


class BadValueFile(Usage):
    """{where}: {reason}.

    Nothing was changed. {fix}
    """


class NoColumn(BadValueFile):
    """{where} has no {noun} {column}.

    Nothing was changed. It has {known}. {fix}
    """


class WhichRow(BadValueFile):
    """{where} has {count} rows, and none is selected.

    Nothing was changed. {fix}
    """


class TwoSources(Usage):
    """{key} is in model.toml and in {path}, which from.{section} names.

    Remove it from model.toml with `mvc unset {key:shell}`, or take no values from the file: `mvc unset from.{section}`.
    """


class SetInFile(Usage):
    """{key} comes from {path}, which from.{section} names.

    Nothing was changed. Edit {path}, or take no values from it: `mvc unset from.{section}`.
    """


class UnknownKey(Usage):
    """Unknown key {key} in model.toml.

    {suggestion}
    """


class WrongType(Usage):
    """{key} must be {wanted}, not {found}.

    Give a value of that type; `mvc set KEY=VALUE` sets one in model.toml.
    """


class NoNumpyDtype(WrongType):
    """The tensor {tensor} has dtype {dtype}, which NumPy lacks (known: {known}).

    Read its bytes instead, with `tensor.read()`.
    """


class DateValue(Usage):
    """{key} is a date, which a version cannot store.

    Write the date as text: "{value}".
    """


class NotFinite(Usage):
    """{key} is {value}; NaN and infinity cannot be stored.

    Remove the key, or write the value as text: "{value}".
    """


class TooBig(Usage):
    """{what} is too large: {reason}.

    Nothing was changed. Shorten or split {what}, then run the command again.
    """


class BadKey(Usage):
    """Invalid assignment {text!r}: {reason}.

    Write KEY=VALUE, such as parameters.epochs=100; quote names with a dot: files."best.v2".
    """


class BadValue(Usage):
    """Invalid value {text!r} for {key}: expected {wanted}.

    Nothing was changed. Correct the value, or choose another type with `mvc set --type TYPE {key}=VALUE`.
    """


class EmptyValue(Usage):
    """{key} needs {wanted}, and its value is empty; is a shell variable unset?

    Nothing was changed. `mvc unset {key:shell}` removes the key.
    """


class NoValue(Answer):
    """{key} is not set.

    {suggestion}List the keys of model.toml with `mvc get`, and the settings of mvc with `mvc config --list`.
    """


class CannotEdit(Usage):
    """Cannot edit model.toml in place: {reason}.

    Nothing was changed. Edit model.toml by hand.
    """


class RulesBroken(Refused):
    """Nothing was changed, because model.toml breaks {count:rule|rules}:
    {problems}

    Correct model.toml by hand or with `mvc set`, then run the command again.
    """
