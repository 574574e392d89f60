"""Pickles: what a loader would call is found, and each rule finds something that the others do not."""

from __future__ import annotations

import pickle

import pytest

from mvc.scan.allow import allowed
from mvc.scan.allow import names as allowable
from mvc.scan.pickles import rules
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Rule, Verdict
from tests.formats.pickles import call, named
from tests.scan import calls, structures
from tests.scan.cases import Case, source

CASES = [*calls.cases(), *structures.cases()]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_hostile_pickle_is_hostile(case: Case) -> None:
    report = scan_file(source(case.data))
    assert report.verdict is Verdict.HOSTILE
    assert case.rule in {finding.rule for finding in report.findings}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)
def test_each_rule_finds_what_the_others_do_not(rule: Rule) -> None:
    content = source(structures.ALONE[rule.id])
    names = [] if rule is rules.CLASS else ["acme.nn.Dict"]
    assert allowed(scan_file(content), names).verdict is rule.verdict
    assert allowed(scan_file(content, disabled=[rule.id]), names).verdict < rule.verdict


@pytest.mark.parametrize("name", structures.HELD)
def test_a_pickle_that_a_pickle_holds_as_a_value_is_found(name: str) -> None:
    report = scan_file(source(structures.HELD[name]))
    assert (report.verdict, {finding.rule for finding in report.findings}) == (Verdict.HOSTILE, {"pickle-held"})
    assert report.names == ("os.system",)
    assert scan_file(source(structures.HELD[name]), disabled=["pickle-held"]).verdict is Verdict.PLAIN
    for honest in (pickle.dumps(pickle.dumps({"a": 1})), pickle.dumps("gASV" * 9), pickle.dumps("80020304" * 9)):
        assert scan_file(source(honest)).verdict is Verdict.PLAIN


@pytest.mark.parametrize("name", structures.EMBEDDED)
def test_a_pickle_inside_of_other_bytes_is_found(name: str) -> None:
    """A function that nobody knows to run something is no finding there."""
    file, data = structures.EMBEDDED[name]
    report = scan_file(source(data, file))
    assert (report.verdict, {finding.rule for finding in report.findings} - {"safetensors-unaccounted"}) == (
        Verdict.HOSTILE,
        {"pickle-held"},
    )
    if b"PK" not in data and b"cos\n" in data:
        other = scan_file(source(data.replace(b"cos\n", b"cab\n"), file))
        assert other.verdict < Verdict.CODE


def test_a_pickle_before_other_bytes_is_one_by_its_name_or_its_protocol() -> None:
    """It begins like the length of a header in JSON, or like text; its loader imports a module beside it."""
    length = b"\x80\2G" + bytes(5) + b'{"' + bytes(1)
    for data, name in (
        (b"cteam.net\nrun\n.more", "m.pkl"),
        (length + b"0cteam.net\nrun\n." + bytes(0x470280), "m.bin"),
    ):
        assert scan_file(source(data, name)).names == ("team.net.run",)
    assert scan_file(source(b"cteam.net\nrun\n.more", "notes.txt")).verdict is Verdict.PLAIN


def test_the_memo_beyond_memory_and_unusual_numbers_are_unreadable() -> None:
    """One unpickler goes on where the other one stops, so what follows counts."""
    large = b"\x80\2Nr\xff\xff\xff\x7f0"
    for data in (large + structures.RUN + b".", b"\x80\2Np 1_0 \n0" + structures.RUN + b"."):
        assert {"pickle-index", "pickle-call"} <= {finding.rule for finding in scan_file(source(data)).findings}
    for line in (b"I1_0\n", b"L 5L\n", b"I\0\n", b"F 1_0.5\n", b"S'\\x41'\n", b"I01\n"):
        assert scan_file(source(b"\x80\2" + line + b"."), disabled=[]).verdict is Verdict.PLAIN
    for line in (b"Ix\n", b"Fx\n", b"Sx\n", b"S'\\x4'\n", b"V\\u12\n", b"X\1\0\0\0\xff"):
        assert scan_file(source(b"\x80\2" + line + b".", "m.pkl")).verdict is Verdict.DAMAGED


def test_what_a_team_allows_is_a_class_without_arguments() -> None:
    """A pattern admits no function, and no call."""
    made = source(structures.ALONE[rules.CLASS.id])
    assert allowable([scan_file(made)]) == ("acme.nn.Model",)
    for names in (["acme.nn.Model"], ["acme.*"], ["acme.nn.*"]):
        assert allowed(scan_file(made), names).verdict is Verdict.PLAIN
    for names in (["acme.nn.Mode"], ["acme.n.*"], ["*"], ["acme"], [".*"]):
        assert allowed(scan_file(made), names).verdict is Verdict.CODE
    referred = scan_file(source(structures.ALONE[rules.REFERENCE.id]))
    assert allowed(referred, ["acme.*"]).verdict is Verdict.CODE
    assert allowed(referred, ["acme.nn.Model"]).verdict is Verdict.PLAIN
    for rule in (rules.CODE_CALL, rules.CLASS_ARGUMENTS, rules.CLASS_ITEMS, rules.CALL):
        report = scan_file(source(structures.ALONE[rule.id]))
        assert allowed(report, [*report.names, "acme.*", "os.*"]).verdict is rule.verdict


@pytest.mark.parametrize(
    "name",
    [
        "subprocess Popen",
        "git Repo",
        "torch.package PackageImporter",
        "pandas.io.pytables HDFStore",
        "pandas read_pickle",
    ],
)
def test_what_runs_code_is_hostile_as_the_argument_of_a_function_too(name: str) -> None:
    array = call("numpy.core.multiarray _reconstruct", named(name), b"K\0\x85", b"C\1b")
    index = call("pandas.core.indexes.base _new_Index", named(name), b"}")
    for data in (array, index):
        assert scan_file(source(b"\x80\2" + data + b".")).verdict is Verdict.HOSTILE
        honest = data.replace(named(name), named("acme.nn Array"))
        assert scan_file(source(b"\x80\2" + honest + b".")).verdict is Verdict.CODE
