"""The base of all errors, and one class for each exit code.

The first paragraph of a class's docstring is the message, a template filled from the keyword arguments; the second
is the hint, which names the next command. `{count:file|files}` is a number with its noun: "1 file", "3 files";
`{name:shell}` is a word of a command, quoted if it needs that. A placeholder on a line of its own is filled with a list of
lines; line feeds in any other text are escaped, so that no name begins a line of a message.
"""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Mapping

from mvc.deferred import regex
from mvc.plural import count

_LIST = regex(r"^\{(\w+)\}$", re.MULTILINE)
"""A placeholder on a line of its own."""


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
        self.message = _filled(message, fields)
        self.hint = _filled(hint, fields)
        super().__init__(self.message)

    @property
    def kind(self) -> str:
        """The kind in JSON: the class name in kebab case (`would-overwrite`)."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()


def _filled(template: str, fields: Mapping[str, object]) -> str:
    """Fill a template: its lines are joined, except a placeholder on its own line, which is filled with a list."""
    lists = set(_LIST.findall(template))
    values = {name: _formatted(value, keep_lines=name in lists) for name, value in fields.items()}
    for name, value in fields.items():
        if isinstance(value, str) and value.endswith("?"):  # a question ends the sentence
            template = template.replace(f"{{{name}}}.", f"{{{name}}}")
    return re.sub(r"\n(?!\{\w+\}(?:\n|\Z))", " ", template).format_map(values)


def _formatted(value: object, *, keep_lines: bool) -> object:
    """Return a value of a field with the formats of templates."""
    if type(value) is int:
        return _Number(value)
    if type(value) is not str:
        return value
    return _Text(value if keep_lines else value.replace("\r", "\\x0d").replace("\n", "\\x0a"))


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
