"""Files for the rules by format: each case is made here, and says which rules it breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mvc.formats.source import Source
from mvc.scan.archive import Archive
from mvc.scan.scan import Scan, scan_file
from mvc.scan.verdict import Report, Verdict


class Case(NamedTuple):
    """A file by name and bytes, and the rules that it breaks: none for an honest one."""

    name: str
    data: bytes
    rules: tuple[str, ...] = ()


def source(data: bytes, name: str) -> Source:
    return Source(lambda offset, size: data[offset : offset + size], len(data), name)


def report(case: Case, disabled: Sequence[str] = (), links: Sequence[str] = ()) -> Report:
    def beside(path: str) -> str:
        return "link" if path in links else ""

    return scan_file(source(case.data, case.name), beside=beside, disabled=disabled)


def archived(members: Mapping[str, bytes], disabled: Sequence[str] = ()) -> Report:
    """The report of an archive with these members, without the bytes of a container."""
    sizes = {name: len(data) for name, data in members.items()}
    scan = Scan(disabled=disabled)
    scan.archive(Archive("zip", sizes, lambda name: source(members[name], name)))
    return scan.result()


def broken(report: Report) -> tuple[str, ...]:
    """The ids of the rules that a file breaks, each once, sorted."""
    return tuple(sorted({finding.rule for finding in report.findings}))


def check(case: Case) -> str:
    """Compare a case with what it says: its rules are reported, and without them it would pass; the fault if not."""
    got = report(case)
    if broken(got) != tuple(sorted(case.rules)):
        return f"{case.name}: {broken(got)} is not {case.rules}"
    if not case.rules:
        return "" if got.verdict <= Verdict.DATA else f"{case.name}: {got.verdict.word}"
    without = report(case, disabled=case.rules)
    is_fault = broken(without) == ("malformed",)  # its name promises weights
    if is_fault or without.verdict <= Verdict.UNKNOWN:
        return ""
    return f"{case.name}: without the rule still {without.verdict.word}"
