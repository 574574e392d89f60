"""Warnings of what the file system does not support: one for each step, however often it is left out."""

from __future__ import annotations

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.storage.disk import unsupported


class Warnings:
    """Called with each step that is left out; says the first of each kind on stderr."""

    def __init__(self, invocation: Invocation) -> None:
        """Warn on behalf of one run."""
        self._invocation = invocation
        self._seen: set[str] = set()

    def __call__(self, step: str, path: str, reason: str) -> None:
        """Warn that the file system of `path` cannot do `step`; `reason` is what the system said."""
        if step in self._seen:
            return
        self._seen.add(step)
        if step != unsupported.CHMOD or not self._is_expected():
            consequence = unsupported.CONSEQUENCES[step]
            self._invocation.note(f"warning: {path}: this file system cannot {step} ({reason}): {consequence}")

    def _is_expected(self) -> bool:
        """Return whether the settings say already that permission bits mean nothing here."""
        try:
            return self._invocation.repository().config.get("core.filemode") is False
        except errors.MvcError:
            return False
