"""Settings of the repository and of the user, and optional packages."""

from __future__ import annotations

from mvc.errors.base import Usage


class BadConfig(Usage):
    """Cannot read {path}: {reason}.

    Correct the file, or remove the setting in question.
    """


class UnknownSetting(Usage):
    """Unknown setting {key}.

    {known} List the settings with `mvc config --list`.
    """


class BadSetting(Usage):
    """Invalid value {value!r} for {key}: {reason}."""


class MissingPackage(Usage):
    """{what} needs {package}, which is not installed.

    Install it in the Python environment of mvc.
    """
