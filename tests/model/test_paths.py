from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model import paths


@pytest.mark.parametrize(
    "path",
    [
        "best.onnx",
        "weights/best v2.pt",
        "a/b/c/d",
        ".hidden",
        "..x",
        "x..y",
        "é.onnx",
        "日本/重み.pt",
        "git",
        "mvc/x",
        "a[1].pt",
        ".gitignore",
        ".mvcignore",
        "console.txt",
        "nulx",
        "a" * 255,
        "a~1.pt",
        "-x",
    ],
)
def test_ordinary_paths_are_allowed(path: str) -> None:
    paths.check_path(path)


@pytest.mark.parametrize("path", ["", ".", "..", "/x", "../x", "a/../b", "a/./b", "a/.."])
def test_a_path_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(errors.UnsafePath) as refused:
        paths.check_path(path)
    assert refused.value.exit_code == 17


@pytest.mark.parametrize(
    "path",
    [
        ".mvc/x",
        ".git/config",
        "a/.git",
        ".GIT/x",
        ".Git",
        ".git./x",
        ".git /x",
        ".git . /x",
        "GIT~1/x",
        "git~12",
        "mvc~1/a",
        ".hg",
        ".jj/x",
        ".SVN",
        ".g\u200cit/x",
        ".git\ufeff",
        ".git::$INDEX_ALLOCATION/x",
        ".\u017fvn",
    ],
)
def test_a_path_into_version_control_is_refused_whatever_its_spelling(path: str) -> None:
    with pytest.raises(errors.UnsafePath):
        paths.check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "a\\b",
        "C:x",
        "a:b",
        "a\x00",
        "a\nb",
        "a\x7f",
        "a\x85",
        "a//b",
        "a/",
        "x.",
        "x ",
        "a/b /c",
        "con",
        "NUL.txt",
        "a/COM1.pt",
        "com²",
        'a"b',
        "a<b",
        "a|b",
        "a?b",
        "a*b",
        "e\u0301.pt",
        "a" * 256,
        "é" * 128,
        "/".join("a" * 65),
        "x/" * 30 + "\udcff",
        "/".join(["a" * 250] * 17),
    ],
)
def test_a_path_that_some_system_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(errors.UnportablePath) as refused:
        paths.check_path(path)
    assert refused.value.message.isprintable()


def test_collisions_are_found_across_case_and_unicode_forms() -> None:
    assert paths.collisions(["a/x", "b/x", "a.b", "a-b"]) == []
    assert paths.collisions(["Best.pt", "best.pt"]) == [("Best.pt", "best.pt")]
    assert paths.collisions(["stra\u00dfe", "STRASSE"]) == [("STRASSE", "stra\u00dfe")]
    assert paths.collisions(["caf\u00e9", "cafe\u0301"]) == [("cafe\u0301", "caf\u00e9")]
    assert paths.collisions(["a", "a\u200d"]) == [("a", "a\u200d")]


@given(st.lists(st.text("aAbB/éÉ", min_size=1, max_size=5), unique=True, max_size=8))
def test_without_collisions_every_system_keeps_the_paths_apart(candidates: list[str]) -> None:
    good = [path for path in candidates if "//" not in path and path[0] != "/" and path[-1] != "/"]
    if paths.collisions(good):
        return
    folded = {unicodedata.normalize("NFC", path.casefold()) for path in good}
    assert len(folded) == len(good)
    assert not any(path.startswith(other + "/") for path in folded for other in folded)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain é", "plain é"),
        (b"a\xffb", "a\\xffb"),
        ("a\udcffb", "a\\xffb"),
        ("a\x1b[31m", "a\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0001", "\\U000e0001"),
        ("a\nb", "a\\x0ab"),
    ],
)
def test_names_are_shown_escaped(name: str | bytes, shown: str) -> None:
    assert paths.escape_name(name) == shown
