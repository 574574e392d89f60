"""Versions to judge, made of what matters, and files that are or are not here."""

from __future__ import annotations

from typing import Any

from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.readiness.judge import Readiness, judge
from mvc.readiness.subject import Subject

LABELS = ((0, "helmet"), (1, "head"))


class Held:
    """What files hold, by role; the bytes of a file that is not named are not here."""

    def __init__(self, held: dict[str, str | tuple[str, ...]]) -> None:
        self._held = held

    def members(self, entry: TreeEntry) -> tuple[str, ...] | None:
        held = self._held.get(entry.role)
        return () if isinstance(held, str) else held

    def format(self, entry: TreeEntry) -> str | None:
        held = self._held.get(entry.role)
        return "" if isinstance(held, tuple) else held

    def fault(self, entry: TreeEntry) -> str | None:
        held = self._held.get(entry.role)
        return "it is empty" if held == "" else None if held is None else ""


def made(*files: str, holds: dict[str, str | tuple[str, ...]] | None = None, **sections: Any) -> Subject:
    """A version with these files, each `role` or `role=path`; `type` and `framework` are of the section `model`."""
    about = {"name": "helmets"} | {key: sections.pop(key) for key in ("type", "framework") if key in sections}
    pairs = [(role, path or f"weights/{role}.bin") for role, _, path in (file.partition("=") for file in files)]
    entries = [TreeEntry(path, role, 1, FileId(digest(path.encode()))) for role, path in pairs]
    return Subject(Manifest(about, **sections), Tree.of(entries), Held(holds or {}))


def results(subject: Subject, use: str, *, strict: bool = False) -> dict[str, str]:
    """The result of each rule that is about `subject`, by its name."""
    found = judge(subject, use, strict=strict)
    return {finding.rule.name: finding.verdict.result.value for finding in found.findings}


def hindered(subject: Subject, use: str, *, strict: bool = False) -> set[str]:
    """The rules that keep `subject` from being ready."""
    found: Readiness = judge(subject, use, strict=strict)
    assert found.ready == (not found.hindrances)
    return {finding.rule.name for finding in found.hindrances}
