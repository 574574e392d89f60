"""Honest content of any bytes is not refused: what begins like a pickle or an archive by chance, and is none."""

from __future__ import annotations

import collections
import random

import pytest

from mvc.formats.fault import fault
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Verdict
from tests.scan.buffers import KINDS, Maker
from tests.scan.cases import source

ROUNDS, DEEP = 60, 25_000
RARELY_DAMAGED = 0.001
"""The part that may be called damaged, which a commit stores with a warning: two bytes may begin a stream of zlib.

Zeros first, under a name of weights, are not counted: the check of files by name reports them, and numbers may begin so.
"""
_ZEROS = "it begins with zeros"


def test_honest_buffers_are_never_refused(rng: random.Random, deep: bool) -> None:
    make = Maker(rng.randrange(1 << 32))
    verdicts: collections.Counter[Verdict] = collections.Counter()
    refused = []
    for _ in range(DEEP if deep else ROUNDS):
        for kind in KINDS:
            content, data = make.source(kind)
            report = scan_file(content)
            if report.verdict is not Verdict.DAMAGED or fault(content) != _ZEROS:
                verdicts[report.verdict] += 1
            if report.verdict >= Verdict.CODE:
                refused.append((kind, content.name, data[:80], report.findings))
    assert refused == []
    assert verdicts[Verdict.DAMAGED] <= max(3, RARELY_DAMAGED * verdicts.total())


@pytest.mark.parametrize(
    "data",
    [
        b"cmod\n\xf8\n",  # a name that is not UTF-8
        b"ccopy\ncgeev\ncos\nsin\n",  # names of functions, a line each: no loader finds them
        b"(intro)=\n# A page of `documentation`\n\nA sentence.\n",
        b"(o",
        b"(index)=\n",
        b"I am a text\nand no number.",
        b"\x80\2N\x72\xff\xff\xff\x7f\0",  # a byte, a protocol, and a large index
        b"\x80\6" + bytes(range(100, 160)),
        b"c\1\0\0\0\0\0\0{\2\0\0\0\0\0\0\x19\2\0\0\0\0\0\0" + bytes(400),  # numbers, one of which is a brace
        b"]\0\0\0\0\0\0\0\x35\0\0\0\0\0\0\0" * 9,
        b"\x1f\x9d\xa6A\x9cc`B6\x9a<\xc2",
        b"GGUF is a format of files. " * 3,
        b"xar! LZIP BZh9",
        b"x?\xb6\xbf\x1d?\xfd\xbf4<\xf8?",
    ],
)
@pytest.mark.parametrize("name", ["data", "labels.bin", "notes.dat"])
def test_what_no_loader_can_read_on_is_no_finding(data: bytes, name: str) -> None:
    worst = Verdict.DAMAGED if name.endswith(".bin") else Verdict.UNKNOWN  # a suffix of weights, which these are not
    assert scan_file(source(data, name)).verdict <= worst


@pytest.mark.parametrize("name", ["README", "CHANGELOG", "notes"])
def test_prose_that_quotes_a_tag_of_yaml_is_no_finding(name: str) -> None:
    text = b"What changed\n\nThe tag `!!python/object/apply:os.system` is refused:\n\n    a: !!python/name:os.system\n"
    assert scan_file(source(text, name)).verdict <= Verdict.UNKNOWN
    payload = b"# settings\na: 1\nb: !!python/object/apply:os.system ['id']\n"
    assert scan_file(source(payload, name)).verdict is Verdict.HOSTILE
