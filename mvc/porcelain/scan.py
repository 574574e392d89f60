"""`mvc scan`: what a loader of each file would run, by the bytes of a version, of the working tree, or of plain files.

Nothing is loaded, and nothing is fetched: a file whose bytes are not here is named.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake.plain import files as plain_files
from mvc.intake.plain.contents import Contents as PlainContents
from mvc.intake.plain.files import LeftOut, Unread
from mvc.model.document import Document, keys, rows
from mvc.model.ids import FileId, VersionId
from mvc.model.paths import escape_name
from mvc.model.roles import roles_of
from mvc.model.tree import TreeEntry
from mvc.repository import contents, history, revisions
from mvc.repository.contents import Contents
from mvc.repository.model import Model
from mvc.repository.policy import scan_settings
from mvc.repository.policy.scan_settings import ScanSettings
from mvc.repository.record.scan_command import ScanCommand
from mvc.repository.worktree import snapshot
from mvc.scan import opinion
from mvc.scan.allow import allowed, checked
from mvc.scan.allow import names as classes
from mvc.scan.verdict import RULES_VERSION, Finding, Report, Verdict
from mvc.storage.records.config import SCAN_ALLOW


@dataclass(frozen=True, slots=True)
class ScannedFile(Document):
    """A file with its verdict and the findings in it; both are empty if its bytes are not here.

    `absent` says why they are not: promised, expired, missing, damaged, or unreadable, with the `reason`; a folder that
    cannot be listed is unreadable, too. `file` is the id of a stored file.
    """

    KEYS = keys(
        "path file verdict formats absent reason",
        {"findings": rows("findings", "rule verdict=verdict.word place offset message names calls")},
    )
    OPTIONAL = ("file", "absent", "reason")

    path: str
    report: Report | None
    file: FileId | None = None
    absent: str | None = None
    reason: str | None = None

    def needs(self, allow: Sequence[str]) -> tuple[str, ...]:
        """Return the classes among those allowed that findings of the file are about, sorted."""
        left = self.without(allow)
        if left is self or self.report is None or left.report is None:
            return ()
        return tuple(sorted({*classes([self.report])} - {*classes([left.report])}))

    def without(self, allow: Sequence[str]) -> ScannedFile:
        """Return the file without the findings about classes that are allowed."""
        report = self.report if self.report is None or not allow else allowed(self.report, allow)
        return self if report is self.report else replace(self, report=report)

    @property
    def verdict(self) -> str | None:
        """The verdict in one word."""
        return None if self.report is None else self.report.verdict.word

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that its content has."""
        return () if self.report is None else self.report.formats

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, the worst first."""
        return () if self.report is None else self.report.findings


@dataclass(frozen=True, slots=True)
class Scanned(Document):
    """The files that were scanned, by the rules of a version. Findings about `allowed` classes are left out.

    `left_out` are paths below named folders that were not scanned: pipes, devices, links to them, to folders and to
    nothing, and folders of version control.
    """

    KEYS = keys("rules verdict files allowed left_out")

    files: tuple[ScannedFile, ...]
    allowed: tuple[str, ...] = ()
    rules: int = RULES_VERSION
    left_out: tuple[LeftOut, ...] = ()

    @property
    def verdict(self) -> str | None:
        """The worst verdict in one word; None if no file was scanned."""
        reports = [file.report.verdict for file in self.files if file.report is not None]
        return max(reports).word if reports else None

    def has(self, verdict: Verdict) -> bool:
        """Return whether a file has this verdict, or a worse one."""
        return any(file.report is not None and file.report.verdict >= verdict for file in self.files)


@dataclass(frozen=True, slots=True)
class Judged:
    """Scanned files, and the classes that they need of each list that allows some: a setting, an option, a policy."""

    result: Scanned
    needed: Mapping[str, Sequence[str]]


Place = tuple[ScannedFile | LeftOut, bool]
"""A file, or a path that is left out, and whether it is one of the repository."""


def judged(scanned: Iterable[Place], settings: ScanSettings, given: Iterable[str]) -> Judged:
    """Return files without the findings about classes that the user's setting allows, or those `given`.

    For files of the repository, the classes that a policy allows count, too. Raises BadClass.
    """
    given, files, left_out = checked(given), list[tuple[ScannedFile, bool]](), list[LeftOut]()
    for each, is_ours in _once(scanned):
        if isinstance(each, LeftOut):
            left_out.append(each)
        else:
            files.append((each, is_ours))
    lists = {f"the setting {SCAN_ALLOW}": settings.own, "--allow": given}
    names = tuple(dict.fromkeys((*settings.own, *given)))
    needed = _needed(lists, [file for file, _ in files])
    files = [(file.without(names), is_ours) for file, is_ours in files]
    of_policies = _needed(settings.shared, [file for file, is_ours in files if is_ours])
    shared = [name for policy in of_policies for name in settings.shared[policy]]
    left = tuple(file.without(shared) if is_ours else file for file, is_ours in files)
    result = Scanned(left, tuple(dict.fromkeys((*names, *shared))), left_out=tuple(left_out))
    return Judged(result, needed | of_policies)


def _once(scanned: Iterable[Place]) -> Iterator[Place]:
    """Yield each place once: a file may be named by its role, its path, and a folder above it."""
    known: dict[str, list[Place]] = {}
    for place in scanned:
        same = known.setdefault(place[0].path if isinstance(place[0], ScannedFile) else place[0][0], [])
        if place not in same:
            same.append(place)
            yield place


def _needed(lists: Mapping[str, Sequence[str]], files: Sequence[ScannedFile]) -> dict[str, Sequence[str]]:
    """Return the lists that allow classes which these files need, each with these classes."""
    needed = {place: {name for file in files for name in file.needs(names)} for place, names in lists.items()}
    return {place: tuple(sorted(names)) for place, names in needed.items() if names}


def of_version(model: Model, id_: VersionId, allow: Iterable[str] = (), *, ask: bool = True) -> Scanned:
    """Return the files of a version as `mvc scan` judges them; with `ask`, by the program of scan.command, too.

    Raises BadPolicy, BadConfig.
    """
    settings = scan_settings.of_repository(model.repository)
    files = version(model, id_, command=command_of(settings) if ask else None)
    return judged(((file, True) for file in files), settings, allow).result


def of_working(model: Model, allow: Iterable[str] = ()) -> Scanned:
    """Return the tracked files of the working tree as `mvc scan` judges them. Raises as `working`, BadPolicy, BadConfig."""
    settings = scan_settings.of_repository(model.repository)
    return judged(((file, True) for file in working(model, command=command_of(settings))), settings, allow).result


def command_of(settings: ScanSettings) -> ScanCommand | None:
    """Return the program that is asked about each file, too."""
    return ScanCommand(settings.command) if settings.command else None


def version(
    model: Model,
    id_: VersionId,
    *,
    names: Collection[str] = (),
    above: str = "",
    command: ScanCommand | None = None,
) -> Iterator[ScannedFile]:
    """Yield the files of a version; with `names`, those with these roles or paths. `above` precedes their paths.

    `command` is asked about each file, too. Raises NotInVersion.
    """
    repository = model.repository
    read = repository.objects.version(id_)
    tree, manifest = repository.objects.tree(read.tree), repository.objects.manifest(read.manifest)
    label = history.label(repository, id_)
    paths = {revisions.find_file(tree, name, label).path for name in names}
    look = contents.stored(repository)
    for entry in tree.entries:
        if not names or entry.path in paths or {*roles_of(manifest, entry)} & {*names}:
            state = repository.promised.state(entry.file).value
            yield _scanned(look, entry, tree.by_path, above=above, absent=state, command=command)
    repository.scans.save()


def working(model: Model, *, names: Collection[str] = (), command: ScanCommand | None = None) -> Iterator[ScannedFile]:
    """Yield the tracked files of the working tree, those that are gone or no files last; with `names`, these roles or paths.

    Raises the errors of reading model.toml.
    """
    base = history.snapshot(model.repository, model.current, model.key)
    tree = base.tree if base is not None else None
    found = snapshot.take(
        model.repository, model.key, model.folder, tree, identify=lambda _: snapshot.UNREAD, tolerant=True
    )
    look = contents.working(model.repository, model.folder)
    elsewhere = {entry.path for entry in found.elsewhere}
    for entry in found.snapshot.tree.entries:
        if not names or {entry.path, *roles_of(found.snapshot.manifest, entry)} & {*names}:
            absent = "missing" if entry.path in elsewhere else "unreadable"
            yield _scanned(look, entry, found.snapshot.tree.by_path, absent=absent, stored=False, command=command)
    here = {escape_name(path) for path in found.snapshot.tree.by_path}
    for path, problem in {_path(problem): problem for problem in found.problems}.items():
        if path and path not in here and (not names or {path, str(problem.fields.get("role"))} & {*names}):
            is_gone = isinstance(problem, (errors.MissingFile, errors.NoValueFile, errors.RoleWithoutFile))
            absent = "missing" if is_gone else "unreadable"
            yield ScannedFile(path, None, absent=absent, reason=problem.message.rstrip("."))


def _path(problem: errors.MvcError) -> str:
    """Return the path, or the pattern of paths, that a problem of the working tree is about; none for another."""
    return str(problem.fields.get("path", problem.fields.get("pattern", "")))


def plain(place: Path, shown: str, root: Path | None, command: ScanCommand | None = None) -> Iterator[Place]:
    """Yield the file at a path, or all below it, and what cannot be read or is left out; `root` is that of the repository.

    Raises NoSuchFile, NotComparable, TooBig.
    """
    is_ours = root is not None and place.resolve().is_relative_to(root.resolve())
    try:
        found = plain_files.at(place, shown, every=True)
    except errors.UnreadablePath as error:
        yield _unread(escape_name(shown), error), is_ours
        return
    above = "" if found.folder is None or shown in (".", "./") else f"{found.shown.rstrip('/')}/"
    look = PlainContents(found)
    for file in found.files.values():
        try:
            yield ScannedFile(above + file.path, look.scan(file, command)), is_ours
        except (errors.UnreadablePath, errors.FileChanged) as error:
            yield _unread(above + file.path, error), is_ours
    for each in found.left_out:
        path, reason = each
        name = found.shown if path == "." else above + path
        if isinstance(each, Unread):
            yield ScannedFile(name, None, absent="unreadable", reason=reason), is_ours
        elif reason != plain_files.RESERVED or root is None or (place / path).parent.resolve() != root.resolve():
            yield LeftOut(name, reason), is_ours


def _unread(path: str, error: errors.MvcError) -> ScannedFile:
    reason = error.fields.get("reason", "it kept changing while it was read")
    return ScannedFile(path, None, absent="unreadable", reason=str(reason))


def _scanned(
    look: Contents,
    entry: TreeEntry,
    beside: Collection[str],
    *,
    above: str = "",
    absent: str,
    stored: bool = True,
    command: ScanCommand | None = None,
) -> ScannedFile:
    folder = os.path.dirname(entry.path)

    def kind(path: str) -> str:
        return "file" if os.path.normpath(os.path.join(folder, path)) in beside else ""

    file = entry.file if stored else None
    try:
        report = look.scan(entry, kind)
        if report is not None and command is not None:
            report = opinion.joined(report, look.second_opinion(entry, command))
    except (errors.Missing, errors.Damaged):
        return ScannedFile(above + entry.path, None, file, "damaged")
    return ScannedFile(above + entry.path, report, file, None if report is not None else absent)
