"""The engine of the scan: every scanner that matches is run, and one that fails is a finding."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan import known
from mvc.scan.archive import Archive
from mvc.scan.known import Scanner
from mvc.scan.scan import Scan, rules, scan_file
from mvc.scan.verdict import Rule, Verdict

LOUD = Rule("loud", Verdict.HOSTILE, "A loader would shout {}.")
QUIET = Rule("quiet", Verdict.DATA, "A loader would whisper.")

Add = Callable[..., None]


def source(data: bytes, name: str = "model.bin") -> Source:
    return Source(lambda offset, size: data[offset : offset + size], len(data), name)


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Add a scanner of content, or a layout, made of functions."""

    def add_(name: str, scan: Callable[..., None], *, magic: bytes = b"", layout: bool = False) -> None:
        module = ModuleType(f"mvc.scan.{name}")
        vars(module).update(RULES=(LOUD, QUIET), matches=lambda *_: True, scan=scan)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        if layout:
            monkeypatch.setattr(known, "LAYOUTS", (*known.LAYOUTS, name))
        else:
            row = Scanner(name, name, (magic,) if magic else ())
            monkeypatch.setattr(known, "SCANNERS", (*known.SCANNERS, row))

    monkeypatch.setattr(known, "SCANNERS", ())
    monkeypatch.setattr(known, "LAYOUTS", ())
    return add_


def _fails(error: Exception) -> Callable[..., None]:
    def scan(*_: object) -> None:
        raise error

    return scan


def test_every_scanner_that_matches_is_run_and_the_worst_verdict_counts(add: Add) -> None:
    add("first", lambda _, scan: scan.report(QUIET), magic=b"A")
    add("second", lambda _, scan: scan.report(LOUD, names=["a.b", "a.b", "c\n.d"], detail="twice"), magic=b"A")
    add("third", _fails(ValueError()), magic=b"B")
    report = scan_file(source(b"A"))
    assert (report.verdict, report.formats) == (Verdict.HOSTILE, ("first", "second"))
    assert [finding.rule for finding in report.findings] == ["loud", "quiet"]
    assert report.findings[0].message == "A loader would shout twice."
    assert report.names == ("a.b", "c\N{REPLACEMENT CHARACTER}.d")
    assert scan_file(source(b"A"), disabled=["loud"]).verdict == Verdict.DATA
    assert {LOUD, QUIET} < set(rules())


@pytest.mark.parametrize(
    ("error", "verdict", "rule"),
    [
        (HeaderError("it ends early"), Verdict.DAMAGED, "malformed"),
        (TooLongError("it never ends"), Verdict.UNREADABLE, "too-long"),
        (ZeroDivisionError("a defect"), Verdict.UNREADABLE, "scan-failed"),
        (RecursionError(), Verdict.UNREADABLE, "scan-failed"),
    ],
)
def test_a_scanner_that_fails_is_a_finding(add: Add, error: Exception, verdict: Verdict, rule: str) -> None:
    add("failing", _fails(error))
    report = scan_file(source(b"A"))
    assert (report.verdict, [finding.rule for finding in report.findings]) == (verdict, [rule])


def test_content_that_no_scanner_knows_is_unknown_and_no_content_is_plain(add: Add) -> None:
    assert scan_file(source(b"A")).verdict == Verdict.UNKNOWN
    assert scan_file(source(b"", "notes.txt")).verdict == Verdict.PLAIN
    assert scan_file(source(b"")).verdict == Verdict.DAMAGED  # a loader of weights stops


def test_members_that_no_layout_claims_are_scanned_where_they_are(add: Add) -> None:
    def layout(archive: Archive, scan: Scan) -> None:
        assert archive.root == "run/"
        assert archive.open("run/a").size == 1
        archive.claim("run/a")
        scan.report(LOUD, member="run/a")

    def outer(inner: Source, scan: Scan) -> None:
        members = {"run/a": b"A", "run/b": b"B"}
        sizes = {name: len(data) for name, data in members.items()}
        scan.archive(Archive("zip", sizes, lambda name: source(members[name], name), inner.name))

    add("layout", layout, layout=True)
    add("outer", outer, magic=b"PK")
    add("inner", lambda _, scan: scan.report(QUIET, offset=0), magic=b"B")
    report = scan_file(source(b"PK"))
    places = [(finding.rule, finding.place) for finding in report.findings]
    assert places == [("loud", "run/a"), ("quiet", "run/b")]
    assert report.formats == ("outer",)


def test_containers_are_scanned_to_a_depth_of_three(add: Add) -> None:
    add("endless", lambda inner, scan: scan.nested(inner, "in"))
    report = scan_file(source(b"A"))
    assert [(finding.rule, finding.place) for finding in report.findings] == [("too-deep", "in/in/in/in")]
    assert report.verdict == Verdict.UNREADABLE
