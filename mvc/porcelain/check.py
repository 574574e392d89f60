"""`mvc check`: whether a version, or the working tree as it stands, is ready for what it is to be used for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import rules
from mvc.model.toml.rules import Problem
from mvc.readiness import judge
from mvc.readiness.judge import Readiness
from mvc.readiness.subject import Subject
from mvc.repository import contents, history
from mvc.repository.repository import Repository
from mvc.repository.worktree import snapshot


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found for each use. `id` and `number` are None for the working tree.

    `asked` says that these are the uses that were asked for, by the caller or by `intent.ready_for`, and not just all there
    are. `problems` and `broken` are what keeps a working tree from being committed.
    """

    model: str
    id: VersionId | None
    number: int | None
    uses: tuple[Readiness, ...]
    asked: bool
    problems: tuple[errors.MvcError, ...] = ()
    broken: tuple[Problem, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it is ready for every one of the uses; a working tree that cannot be committed is for none."""
        return not self.problems and not self.broken and all(each.ready for each in self.uses)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "model": self.model,
            "version": {"id": self.id, "number": self.number} if self.id else None,
            "ready": self.ready,
            "asked": self.asked,
            "uses": [each.to_json() for each in self.uses],
            "problems": [{"kind": p.kind, "message": p.message, "hint": p.hint} for p in self.problems],
            "rules": [problem.to_json() for problem in self.broken],
        }


def check(
    repository: Repository, model: str, id_: VersionId | None = None, *, uses: Sequence[str] = (), strict: bool = False
) -> Checked:
    """Check the version `id_` of `model`, or the working tree, for each of `uses`.

    Without `uses`, for those that its `intent.ready_for` names, or else for all there are. With `strict`, what is only
    recommended counts too, and what cannot be checked here. Of files, headers are read where a rule is about what is in them;
    nothing is fetched. Raises UnknownUse, Missing, Damaged, and what is wrong with model.toml.
    """
    if id_ is None:
        subject, problems = _working(repository, model)
        broken = tuple(each for each in rules.check(subject.manifest) if each.severity == rules.ERROR)
        return Checked(model, None, None, *_judged(subject, uses, strict=strict), problems, broken)
    found = history.snapshot(repository, id_)
    assert found is not None  # noqa: S101 - of a version there always is one
    subject = Subject(found.manifest, found.tree, contents.stored(repository))
    return Checked(model, id_, repository.objects.version(id_).number, *_judged(subject, uses, strict=strict))


def manifest_of(repository: Repository, model: str, id_: VersionId | None = None) -> Manifest:
    """The manifest of a version or of the working tree, whose rules are a team's own."""
    if id_ is None:
        return _working(repository, model)[0].manifest
    return repository.objects.manifest(repository.objects.version(id_).manifest)


def _judged(subject: Subject, uses: Sequence[str], *, strict: bool) -> tuple[tuple[Readiness, ...], bool]:
    """What was found, and whether it was asked for."""
    if uses:
        whole = dict.fromkeys(judge.full(use, subject.manifest) for use in uses)
        return tuple(judge.judge(subject, use, strict=strict) for use in whole), True
    intended = judge.intended(subject, strict=strict)
    if intended:
        return intended, True
    return tuple(judge.judge(subject, use, strict=strict) for use in judge.all_uses(subject.manifest)), False


def _working(repository: Repository, model: str) -> tuple[Subject, tuple[errors.MvcError, ...]]:
    """The working tree, of which no file is read, and what is wrong with its files."""
    folder = repository.head(model).folder
    base = history.snapshot(repository, repository.current(model), model)
    found = snapshot.take(
        repository, model, folder, base.tree if base else None, identify=lambda _: snapshot.UNREAD, tolerant=True
    )
    subject = Subject(found.snapshot.manifest, found.snapshot.tree, contents.working(repository, folder))
    return subject, found.problems
