"""Versions to evaluate, and files whose content is or is not local."""

from __future__ import annotations

from typing import Any

from mvc.model.ids import FileId, digest
from mvc.model.licenses.claim import Claim
from mvc.model.manifest import Manifest
from mvc.model.metadata import Metadata
from mvc.model.tree import Tree, TreeEntry
from mvc.readiness.evaluation import Readiness, evaluate
from mvc.readiness.outside import Dataset
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict

LABELS = ((0, "helmet"), (1, "head"))


class Held:
    """The contents of files by role; a role that is not given is not local."""

    def __init__(self, held: dict[str, str | tuple[str, ...] | Metadata]) -> None:
        self._held = held

    def members(self, entry: TreeEntry) -> tuple[str, ...] | None:
        held = self._held.get(entry.role)
        return held if held is None or isinstance(held, tuple) else ()

    def format(self, entry: TreeEntry) -> str | None:
        held = self._held.get(entry.role)
        return held.format if isinstance(held, Metadata) else "" if isinstance(held, tuple) else held

    def metadata(self, entry: TreeEntry) -> Metadata | None:
        held = self._held.get(entry.role)
        if isinstance(held, Metadata):
            return held
        return None if held is None else Metadata("" if isinstance(held, tuple) else held)

    def licenses(self, entry: TreeEntry) -> tuple[Claim, ...] | None:
        return ()

    def fault(self, entry: TreeEntry) -> str | None:
        held = self._held.get(entry.role)
        return "it is empty" if held == "" else None if held is None else ""


class Answers:
    """What registries answer: these dataset versions, and a verdict on the docker image."""

    def __init__(self, *datasets: Dataset, image: Verdict = OK) -> None:
        self._datasets, self._image = datasets, image

    def datasets(self) -> tuple[Dataset, ...]:
        return self._datasets

    def image(self) -> Verdict:
        return self._image


def made(
    *files: str,
    holds: dict[str, str | tuple[str, ...] | Metadata] | None = None,
    outside: Answers | None = None,
    **sections: Any,
) -> Subject:
    """Return a version with these files, each `role` or `role=path`; `type` and `framework` go to the section `model`."""
    about = {"name": "helmets"} | {key: sections.pop(key) for key in ("type", "framework") if key in sections}
    pairs = [(role, path or f"weights/{role}.bin") for role, _, path in (file.partition("=") for file in files)]
    entries = [TreeEntry(path, role, 1, FileId(digest(path.encode()))) for role, path in pairs]
    return Subject(Manifest(about, **sections), Tree.of(entries), Held(holds or {}), outside=outside)


def results(subject: Subject, use: str, *, strict: bool = False) -> dict[str, str]:
    """Return the result of each rule that applies to `subject`, by its name."""
    found = evaluate(subject, use, strict=strict)
    return {finding.rule.name: finding.verdict.result.value for finding in found.findings}


def blocked(subject: Subject, use: str, *, strict: bool = False) -> set[str]:
    """Return the names of the rules that keep `subject` from being ready."""
    found: Readiness = evaluate(subject, use, strict=strict)
    assert found.ready == (not found.blockers)
    return {finding.rule.name for finding in found.blockers}
