"""New files of a version, scanned before any is stored: what a loader would run is refused, or reported.

    scan.level, and [scan] level of policy.toml: the stricter one
        a file with this verdict, or a worse one ─► ScanRefused; with --allow-unsafe, a warning
        a file that needs code, or is damaged ───► a warning

Only headers, directories and pickles are read. Files that the parent version has are not scanned again.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator

from mvc import errors
from mvc.model.paths import escape_name
from mvc.model.toml.rules import WARNING, Problem
from mvc.model.tree import TreeEntry
from mvc.plural import first
from mvc.repository.contents import Contents
from mvc.repository.policy import scan_settings
from mvc.repository.policy.scan_settings import ScanSettings
from mvc.repository.record.scan_command import ScanCommand
from mvc.repository.repository import Repository
from mvc.scan import opinion
from mvc.scan.allow import allowed
from mvc.scan.verdict import Report, Verdict

KEY = "scan"
_SHOWN = 3


def check(
    repository: Repository,
    look: Contents,
    entries: Iterable[TreeEntry],
    *,
    allow_unsafe: bool = False,
    is_known: Callable[[str], bool] = lambda _: False,
    source: Callable[[str], str] = lambda path: path,
    has_faults: bool = False,
) -> tuple[Problem, ...]:
    """Return the warnings about new files. Raises ScanRefused for those at the level, unless `allow_unsafe`, and BadPolicy.

    Files of which `is_known` says by their path that the parent version has them are left out. `source` returns where a file
    of that path is read from, as its user knows it. With `has_faults`, damaged weight files are warned of, whose faults a
    commit reports by itself.
    """
    settings = scan_settings.of_repository(repository)
    level = settings.level
    if level is None:
        return ()
    reports = _reports(look, entries, settings, is_known)
    found = [
        (source(entry.path), report)
        for entry, report in reports
        if not is_known(entry.path) and _is_reported(report, level, look, None if has_faults else entry)
    ]
    found.sort(key=lambda pair: -pair[1].verdict)
    refused = [pair for pair in found if pair[1].verdict >= level]
    if refused and not allow_unsafe:
        listed = first([_line(path, report) for path, report in refused], _SHOWN)
        raise errors.ScanRefused(listed=listed, command=_command(refused[0][0]))
    return tuple(Problem(WARNING, KEY, _line(path, report), f"`{_command(path)}` lists all") for path, report in found)


def _command(path: str) -> str:
    """Return the command that explains a file, from every folder: it reads a word as a path of the model, too.

    So it does not read one after `--`, which is relative to the current folder, unless that is a whole path.
    """
    apart = "-- " if path.startswith(("/", "-")) else ""
    return f"mvc scan --explain {apart}{shlex.quote(escape_name(path))}"


def _is_reported(report: Report, level: Verdict, look: Contents, entry: TreeEntry | None) -> bool:
    """Return whether a report is a refusal or a warning; of a damaged file, none if the fault of `entry` is reported."""
    if report.verdict >= min(Verdict.CODE, level):
        return True
    return report.verdict == Verdict.DAMAGED and not (entry is not None and look.fault(entry))


def _reports(
    look: Contents, entries: Iterable[TreeEntry], settings: ScanSettings, is_known: Callable[[str], bool]
) -> Iterator[tuple[TreeEntry, Report]]:
    command = ScanCommand(settings.command) if settings.command else None
    for entry in entries:
        report = look.scan(entry)
        if report is None:
            continue
        if command is not None and not is_known(entry.path):
            report = opinion.joined(report, look.second_opinion(entry, command))
        yield entry, allowed(report, settings.allow)


def _line(path: str, report: Report) -> str:
    """Return a file with its verdict, and its worst finding."""
    finding = report.findings[0]
    listed = f" {first(finding.names, _SHOWN)}" if finding.names else ""
    return f"{escape_name(path)} is {report.verdict.word}: {finding.message.rstrip('.')}{':' if listed else ''}{listed}"
