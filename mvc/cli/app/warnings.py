"""Warnings about steps that the file system does not support, one for each kind of step."""

from __future__ import annotations

from mvc import errors
from mvc.cli.app.invocation import Invocation
from mvc.storage.disk import unsupported


class Warnings:
    """A callback for skipped steps that prints the first of each kind on stderr."""

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
        """Return True if the settings already ignore permission bits."""
        try:
            return self._invocation.repository().config.get("core.filemode") is False
        except errors.MvcError:
            return False
