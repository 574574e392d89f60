"""Files that are made to take long: the work of a scan grows as the file does, and ends at a limit that the report names."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from mvc.formats.source import Source
from mvc.scan import limits
from mvc.scan.archives import zip as zips
from mvc.scan.pickles import embedded
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Verdict
from tests.formats.archives import archive
from tests.scan import containers
from tests.scan.cases import source
from tests.scan.containers import HOSTILE

SMALL = b"\x80\x04N."
ARRAY = (
    b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\5\0\0\0shapeK\0\x85X\5\0\0\0dtypecnumpy\ndtype\nX\2\0\0\0f4K\0K\1\x87RX"
    b"\5\0\0\0orderX\1\0\0\0CX\x08\0\0\0subclasscnumpy\nndarray\nub0"
)
"""An array of joblib without elements."""


def held(levels: int) -> bytes:
    """Pickles inside one another."""
    data = SMALL * 4
    for _ in range(levels):
        data = b"\x80\2" + (b"B" + struct.pack("<I", len(data)) + data + b"0") + b"N."
    return data


def tuples(width: int) -> bytes:
    """Three levels of tuples of one, which a function of the table and another one are given again and again."""
    wide = b"".join(b"(" + b"h\1" * width + b"tq\1" for _ in range(3))
    calls = b"h\0h\1R0h\2h\1R0" * 20
    return b"\x80\2cbuiltins\nrange\nq\0cos\nsystem\nq\2Nq\1" + wide + calls + b"N."


def dtypes(width: int) -> bytes:
    """Dtypes of structures inside one another, each field of which is the same one."""
    names = [b"X\2\0\0\0%02d" % index for index in range(width)]
    state = (
        b"(K\3X\1\0\0\0|N("
        + b"".join(names)
        + b"t}("
        + b"".join(name + b"h\1K\0\x86" for name in names)
        + b"uK\x08K\1K\0tb"
    )
    new = b"h\0X\2\0\0\0V8K\0K\1\x87R"
    return b"\x80\2cnumpy\ndtype\nq\0" + new + b"q\1" + (new + state + b"q\1") * 5 + b"."


LARGER: dict[str, tuple[Callable[[int], bytes], int]] = {
    "held": (held, 6),
    "tuples": (tuples, 10),
    "dtypes": (dtypes, 8),
}


def work(data: bytes) -> int:
    """The calls of functions that a scan makes."""
    count = 0

    def called(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(called)
    try:
        scan_file(source(data, "model.pkl"))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", LARGER)
def test_twice_the_file_is_not_much_more_than_twice_the_work(name: str) -> None:
    made, size = LARGER[name]
    work(made(1))  # what is imported first
    assert work(made(2 * size)) < 3 * work(made(size))


def test_numbers_that_repeat_what_a_pickle_begins_with_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels of one colour, in bytes of no format, are tried as long as the limit of their own lasts."""
    monkeypatch.setattr(embedded, "_ALL_OPCODES", 200_000)
    pixels = b"\xf0" + b"\x80\3}" * 2_000
    assert scan_file(source(pixels, "frame.raw")).verdict is Verdict.UNKNOWN
    assert scan_file(source(b"\xf0" + b"\x80\3}" * 4 + HOSTILE, "frame.raw")).verdict is Verdict.HOSTILE


def test_a_stream_of_many_small_pickles_is_read_to_its_end() -> None:
    assert scan_file(source(SMALL * 20_000, "many.pkl")).verdict is Verdict.PLAIN
    assert scan_file(source(SMALL * 20_000 + HOSTILE, "many.pkl")).verdict is Verdict.HOSTILE


@pytest.mark.parametrize("data", [SMALL * 2_000, b"\x80\2" + b"N0" * 10_000 + b"N.", b"\x80\2" + ARRAY * 200 + b"N."])
def test_the_limit_that_ends_a_scan_is_named(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_OPCODES", 20_000)
    report = scan_file(source(data, "many.pkl"))
    assert (report.verdict, [finding.rule for finding in report.findings]) == (Verdict.UNREADABLE, ["too-long"])
    assert report.findings[0].message.endswith("more than 20,000 opcodes.")


def test_a_long_stream_of_pickles_with_arrays_is_read_to_its_end() -> None:
    record = b"\x80\4B" + struct.pack("<I", 10_000) + bytes(10_000) + b"."
    count = 20_000

    def read(offset: int, size: int) -> bytes:
        start = offset % len(record)
        return (record * (size // len(record) + 2))[start : start + size]

    assert scan_file(Source(read, count * len(record), "stream.pkl")).verdict is Verdict.PLAIN


def test_of_members_that_overlap_a_few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_member = zips._open

    def opening(archive: Source, place: zips._Place) -> Source:
        opened.append(place.record.name)
        return open_member(archive, place)

    monkeypatch.setattr(zips, "_open", opening)
    report = scan_file(source(containers.repeated(1_000)))
    assert report.verdict is Verdict.UNREADABLE
    assert 0 < len(opened) <= 20


@pytest.mark.parametrize(("place", "verdict"), [(1, Verdict.HOSTILE), (9, Verdict.UNKNOWN)])
def test_the_search_for_pickles_ends_at_a_limit_that_all_members_share(
    place: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_SEARCHED", 500_000)
    members = {f"{index}.raw": b"\xf0" * 100_000 for index in range(10)}
    members[f"{place}.raw"] = b"\xf0" + HOSTILE + bytes(100_000)
    assert scan_file(source(archive(members), "frames.zip")).verdict is verdict
