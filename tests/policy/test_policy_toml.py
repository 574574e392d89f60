"""policy.toml: what is a rule, and the line and reason for what is none; licenses and formats that rules are about."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.formats.source import Source
from mvc.formats.weight_format import weight_format
from mvc.scan.policy import positions
from mvc.scan.policy.licenses import is_permitted
from mvc.scan.policy.parse import FORMAT_NAMES, KEYS, parse, settings
from mvc.scan.verdict import Verdict
from tests.weights import network, safetensors

WHOLE = b"""# who may be prod
[[rule]]   # ]] [[rule]]
on = ["alias:prod", "tag:*"]
formats = [
    "safetensors",   # "
    'onnx',
]
scan = "data"
max-file = "1.5GiB"
max-version = 2_000
licenses.allow = ["Apache-2.0"]
"licenses".deny = ["AGPL-3.0*"]
ready-for = ["deployment"]
from = "alias:staging"
roll-back = false
reason = "required"
force = true
signed-by = ["ana@example.org", "release"]
signers = 2

[[ rule ]]
on = ["commit"]
[rule.licenses]
deny = ['''x
[[rule]]
''']
"""


def test_every_key_is_read_with_its_line() -> None:
    first, second = parse(WHOLE, "policy.toml")
    assert (first.line, second.line) == (2, 21)
    assert dict(first.lines or {}).keys() == KEYS.keys()
    assert (first.at("formats"), first.at("licenses.deny")) == ("policy.toml, line 4", "policy.toml, line 12")
    assert second.at("licenses.deny") == "policy.toml, line 24"
    assert (first.scan, second.scan) == (Verdict.DATA, None)
    assert (first.max_file, first.max_version) == (3 << 29, 2_000)
    assert (first.allow, first.deny, first.source) == (("Apache-2.0",), ("AGPL-3.0*",), "alias:staging")
    assert (first.signed_by, first.signers, second.signers) == (("ana@example.org", "release"), 2, 1)
    assert (first.roll_back, first.reason, first.force) == (False, True, True)
    assert (first.is_on("alias:prod"), first.is_on("tag:a/b"), first.is_on("alias:production")) == (True, True, False)
    assert parse(b"", "policy.toml") == ()


def test_the_table_of_the_scan_goes_with_the_rules_of_its_file() -> None:
    text = b"[scan]\nlevel = 'code'\nallow = ['a.B', 'torch.nn.modules.*']\n" + RULE
    (rule,) = parse(text, "policy.toml")
    assert rule.classes == ("a.B", "torch.nn.modules.*")
    table = settings(text, "policy.toml")
    assert (table.level, table.allow, table.line) == (Verdict.CODE, rule.classes, 1)
    assert settings(RULE, "policy.toml").level is None
    below = b"[[rule]]\non = ['commit']\nscan = 'code'\n\n" + text  # a key of a rule with the same name is before it
    assert settings(below, "policy.toml").line == 5


RULE = b'[[rule]]\non = ["commit"]\nmax-file = 1\n'


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"\n[rule", 2, "expected"),
        (b"a = \xff", 1, ""),
        (b'x = 1\n' + RULE, 1, "'x' is unknown at the top level"),
        (RULE + b"[other]\n", 4, "'other' is unknown at the top level"),
        (b"\n[rule]\non = ['commit']\n", 2, "begins with [[rule]]"),
        (b'rule = [{on = ["commit"], max-file = 1}]\n', 1, "begins with [[rule]]"),
        (RULE + b"max-fiel = 2\n", 4, "did you mean max-file?"),
        (RULE + b"\n[[rule]]\nmax-file = 1\n", 5, "no events"),
        (RULE + b'\n[[rule]]\non = ["commit"]\nforce = true\n', 6, "requires nothing"),
        (b'[[rule]]\non = ["prod"]\nmax-file = 1\n', 2, "'prod' is not an event"),
        (b'[[rule]]\non = ["alias"]\nmax-file = 1\n', 2, "'alias' is not an event"),
        (b'[[rule]]\non = ["take:prod"]\nmax-file = 1\n', 2, "is not an event"),
        (b'[[rule]]\non = ["take:alias"]\nmax-file = 1\n', 2, "take:alias:NAME"),
        (b'[[rule]]\non = ["take:push:origin"]\nmax-file = 1\n', 2, "is not an event"),
        (b'[[rule]]\non = ["take:alias:a"]\nready-for = ["edge"]\n', 3, "'ready-for' does not apply to take"),
        (b'[[rule]]\non = ["take:alias:a"]\nscan = "plain"\n', 3, "'scan' does not apply to take"),
        (b'[[rule]]\non = ["take:alias:a"]\nfrom = "alias:b"\n', 3, "'from' does not apply to take"),
        (b'[[rule]]\non = ["take:alias:a"]\nreason = "required"\n', 3, "'reason' does not apply to take"),
        (b'[[rule]]\non = "commit"\nmax-file = 1\n', 2, "not a list of texts"),
        (b'[[rule]]\non = []\nmax-file = 1\n', 2, "not a list of texts"),
        (RULE + b'formats = ["safetensor"]\n', 4, "did you mean safetensors?"),
        (b'[[rule]]\non = ["commit"]\nmax-file = "1 gig"\n', 3, "not a size"),
        (b'[[rule]]\non = ["commit"]\nmax-file = -1\n', 3, "not a size"),
        (b'[[rule]]\non = ["commit"]\nmax-file = true\n', 3, "not a size"),
        (b'[[rule]]\non = ["commit"]\nmax-file = nan\n', 3, "not a size"),
        (RULE + b'from = "alias:staging"\n', 4, "'from' does not apply to commit"),
        (b'[[rule]]\non = ["branch:main"]\nreason = "required"\n', 3, "'reason' does not apply to branch"),
        (b'[[rule]]\non = ["alias:a"]\nreason = true\n', 3, 'must be "required"'),
        (b'[[rule]]\non = ["alias:a"]\nroll-back = "no"\n', 3, "true or false"),
        (b'[[rule]]\non = ["alias:a"]\nfrom = "staging"\n', 3, "not one ref"),
        (b'[[rule]]\non = ["alias:a"]\nfrom = "alias:*"\n', 3, "not one ref"),
        (b'[[rule]]\non = ["alias:b", "alias:a"]\n\nfrom = "alias:a"\n', 4, "alias:a cannot come from itself"),
        (b'[[rule]]\non = ["alias: prod"]\nmax-file = 1\n', 2, "has a space"),
        (b'[[rule]]\non = ["take:alias:prod "]\nmax-file = 1\n', 2, "has a space"),
        (b'[[rule]]\non = ["alias:[prod"]\nmax-file = 1\n', 2, "has a [ that is not closed"),
        (b'[[rule]]\non = ["alias:[a-z]x[]"]\nmax-file = 1\n', 2, "has a [ that is not closed"),
        (b'[[rule]]\non = ["alias:prod"]\nroll-back = true\n', 2, "requires nothing"),
        (RULE + b'signed-by = ["ana"]\n', 4, "'signed-by' does not apply to commit"),
        (b'[[rule]]\non = ["tag:*"]\nsigned-by = "ana"\n', 3, "not a list of texts"),
        (b'[[rule]]\non = ["tag:*"]\nsigned-by = ["*@example.org"]\n', 3, "is not a principal"),
        (b'[[rule]]\non = ["tag:*"]\nsigned-by = ["a\\u0000"]\n', 3, "is not a principal"),
        (b'[[rule]]\non = ["tag:*"]\nsigned-by = ["ana"]\nsigners = 0\n', 4, "not a number from 1"),
        (b'[[rule]]\non = ["tag:*"]\nsigned-by = ["ana"]\nsigners = true\n', 4, "not a number from 1"),
        (b'[[rule]]\non = ["tag:*"]\nsigned-by = ["a", "a"]\nsigners = 2\n', 4, "names 1 principal"),
        (b'[[rule]]\non = ["tag:*"]\nsigners = 1\n', 3, "'signed-by' is not set"),
        (RULE + b"scan = 'hostile'\n", 4, "worst verdict that is allowed: plain, data, unknown, damaged, code, unreadable"),
        (RULE + b"scan = true\n", 4, "worst verdict"),
        (RULE + b"[scan]\nlevl = 'code'\n", 5, "'levl' is not a key of [scan]"),
        (b"scan = 'code'\n" + RULE, 1, "as a table [scan]"),
        (b"[scan]\n\nlevel = 'off'\n", 3, "cannot turn the scan off"),
        (b"[scan]\nlevel = ['code']\n", 2, "code, unreadable, hostile"),
        (b"# x\n[scan]\nallow = 'a.B'\n", 3, "list of classes"),
        (b"scan.allow = ['a.B', '*']\n", 1, "list of classes"),
        (b"[scan]\nallow = ['a*']\n" + RULE, 2, "list of classes"),
        (RULE + b"[scan]\nallow = ['os.system; x']\n", 5, "list of classes"),
        (RULE + b"licenses.alow = ['MIT']\n", 4, "did you mean licenses.allow?"),
        (RULE + b"max-file.x = 1\n", 4, ""),
        (RULE + b'a."b\\u0063" = 1\n', 4, "'a.bc' is not a key"),
        (b"#" * (1 << 20) + b"#", 1, "bytes"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_is_no_rule_is_an_error_with_its_line(text: bytes, line: int, reason: str) -> None:
    with pytest.raises(errors.BadPolicy) as caught:
        parse(text, "policy.toml")
    assert caught.value.exit_code == 2
    assert f"policy.toml, line {line}: " in caught.value.message
    assert reason in caught.value.message


def test_lines_of_random_texts_are_those_where_their_rules_stand(rng: random.Random) -> None:
    parts = [
        b'on = ["commit"]',
        b"max-file = 7",
        b"formats = [\n'onnx',\n\n'npz']",
        b'licenses.deny = ["""\n[[rule]]"""]',
    ]
    for _ in range(200):
        text, expected = b"", []
        for _ in range(rng.randrange(1, 5)):
            text += b"\n" * rng.randrange(3) + b"# [[rule]] \"'\n" * rng.randrange(2)
            keys = {}
            header = text.count(b"\n") + 1
            text += b"[[rule]]\n"
            for part in [parts[0], *rng.sample(parts[1:], rng.randrange(1, 4))]:
                text += b"\n" * rng.randrange(2)
                keys[part.partition(b" ")[0].decode()] = text.count(b"\n") + 1
                text += part + b"\n"
            expected.append(positions.Lines(header, keys))
        if rng.random() < 0.3:
            text = text.replace(b"\n", b"\r\n")
        assert positions.rules(text.decode()) == expected
        assert [rule.line for rule in parse(text, "p")] == [each.line for each in expected]


def test_the_time_for_a_large_policy_does_not_grow_with_the_square_of_its_size() -> None:
    """Each text took more than ten minutes, which ends a test."""
    (rule,) = parse(RULE + b"licenses.allow = [" + b'"a",' * 80_000 + b"]", "p")
    assert rule.lines == {"on": 2, "max-file": 3, "licenses.allow": 4}
    (rule,) = parse(b"[[" + b" " * 600_000 + RULE[2:], "p")
    assert rule.lines == {"on": 2, "max-file": 3}
    with pytest.raises(errors.BadPolicy, match="more than 64 parts"):
        parse(RULE + b"a" + b".a" * 200_000 + b" = 1", "p")


@pytest.mark.parametrize(
    ("expression", "allow", "deny", "expected"),
    [
        ("MIT", ["mit"], [], True),
        ("MIT", None, ["MI*"], False),
        ("MIT OR AGPL-3.0-only", None, ["AGPL-*"], True),
        ("MIT AND AGPL-3.0-only", None, ["AGPL-*"], False),
        ("(MIT OR AGPL-3.0-only) AND BSD-3-Clause", ["MIT", "BSD-*"], ["AGPL-*"], True),
        ("MIT OR Apache-2.0 AND GPL-2.0-only", ["MIT"], [], True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], [], False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH *"], [], True),
        ("AGPL-3.0 License (https://ultralytics.com/license)", None, ["AGPL-*"], False),
        ("our own (ask Ana", ["our own (ask Ana"], [], True),
        ("GPL-3.0-only WITH GCC-exception-3.1", None, ["GPL-3.0-only"], True),
        ("GPL-3.0-only WITH GCC-exception-3.1", None, ["GPL-3.0-only*"], False),
        ("our-own AND agpl-3.0-only", None, ["AGPL-*"], False),
        ("our-own AND agplv3", None, ["AGPL-*"], False),
        ("our-own OR Apache2.0", ["Apache-2.0"], [], True),
        ("our-own AND Apache2.0", ["Apache-2.0"], [], False),
        ("MIT and agplv3", None, ["AGPL-*"], False),
        ("free or paid", ["free or paid"], [], True),
        ("Apache 2.0", ["Apache-2.0"], [], True),
        ("MIT AND AGPL-3.0-only", ["MIT*"], [], False),
        ("OR", ["MIT"], [], False),
        ("((((", None, ["AGPL-*"], True),
        ("MIT " + "OR MIT " * 300, ["MIT"], [], False),
    ],
)
def test_license_expressions(expression: str, allow: list[str] | None, deny: list[str], expected: bool) -> None:
    assert is_permitted(expression, allow, deny) is expected


def test_the_format_of_a_file_is_that_of_its_content(rng: random.Random) -> None:
    weights = safetensors(network(rng, layers=1, width=4))
    files = {
        "labels.txt": weights, "best.pt": pickle.dumps({"a": 1}), "run.log": pickle.dumps([1], 4), "x.pkl": b"(dp0\n.",
        "model.bin": b"anything at all", "best.safetensors": b"\x40" + bytes(7) + b"{" + bytes(90), "empty.onnx": b"",
        "notes.txt": b"hello", "a.npy": b"\x93NUMPY\x01\x00", "data.h5": b"\x89HDF\r\n\x1a\n" + bytes(64),
    }  # fmt: skip
    found = {
        name: weight_format(Source(lambda at, size, data=data: data[at : at + size], len(data), name)).name  # type: ignore[misc]
        for name, data in files.items()
    }
    assert found == {
        "labels.txt": "safetensors", "best.pt": "pickle", "run.log": "pickle", "x.pkl": "unknown",
        "model.bin": "unknown", "best.safetensors": "unknown", "empty.onnx": "unknown", "notes.txt": "",
        "a.npy": "npy", "data.h5": found["data.h5"],
    }  # fmt: skip
    assert found["data.h5"] in ("hdf5", "unknown")


def test_the_page_names_every_key_and_format() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/policy-toml.md").read_text(encoding="utf-8")
    assert [name for name in (*KEYS, *FORMAT_NAMES) if f"`{name}`" not in page] == []
