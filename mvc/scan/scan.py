"""The scan of one file: every scanner that its content matches, and what they report.

    best.pt ─ zip ┬ run/data.pkl ─ pickle  ─►  Finding("pickle-call", HOSTILE, "run/data.pkl", …)
                  └ run/extra.tar ─ tar ┬ setup.py  ─►  Finding(…, "run/extra.tar/setup.py", …)
                                        └ …             to a depth of 3

A scanner that fails is a finding: a file that crashes the scan may not crash its loader.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from mvc import errors, lazy
from mvc.formats.fault import fault
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan import known, opinion
from mvc.scan.archive import Archive
from mvc.scan.known import Scanner
from mvc.scan.limits import Limits
from mvc.scan.verdict import MAX_CALLS, MAX_FINDINGS, MAX_NAMES, MORE, Finding, Report, Rule, Verdict, clean, worst

START = 512
"""First bytes of content that scanners are asked with: the magic of tar is at byte 257."""
MAX_DEPTH = 3
"""Containers inside one another whose content is scanned, at most."""

MALFORMED = Rule("malformed", Verdict.DAMAGED, "It is truncated or malformed, and a loader stops with an error: {}.")
TOO_LONG = Rule("too-long", Verdict.UNREADABLE, "A loader would interpret more than the scan reads: {}.")
FAILED = Rule("scan-failed", Verdict.UNREADABLE, "The scan cannot read it, and a loader may: {}.")
TOO_DEEP = Rule("too-deep", Verdict.UNREADABLE, f"It has more than {MAX_DEPTH} containers inside one another.")
RULES = (MALFORMED, TOO_LONG, FAILED, TOO_DEEP)

Beside = Callable[[str], str]
"""Returns `file` or `link` for the path of a file beside the scanned one, `""` if there is none."""


class Scan:
    """The scan of one file: its findings so far, and what is left of its limits."""

    def __init__(self, beside: Beside | None = None, disabled: Collection[str] = ()) -> None:
        """Begin without findings. Rules with the ids in `disabled` report nothing, so that tests can see what they do."""
        self.beside: Beside = beside or (lambda _: "")
        self._disabled = frozenset(disabled)
        self.limits = Limits()
        self._path: list[str] = []
        self._depth = 0
        self._findings: dict[tuple[str, str, str], Finding] = {}
        self._formats: dict[str, None] = {}
        self._unknown = False
        self._counts: dict[str, int] = {}

    @classmethod
    def outline(cls, source: Source) -> Scan:
        """Return a scan to decide what content is: it does not look into what that holds."""
        scan = cls()
        scan.limits, scan._depth = Limits.of(source), MAX_DEPTH
        return scan

    def report(  # noqa: PLR0913 - the parts of a finding
        self,
        rule: Rule,
        *,
        member: str = "",
        names: Iterable[str] = (),
        calls: Iterable[str] = (),
        offset: int = -1,
        detail: str = "",
    ) -> None:
        """Add a finding in the content that is scanned, or in a member of it; names and calls of equal findings are joined."""
        if rule.id in self._disabled:
            return
        place = clean("/".join(filter(None, (*self._path, member))))
        message = rule.message.replace("{}", clean(detail))
        earlier = self._findings.get((rule.id, place, message))
        names, calls = [*map(clean, names)], [*map(clean, calls)]
        if earlier is not None and _has(earlier, names, calls):
            return  # a file may look up 500,000 names
        joined = dict.fromkeys((*(earlier.names if earlier else ()), *names))
        first = earlier.offset if earlier else offset
        listed = tuple(joined)
        if len(listed) > MAX_NAMES:
            listed = (*listed[: MAX_NAMES - 1], MORE)
        made = dict.fromkeys((*(earlier.calls if earlier else ()), *calls))
        self._add(Finding(rule.id, rule.verdict, place, first, message, listed, tuple(made)[:MAX_CALLS]))

    def _add(self, finding: Finding) -> None:
        """Keep a finding in place of an equal one, unless its rule has as many as a report shows."""
        key = finding.rule, finding.place, finding.message
        if key not in self._findings:
            self._counts[finding.rule] = self._counts.get(finding.rule, 0) + 1
        if key in self._findings or self._counts[finding.rule] <= MAX_FINDINGS:
            self._findings[key] = finding

    def trial(self) -> Scan:
        """Return a scan of the same place without findings, for bytes that may not be interpreted at all."""
        trial = Scan(self.beside, self._disabled)
        trial._path, trial.limits, trial._depth = list(self._path), self.limits, self._depth
        return trial

    def adopt(self, trial: Scan) -> None:
        """Take over the findings of a trial."""
        for finding in trial._findings.values():
            if (finding.rule, finding.place, finding.message) not in self._findings:
                self._add(finding)
        self._unknown = self._unknown or trial._unknown

    def content(self, source: Source, scanners: Iterable[Scanner] | None = None) -> None:
        """Run every scanner that matches content, or of some; count it as unknown if none does. Empty content is plain."""
        source.limits = self.limits
        start = source.read(0, min(START, source.size))
        is_known = not source.size
        for scanner in known.SCANNERS if scanners is None else scanners:
            module = lazy.load(scanner.path) if scanner.is_possible(start, source.name) else None
            with self.failures():
                if module is not None and module.matches(start, source):
                    is_known = True
                    if not self._depth:
                        self._formats[scanner.name] = None
                    module.scan(source, self)
        if not is_known:
            with self.failures():
                embedded = lazy.load("mvc.scan.pickles.embedded")
                embedded.report(source, self, is_part=source.name.lower().endswith(embedded.DISTRIBUTED))
        self._unknown = self._unknown or not is_known

    def nested(self, source: Source, name: str, scanners: Iterable[Scanner] | None = None) -> None:
        """Scan content inside of a container, one level deeper; `name` is its place there."""
        if self._depth >= MAX_DEPTH:
            self.report(TOO_DEEP, member=name)
            return
        self._depth += 1
        with self.inside(name), self.failures():
            self.content(source, scanners)
        self._depth -= 1

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Report findings at a place inside of the content."""
        self._path.append(name)
        try:
            yield
        finally:
            self._path.pop()

    def archive(self, archive: Archive) -> None:
        """Run every layout that the members match, then scan the members that none has claimed."""
        for module in map(_layout, known.LAYOUTS):
            with self.failures():
                if module.matches(archive):
                    module.scan(archive, self)
        for name in archive.sizes:
            if name not in archive.claimed:
                with self.failures(name):
                    self.nested(archive.open(name), name)

    @contextmanager
    def failures(self, member: str = "") -> Iterator[None]:
        """Turn an error of a scanner into a finding. Raises MvcError: the content is not here, or is damaged."""
        try:
            yield
        except errors.MvcError:
            raise
        except TooLongError as error:
            self.report(TOO_LONG, member=member, detail=str(error))
        except HeaderError as error:
            self.report(MALFORMED, member=member, detail=str(error))
        except Exception as error:  # noqa: BLE001 - a defect of a scanner may not let a file pass
            self.report(FAILED, member=member, detail=f"{type(error).__name__}: {error}")

    def result(self) -> Report:
        """Return the report, the worst findings first."""
        findings = sorted(self._findings.values(), key=lambda finding: -finding.verdict)[:MAX_FINDINGS]
        verdicts = [finding.verdict for finding in findings]
        verdict = worst([*verdicts, Verdict.UNKNOWN] if self._unknown else verdicts)
        return Report(verdict, tuple(self._formats), tuple(findings), self._unknown)


def _has(finding: Finding, names: Iterable[str], calls: Iterable[str]) -> bool:
    """Return whether a finding has names and calls, or has no room for them."""
    is_full = finding.names[-1:] == (MORE,)
    has_names = is_full or all(name in finding.names for name in names)
    return has_names and (len(finding.calls) == MAX_CALLS or all(call in finding.calls for call in calls))


def _layout(name: str) -> ModuleType:
    return lazy.load(f"mvc.scan.{name}")


def scan_file(source: Source, *, beside: Beside | None = None, disabled: Collection[str] = ()) -> Report:
    """Scan a file, whose name is its path; what cannot be read is a finding. Raises MvcError only where reading does."""
    scan = Scan(beside, disabled)
    try:
        scan.content(source)
    except HeaderError as error:
        scan.report(MALFORMED, detail=str(error))
    report = scan.result()
    is_weights = bool({*report.formats} - known.TEXTS)
    by_name = os.path.splitext(source.name.lower())[1] in WEIGHT_SUFFIXES
    if is_weights or not by_name or report.verdict >= Verdict.DAMAGED or not (reason := fault(source)):
        return report
    scan.report(MALFORMED, detail=reason)  # a loader that goes by the name stops there; a commit warns of it
    return scan.result()


def rules() -> tuple[Rule, ...]:
    """Return every rule, of all modules."""
    modules = [*(scanner.path for scanner in known.SCANNERS), *(f"mvc.scan.{name}" for name in known.LAYOUTS)]
    result = dict.fromkeys((*RULES, *opinion.RULES))
    for module in modules:
        result.update(dict.fromkeys(lazy.load(module).RULES))
    return tuple(result)
