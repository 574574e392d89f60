"""Classes that a team allows: findings about them are dropped from a report.

    scan.allow = "ultralytics.nn.tasks.DetectionModel, torch.nn.modules.*"

Only what a class can be is allowed: that a loader makes objects of it without arguments, and gives them a state. No function
can be, since a function has no objects. So a pattern with `*` cannot admit one; that a file refers to a name is allowed by
the whole name only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mvc import errors
from mvc.scan import known_names
from mvc.scan.pickles.rules import CLASS, REFERENCE
from mvc.scan.verdict import MORE, Finding, Report, Verdict, worst

_ANY = ".*"
_CLASS = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\.\*)?\Z")
"""A class, or the module of all classes below it."""


def allowed(report: Report, classes: Iterable[str]) -> Report:
    """Return a report without some classes, each a whole name or the beginning of one, `torch.nn.modules.*`."""
    listed = tuple(classes)
    findings = tuple(filter(None, (_without(finding, listed) for finding in report.findings)))
    verdicts = [finding.verdict for finding in findings]
    floor = Verdict.UNKNOWN if report.is_unknown else Verdict.PLAIN
    return Report(worst([floor, *verdicts]), report.formats, findings, report.is_unknown)


def split(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the classes of texts that have one each, or several between commas; each once."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def checked(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the classes as `split`. Raises BadClass for one that cannot be allowed."""
    classes = split(texts)
    for name in classes:
        if reason := fault(name):
            raise errors.BadClass(name=name, reason=reason)
    return classes


def of_setting(text: str, key: str) -> tuple[str, ...]:
    """Return the classes in the setting `key`. Raises BadSetting for one that cannot be allowed."""
    try:
        return checked([text])
    except errors.BadClass as error:
        raise errors.BadSetting(key=key, value=error.fields["name"], reason=f"it {error.fields['reason']}") from None


def fault(name: str) -> str:
    """Return why a class or a module of classes cannot be allowed, `""` if it can."""
    if not _CLASS.match(name):
        return "is neither a class nor all classes below a module, such as torch.nn.modules.*"
    module, _, last = name.rpartition(".")
    is_hostile = not known_names.is_quiet(module) if name.endswith(_ANY) else known_names.runs_by_name(module, last)
    return "is hostile whatever is allowed: it runs programs, or reads or writes something" if is_hostile else ""


def names(reports: Iterable[Report]) -> tuple[str, ...]:
    """Return the classes of some reports that can be allowed, sorted; none of a file that is refused anyway."""
    kinds = (CLASS.id, REFERENCE.id)
    passable = (report for report in reports if report.verdict <= Verdict.CODE)
    findings = (finding for report in passable for finding in report.findings if finding.rule in kinds)
    listed = {name for finding in findings for name in finding.names} - {MORE}
    return tuple(sorted(name for name in listed if not fault(name)))


def _without(finding: Finding, listed: tuple[str, ...]) -> Finding | None:
    """Return a finding without the names that are allowed; None if none is left."""
    if finding.rule == CLASS.id:
        left = tuple(name for name in finding.names if not any(_is_match(name, pattern) for pattern in listed))
    elif finding.rule == REFERENCE.id:
        left = tuple(name for name in finding.names if name not in listed)
    else:
        return finding
    if not left:
        return None
    return Finding(finding.rule, finding.verdict, finding.place, finding.offset, finding.message, left)


def _is_match(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith(_ANY) else name == pattern
