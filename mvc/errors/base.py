"""The base of all errors, and one class for each exit code.

The first paragraph of a class's docstring is the message, a template filled from the keyword arguments; the second
is the hint, which names the next command. `{count:file|files}` is a number with its noun: "1 file", "3 files";
`{name:shell}` is a word of a command, quoted if it needs that.
"""

from __future__ import annotations

import inspect
import re
import shlex

from mvc.plural import count


class _Number(int):
    """A number whose format `one|many` adds the noun that agrees with it."""

    def __format__(self, spec: str) -> str:
        """Return `1 file` for the format `file|files`; other formats are those of an int."""
        one, bar, many = spec.partition("|")
        return count(int(self), one, many) if bar else format(int(self), spec)


class _Text(str):
    """A text whose format `shell` quotes it for a command line, where it needs that."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Return `'two words'` for the format `shell`; other formats are those of a str."""
        return shlex.quote(self) if spec == "shell" else format(str(self), spec)


class MvcError(Exception):
    """Mvc could not finish: {reason}."""

    exit_code = 128
    message: str
    hint: str

    def __init__(self, **fields: object) -> None:
        """Fill the template with `fields`. Raises KeyError if one is missing."""
        self.fields = fields
        message, _, hint = inspect.cleandoc(type(self).__doc__ or "").partition("\n\n")
        values = {name: _formatted(value) for name, value in fields.items()}
        self.message = _one_line(message).format_map(values)
        self.hint = _one_line(hint).format_map(values)
        super().__init__(self.message)

    @property
    def kind(self) -> str:
        """The kind in JSON: the class name in kebab case (`would-overwrite`)."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()


def _formatted(value: object) -> object:
    """Return a value of a field with the formats of templates."""
    if type(value) is int:
        return _Number(value)
    return _Text(value) if type(value) is str else value


def _one_line(template: str) -> str:
    """Join the lines of a template, except a placeholder on its own line, which is filled with a list."""
    return re.sub(r"\n(?!\{\w+\}(?:\n|\Z))", " ", template)


class Usage(MvcError):
    """{reason}"""

    exit_code = 2


class Answer(MvcError):
    """{reason}"""

    exit_code = 1


class NoRepository(MvcError):
    """No mvc repository at or above {where}.

    Create one with `mvc init --model NAME`.
    """

    exit_code = 10


class LockTimeout(MvcError):
    """Another mvc command ({owner}) held the repository lock for more than {seconds} s.

    Run the command again when {owner} has ended, or wait longer with --lock-timeout SECONDS. The lock is released when
    that process ends.
    """

    exit_code = 11


class Denied(MvcError):
    """{what}: {reason}."""

    exit_code = 12


class RefRejected(MvcError):
    """{reason}"""

    exit_code = 13


class Damaged(MvcError):
    """{what} is damaged: {reason}.

    `mvc fsck` lists the affected versions and files; everything else stays readable.
    """

    exit_code = 14


class OutOfReach(MvcError):
    """{reason}"""

    exit_code = 15


class WouldOverwrite(MvcError):
    """{reason}"""

    exit_code = 16


class Refused(MvcError):
    """{reason}"""

    exit_code = 17
