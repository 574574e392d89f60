"""The fast decoder of versions does what the other one does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mvc import errors
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.version import MAX_PARENTS, Code, Person, Timestamp, Version
from mvc.storage import plain_version
from tests.model.strategies import versions

ID = digest(b"")
VERSION = Version(
    (VersionId(ID),) * 2,
    7,
    Person('Ana "B" é', "a@b"),
    Timestamp(-5, 60),
    "More\n\\night\x7f",
    ManifestId(ID),
    TreeId(ID),
    FileId(ID),
    Code("9f86", None, "ssh://x", dirty=True),
)
PLAIN = VERSION.encode()


def _by(decode: object, data: bytes) -> Version | None:
    try:
        return decode(data)  # type: ignore[operator, no-any-return]
    except errors.NotCanonical:
        return None


def _same(data: bytes) -> bool:
    return _by(plain_version.decode, data) == _by(Version.decode, data)


@given(versions())
@example(VERSION)
def test_a_version_decodes_to_itself(value: Version) -> None:
    assert plain_version.decode(value.encode()) == value


@given(
    st.integers(0, len(PLAIN) - 1),
    st.sampled_from(b'"\\{}[],: 0159af\n\x01\x7f\xc3\xff-nu'),
    st.sampled_from([0, 1, 2]),
)
def test_any_other_byte_means_the_same_to_both(at: int, byte: int, gone: int) -> None:
    assert _same(PLAIN[:at] + bytes([byte]) + PLAIN[at + gone :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"number":7', b'"number":07'),
        (b'"number":7', b'"number":9223372036854775808'),
        (b'"offset":60', b'"offset":-0'),
        (b'"offset":60', b'"offset":841'),
        (b'"seconds":-5', b'"seconds":999999999999'),
        (b'"parents":[', b'"parents":[' + f'"{ID}",'.encode() * (MAX_PARENTS - 2)),
        (b'"parents":[', b'"parents":[' + f'"{ID}",'.encode() * (MAX_PARENTS - 1)),
        (b"\xc3\xa9", b"\\u00e9"),
        (b"\xc3\xa9", b"\xed\xa0\x80"),
        (b"\xc3\xa9", b"\\/"),
        (b"\xc3\xa9", b"\\u0001"),
        (b"ssh://x", b"x" * (1 << 20)),
        (b"More", b"More\n"),
        (b"More", b"More\x1f"),
        (b'"manifest":"' + ID.encode(), b'"manifest":"' + ID.upper().encode()),
        (b'"parents":["' + ID.encode(), b'"parents":["' + ID.upper().encode()),
        (b'"branch":null', b'"branch":"main"'),
        (b"true", b"false"),
        (b'"kind":"version"', b'"ext":{"a":1},"kind":"version"'),
    ],
)
def test_another_form_means_the_same_to_both(old: bytes, new: bytes) -> None:
    assert PLAIN.count(old) == 1
    assert _same(PLAIN.replace(old, new))
    assert _by(plain_version.decode, PLAIN) == VERSION
