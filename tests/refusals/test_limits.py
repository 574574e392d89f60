"""The limits of T56 and T58 hold while what was written by others is decoded: quickly, by name, and without a traceback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.model.canonical import MAX_DEPTH
from mvc.model.ids import VersionId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import MAX_ENTRIES, Tree
from mvc.model.version import MAX_MESSAGE, MAX_PARENTS, Person, Timestamp, Version
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, RefName
from tests import effort
from tests.crash.harness import command
from tests.crash.scenarios import two_versions
from tests.refusals.cases import COMMIT, Case, Change, Prepare, all_of, check, edited, files, refuse, toml


def _labels(text: bytes) -> Change:
    return all_of(toml('[labelmap]\npath = "labels.json"\n'), lambda root: (root / "labels.json").write_bytes(text))


def _message(text: bytes) -> Change:
    return all_of(edited, lambda root: (root / "message").write_bytes(text))


BIG = b" " * (8 << 20) + b"x"
CASES = (
    Case(COMMIT, 2, ("more than 64 parts",), toml("a" + ".a" * 50_000 + " = 1\n")),
    Case(COMMIT, 2, ("more than 64 parts",), toml('[a . "b.c"' + " . 'a'" * 50_000 + "]\n")),
    Case(COMMIT, 2, ("more than 64 parts",), toml("[parameters]\nx = {" + ".".join("a" * 5_000) + " = 1}\n")),
    Case(COMMIT, 2, ("model.toml", "nested"), toml("[parameters]\nx = " + "{a=" * 5_000 + "1" + "}" * 5_000 + "\n")),
    Case(COMMIT, 2, ("parameters", "deep"), toml("[parameters]\nx = " + "[" * 70 + "]" * 70 + "\n")),
    Case(COMMIT, 2, ("thousands of digits",), toml("[parameters]\nx = " + "9" * 4_301 + "\n")),
    Case(COMMIT, 2, ("parameters.x", "64"), toml("[parameters]\nx = 9223372036854775808\n")),
    Case(COMMIT, 2, ("parameters.x", "inf"), toml("[parameters]\nx = 1e999\n")),
    Case(COMMIT, 2, ("larger than 8 MiB",), lambda root: (root / "model.toml").write_bytes(BIG)),
    Case(("status",), 2, ("larger than 8 MiB",), lambda root: (root / "model.toml").write_bytes(BIG)),
    Case(COMMIT, 2, ("line 2, column 3", "not UTF-8"), lambda root: (root / "model.toml").write_bytes(b"#\na \xff = 1\n")),
    Case(COMMIT, 2, ("line 1, column", "model.toml"), lambda root: (root / "model.toml").write_bytes(b"\x00")),
    Case(COMMIT, 2, ("name", "[model]"), lambda root: (root / "model.toml").write_bytes(b"")),
    Case(COMMIT, 2, ("labels.json", "nested"), _labels(b"[" * 100_000)),
    Case(COMMIT, 2, ("labels.json", "8 MiB"), _labels(BIG)),
    Case(COMMIT, 2, ("labels.json", "not JSON"), _labels(b'{"0": "a"')),
    Case(COMMIT, 2, ("labels.json", "not UTF-8"), _labels(b'["\xff"]')),
    Case(COMMIT, 2, ("labels.json", "occurs twice"), _labels(b'{"0": "a", "0": "b"}')),
    Case(COMMIT, 2, ("labels.json", "not text"), _labels(b'["a", 1]')),
    Case(COMMIT, 2, ("labels.json", "class number"), _labels(b'{"-1": "a"}')),
    Case(COMMIT, 2, ("labels.json", "class number"), _labels(b'{"' + b"9" * 5_000 + b'": "a"}')),
    Case(COMMIT, 2, ("labels.json", "neither"), _labels(b'"a"')),
    Case(COMMIT, 2, ("labels.json",), _labels(b"[" + b"1" * 5_000 + b"]")),
    Case(COMMIT, 17, ("class 1 is missing",), _labels(b'{"0": "a", "2": "b"}')),
    Case(COMMIT, 17, ("classes 0 to 8 are missing",), _labels(b'{"9": "a"}')),
    Case(COMMIT, 17, ("0, 1 share the name 'a'",), _labels(b'["a", "a"]')),
    Case(COMMIT, 17, ("class 1 has no name",), _labels(b'["a", " "]')),
    Case(COMMIT, 2, ("labels.json", "missing"), toml('[labelmap]\npath = "labels.json"\n')),
    Case(COMMIT, 17, ("../labels.json",), toml('[labelmap]\npath = "../labels.json"\n')),
    Case(("commit", "-F", "message"), 2, ("longer than 1 MiB",), _message(b"x" * (MAX_MESSAGE + 1))),
    Case(("commit", "-F", "message"), 2, ("UTF-8",), _message(b"\xff")),
    Case(("commit", "-F", "nosuch"), 2, ("nosuch", "cannot be read"), edited),
    Case(COMMIT, 17, ("x" * 20, "longer than 255 bytes"), files(f'x = "{"x" * 256}"')),
    Case(COMMIT, 17, ("4096 bytes or 64 parts",), files(f'x = "{"a/" * 64}a"')),
    Case(("set", "parameters.x=" + "9" * 5_000), 2, ("digits",)),
    Case(("set", "--type", "int", "parameters.x=" + "9" * 5_000), 2, ("parameters.x", "int")),
    Case(("set", "--type", "json", "parameters.x=" + "[" * 50_000), 2, ("parameters.x", "json")),
    Case(("set", "--type", "json", "parameters.x=NaN"), 2, ("parameters.x",)),
    Case(("set", "parameters.x=[" + "[" * 50_000 + "]" * 50_000 + "]"), 2, ("nested",)),
    Case(("set", ".".join(["parameters"] + ["a"] * 30_000) + "=1"), 2, ("parameters.a",)),
    Case(("set", "--type", "toml", "parameters.when=1979-05-27"), 2, ("parameters.when", "date")),
    Case(("log", "-n", "9" * 5_000), 2, ("-n",)),
    Case(("show", "v" + "9" * 5_000), 2, ("no version",)),
    Case(("show", "main~" + "9" * 5_000), 2, ("no version",)),
    Case(("show", "main@{" + "9" * 5_000 + "}"), 2, ("Invalid date",)),
    Case(("commit", "-m", "x", "--date", "@" + "9" * 5_000 + " +0000"), 2, ("Invalid date",), edited),
    Case(("log", "--grep", "(" * 5_000), 2, ("regular expression",)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_limit_is_named_soon(case: Case, copy: Callable[[Prepare], Path]) -> None:
    begun = time.monotonic()
    check(case, copy)
    assert time.monotonic() - begun < effort.HANG


# --- what somebody else stored

ID = "0" * 64
GOOD = Version((), 1, Person("A", "a@b.c"), Timestamp(0), "x", ID, ID, ID)  # type: ignore[arg-type]


def _row(number: int) -> str:
    return f'{{"file":"{ID}","path":"{number:06}","role":"{number}","size":1}}'


def _version(**fields: object) -> bytes:
    return canonical.encode({**json.loads(GOOD.encode()), **fields})


DEEP = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
STORED = {
    "200,001 entries": b'{"entries":[' + ",".join(map(_row, range(MAX_ENTRIES + 1))).encode() + b'],"kind":"tree"}',
    "deep": b'{"ext":{"a":' + DEEP + b'},"kind":"tree"}',
    "deeper than Python goes": b'{"ext":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b'},"kind":"tree"}',
    "a long number": b'{"ext":{"a":' + b"9" * 5_000 + b'},"kind":"tree"}',
    "NaN": b'{"ext":{"a":NaN},"kind":"tree"}',
    "a key twice": b'{"kind":"tree","kind":"version"}',
    "no JSON": b"\xff\x00",
    "nothing": b"",
    "null": b"null",
    "65 parents": _version(parents=[ID] * (MAX_PARENTS + 1)),
    "a long message": _version(message="x" * (MAX_MESSAGE + 1)),
    "no number": _version(number=0),
    "a far date": _version(time={"seconds": 1 << 60, "offset": 0}),
    "an odd author": _version(author={"name": 1, "email": None}),
}


@pytest.mark.parametrize("decode", [Tree.decode, Version.decode, Manifest.decode])
@pytest.mark.parametrize("data", STORED.values(), ids=STORED)
def test_an_object_beyond_the_limits_is_not_decoded(data: bytes, decode: Callable[[bytes], object]) -> None:
    with pytest.raises(errors.NotCanonical) as refused:
        decode(data)
    assert refused.value.exit_code == 14
    assert len(refused.value.message) < 500


def test_an_object_of_64_mib_and_one_byte_is_not_decoded() -> None:
    with pytest.raises(errors.NotCanonical, match="more than"):
        canonical.decode(b" " * (canonical.MAX_BYTES + 1))


@pytest.mark.parametrize(
    "name", ["deep", "deeper than Python goes", "a long number", "no JSON", "65 parents", "a long message", "nothing"]
)
@pytest.mark.parametrize("place", ["version", "tree"])
def test_a_branch_that_leads_beyond_the_limits_is_damage(
    name: str, place: str, copy: Callable[[Prepare], Path]
) -> None:
    root = copy(two_versions)
    repository = Repository(root)
    data = STORED[name]
    id_ = digest(data)
    (root / ".mvc" / "objects" / id_[:2]).mkdir(exist_ok=True)
    (root / ".mvc" / "objects" / id_[:2] / id_).write_bytes(data)
    if place == "tree":
        tip = repository.current("helmets")
        assert tip is not None
        bad = replace(repository.objects.version(tip), tree=id_)  # type: ignore[arg-type]
        id_ = repository.objects.put_version(bad)
    ana = Actor(Person("Ana", "a@b.c"), Timestamp(1_770_112_800))
    repository.refs.append(RefName("helmets", HEADS, "evil"), None, VersionId(id_), ana.move("made by hand"))
    refuse(root, ("show", "evil"), 14, "mvc fsck")
    refuse(root, ("switch", "evil"), 14, "mvc fsck")
    refuse(root, ("export", "evil", "out"), 14, "mvc fsck")
    begun = time.monotonic()
    outcome = command(root, ("fsck",))
    assert time.monotonic() - begun < effort.HANG
    assert outcome.code == 14, outcome.output
    assert "the whole version" in outcome.output
    assert "Traceback" not in outcome.output
    assert command(root, ("show", "main")).code == 0
