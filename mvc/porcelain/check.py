"""`mvc check`: readiness of a version or of the working tree for its uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.compare.diff import Snapshot
from mvc.model.document import keys, rows
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import rules
from mvc.model.toml.rules import Problem
from mvc.readiness import evaluation
from mvc.readiness.evaluation import Readiness
from mvc.readiness.outside import Outside
from mvc.readiness.subject import Subject
from mvc.repository import contents, history
from mvc.repository.model import Model
from mvc.repository.record import license_claims, stale_metrics
from mvc.repository.worktree import snapshot, untracked


@dataclass(frozen=True, repr=False, slots=True)
class Checked(Result):
    """The readiness for each use. `id` and `number` are None for the working tree.

    `asked` is true if the caller or `intent.ready_for` named the uses, false if they are simply all uses. A working
    tree with `problems` or `broken` rules cannot be committed. `warnings` are about metrics that were measured on other
    weights, which are those of the parent, and about files whose license contradicts `model.license`.
    """

    KEYS = keys(
        "model",
        {"version": keys("id number")},
        "ready asked uses",
        {"problems": rows("problems", "kind message hint")},
        "rules=broken warnings",
    )

    model: str
    id: VersionId | None
    number: int | None
    uses: tuple[Readiness, ...]
    asked: bool
    problems: tuple[errors.MvcError, ...] = ()
    broken: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def ready(self) -> bool:
        """True if it is ready for every use; a working tree that cannot be committed is ready for none."""
        return not self.problems and not self.broken and all(readiness.ready for readiness in self.uses)

    def summary(self) -> str:
        """Return what matters most, in one line."""
        at = f"v{self.number}" if self.id else "working tree"
        no = ", ".join(each.use for each in self.uses if not each.ready)
        return f"{self.model} {at}: {'ready' if self.ready else f'not ready for {no}' if no else 'not ready'}"


def check(
    model: Model,
    id_: VersionId | None = None,
    *,
    uses: Sequence[str] = (),
    strict: bool = False,
    outside: Callable[[Manifest], Outside] | None = None,
) -> Checked:
    """Check the version `id_` of `model`, or the working tree, for each of `uses`.

    Without `uses`: for those that its `intent.ready_for` names, else for all. With `strict`, recommended rules and
    rules that cannot be checked here count too. Rules about a file's content read its header; nothing is fetched, and only
    `outside` asks a registry. Raises UnknownUse, Missing, Damaged, the errors of reading model.toml, and those of `outside`.
    """
    if id_ is None:
        subject, problems, stale = _working(model)
        subject = _with(subject, outside)
        broken = tuple(problem for problem in rules.check(subject.manifest) if problem.severity == rules.ERROR)
        warnings = (*stale, *_licenses(subject))
        return Checked(model.key, None, None, *evaluated(subject, uses, strict=strict), problems, broken, warnings)
    version = history.snapshot(model.repository, id_)
    assert version is not None  # noqa: S101 - None only stands for no version at all
    subject = _with(Subject(version.manifest, version.tree, contents.stored(model.repository)), outside)
    number = model.repository.objects.version(id_).number
    warnings = (*_stale(model, _parent(model, id_), version), *_licenses(subject))
    return Checked(model.key, id_, number, *evaluated(subject, uses, strict=strict), warnings=warnings)


def manifest_of(model: Model, id_: VersionId | None = None) -> Manifest:
    """Return the manifest of a version or of the working tree, which holds the team's own rules."""
    if id_ is None:
        return _working(model)[0].manifest
    return model.repository.objects.manifest(model.repository.objects.version(id_).manifest)


def _parent(model: Model, id_: VersionId) -> VersionId | None:
    """Return the first parent of a version; None if it has none."""
    return next(iter(model.repository.objects.version(id_).parents), None)


def _stale(model: Model, parent: VersionId | None, version: Snapshot) -> tuple[Problem, ...]:
    """Return the problem of metrics that are those of the parent, although its weights were replaced."""
    try:
        old = history.snapshot(model.repository, parent, model.key)
        found = stale_metrics.problem(model.repository, parent, old, version)
    except errors.Missing:  # of a shallow import, the parent may be absent
        return ()
    return (found,) if found is not None else ()


def _licenses(subject: Subject) -> tuple[Problem, ...]:
    """Return the problem of files whose license contradicts that of the model."""
    license_ = license_claims.declared(subject.manifest)
    if license_ is None:
        return ()
    return license_claims.problems(license_, license_claims.of(subject.contents, subject.tree.entries))


def _with(subject: Subject, outside: Callable[[Manifest], Outside] | None) -> Subject:
    return replace(subject, outside=outside(subject.manifest)) if outside is not None else subject


def evaluated(
    subject: Subject, uses: Sequence[str] = (), *, strict: bool = False
) -> tuple[tuple[Readiness, ...], bool]:
    """Return the readiness for each use, and whether the caller or the manifest named these uses."""
    if uses:
        profiles = dict.fromkeys(evaluation.with_profile(use, subject.manifest) for use in uses)
        return tuple(evaluation.evaluate(subject, use, strict=strict) for use in profiles), True
    intended = evaluation.evaluate_intent(subject, strict=strict)
    if intended:
        return intended, True
    uses = evaluation.all_uses(subject.manifest)
    return tuple(evaluation.evaluate(subject, use, strict=strict) for use in uses), False


def _working(model: Model) -> tuple[Subject, tuple[errors.MvcError, ...], tuple[Problem, ...]]:
    """Return the working tree, the problems of its files, and stale metrics, for which a changed file may be read."""
    folder = model.folder
    base = history.snapshot(model.repository, model.current, model.key)
    tree = base.tree if base else None
    has_metrics = base is not None and bool(base.manifest.metrics)
    taken = snapshot.take(
        model.repository,
        model.key,
        folder,
        tree,
        identify=snapshot.by_need(model.repository, tree) if has_metrics else lambda _: snapshot.UNREAD,
        tolerant=True,
    )
    tracked = taken.snapshot.tree.by_path.keys()
    candidates = (*tracked, *untracked.weight_like(model.repository.root, folder, tracked))
    look = contents.working(model.repository, folder)
    subject = Subject(taken.snapshot.manifest, taken.snapshot.tree, look, candidates)
    return subject, taken.problems, _stale(model, model.current, taken.snapshot) if has_metrics else ()
