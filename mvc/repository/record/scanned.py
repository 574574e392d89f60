"""New files of a version, scanned before any is stored: what a loader would run is refused, or reported.

    scan.level, and [scan] level of policy.toml: the stricter one
        a file with this verdict, or a worse one ─► ScanRefused; with --allow-unsafe, a warning
        a file that needs code ──────────────────► a warning

Only headers, directories and pickles are read. Files that the parent version has are not scanned again.
"""

from __future__ import annotations

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
) -> tuple[Problem, ...]:
    """Return the warnings about new files. Raises ScanRefused for those at the level, unless `allow_unsafe`, and BadPolicy.

    Files of which `is_known` says by their path that the parent version has them are left out.
    """
    settings = scan_settings.of(repository.config, repository.root, repository.user_config)
    level = settings.level
    if level is None:
        return ()
    reports = _reports(look, entries, settings, is_known)
    found = [pair for pair in reports if pair[1].verdict >= Verdict.CODE and not is_known(pair[0])]
    found.sort(key=lambda pair: -pair[1].verdict)
    refused = [pair for pair in found if pair[1].verdict >= level]
    if refused and not allow_unsafe:
        raise errors.ScanRefused(listed=first([_line(path, report) for path, report in refused], _SHOWN))
    return tuple(
        Problem(WARNING, KEY, _line(path, report), f"`mvc scan --explain -- {escape_name(path)}` lists all")
        for path, report in found
    )


def _reports(
    look: Contents, entries: Iterable[TreeEntry], settings: ScanSettings, is_known: Callable[[str], bool]
) -> Iterator[tuple[str, Report]]:
    command = ScanCommand(settings.command) if settings.command else None
    for entry in entries:
        report = look.scan(entry)
        if report is None:
            continue
        if command is not None and not is_known(entry.path):
            report = opinion.joined(report, look.second_opinion(entry, command))
        yield entry.path, allowed(report, settings.allow)


def _line(path: str, report: Report) -> str:
    """Return a file with its verdict, and its worst finding."""
    finding = report.findings[0]
    listed = f" {first(finding.names, _SHOWN)}" if finding.names else ""
    return f"{escape_name(path)} is {report.verdict.word}: {finding.message.rstrip('.')}{':' if listed else ''}{listed}"
