from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import FileId, ManifestId, TreeId, digest
from mvc.model.version import MAX_MESSAGE, MAX_PARENTS, Person, Timestamp, Version, check_message
from tests.model.strategies import versions

ID = digest(b"")
RECORD = canonical.decode(
    Version((), 1, Person("Ana", "a@b"), Timestamp(0), "m", ManifestId(ID), TreeId(ID), FileId(ID)).encode()
)


@given(versions())
def test_a_version_decodes_to_itself(value: Version) -> None:
    assert Version.decode(value.encode()) == value
    assert value.id() == digest(value.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "tree"},
        {"number": 0},
        {"number": 1.0},
        {"number": True},
        {"parents": ["x"]},
        {"parents": [ID] * (MAX_PARENTS + 1)},
        {"author": {"name": "A"}},
        {"author": "A"},
        {"author": {"name": "A", "email": 1}},
        {"time": 5},
        {"ext": {}},
        {"ext": []},
        {"time": {"seconds": 1.0, "offset": 0}},
        {"time": {"seconds": 0, "offset": 841}},
        {"time": {"seconds": 10**12, "offset": 0}},
        {"message": 1},
        {"message": "x" * (MAX_MESSAGE + 1)},
        {"tree": "x"},
        {"manifest": None},
        {"model_toml": ID[:-1]},
        {"more": 1},
        {"code": None},
        {"code": {"commit": "x"}},
        {"code": {"commit": 1, "branch": None, "remote": None, "dirty": False}},
        {"code": {"commit": "x", "branch": None, "remote": None, "dirty": 0}},
    ],
)
def test_anything_else_is_no_version(change: dict[str, Any]) -> None:
    Version.decode(canonical.encode(RECORD))
    with pytest.raises(errors.NotCanonical):
        Version.decode(canonical.encode({**RECORD, **change}))


@pytest.mark.parametrize("key", RECORD)
def test_no_field_may_be_absent(key: str) -> None:
    with pytest.raises(errors.NotCanonical):
        Version.decode(canonical.encode({name: value for name, value in RECORD.items() if name != key}))


def test_what_could_not_be_read_is_not_written() -> None:
    good = Version.decode(canonical.encode(RECORD))
    for change in (
        {"message": "x" * (MAX_MESSAGE + 1)},
        {"number": 0},
        {"time": Timestamp(0, 900)},
        {"tree": TreeId("x")},
        {"message": "\udcff"},
    ):
        with pytest.raises(errors.NotCanonical):
            dataclasses.replace(good, **change).encode()


@pytest.mark.parametrize("text", ["", " \n", "a\udcff", "x" * (MAX_MESSAGE + 1)])
def test_a_message_that_cannot_be_kept_is_refused(text: str) -> None:
    check_message("Retrained\n\nwith night images \x1b[31m")
    with pytest.raises((errors.EmptyMessage, errors.BadMessage)):
        check_message(text)


def test_a_person_reads_as_it_is_written() -> None:
    assert Person.parse(" Ana María <ana@example.org> ") == Person("Ana María", "ana@example.org")
    assert str(Person("Ana", "a@b")) == "Ana <a@b>"


@pytest.mark.parametrize(
    "text", ["Ana", "<a@b>", "Ana <a b>", "Ana <a@b> x", "Ana <a@b", "A\n <a@b>", "A\x1b <a@b>", ""]
)
def test_an_invalid_person_is_refused(text: str) -> None:
    with pytest.raises(errors.BadAuthor):
        Person.parse(text)


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-02-03T10:00:00+01:00", Timestamp(1770109200, 60)),
        ("2026-02-03T09:00:00Z", Timestamp(1770109200, 0)),
        ("2026-02-03 10:00", Timestamp(1770109200, 60)),
        ("2026-02-03", Timestamp(1770073200, 60)),
        ("@1770109200 +0100", Timestamp(1770109200, 60)),
        ("1770109200 -0330", Timestamp(1770109200, -210)),
    ],
)
def test_dates_are_read_in_the_forms_of_git(text: str, stamp: Timestamp) -> None:
    assert Timestamp.parse(text, offset=60) == stamp


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "@1 +9900", "@99999999999999 +0000", "2026-02-03T10:00:00+20:00"]
)
def test_an_invalid_date_is_refused(text: str) -> None:
    with pytest.raises(errors.BadDate):
        Timestamp.parse(text)


@given(st.integers(-(10**10), 10**11), st.integers(-840, 840))
def test_a_moment_reads_back_from_its_text(seconds: int, offset: int) -> None:
    stamp = Timestamp(seconds, offset)
    assert Timestamp.parse(str(stamp)) == stamp
    assert Timestamp.parse(stamp.utc()).seconds == seconds
