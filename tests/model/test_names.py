from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model import names

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    "name", ["main", "night-images", "release/2026.1", "Prod", "v7b", "a", "feature/x_y", "abc", "beta+1"]
)
def test_ordinary_names_are_allowed(name: str) -> None:
    names.check_ref_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "v7",
        "V12",
        "HEAD",
        "head",
        "git",
        "Git",
        "abcd",
        "DEAD",
        "0123456",
        "a@b",
        "@",
        "a:b",
        "a~1",
        "a^",
        "a..b",
        "a\\b",
        "-x",
        ".x",
        "x.",
        "x.lock",
        "a/.b",
        "a/-b",
        "a//b",
        "/a",
        "a/",
        "a/b.lock",
        "a b",
        "a\tb",
        "é",
        "a\x00",
        "a\x7f",
        "con",
        "NUL.txt",
        "a/com1",
        "x" * 201,
        "a*",
        "a?",
        "[a]",
        "A" * 100,
    ],
)
def test_names_that_would_be_taken_for_something_else_are_refused(name: str) -> None:
    with pytest.raises(errors.BadRefName) as refused:
        names.check_ref_name(name)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("key", ["helmet-detector", "Équipe/Nuit v2", "v7", "HEAD", "abcd", "日本"])
def test_ordinary_model_keys_are_allowed(key: str) -> None:
    names.check_model_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        " a",
        "a ",
        "a@b",
        "a:b",
        "a~",
        "a^",
        "a\\b",
        "-a",
        ".a",
        "a/",
        "/a",
        "a//b",
        "a\nb",
        "e\u0301",
        "x" * 101,
        "日" * 84,
        "a\u202eb",
        "\x1b[31m",
    ],
)
def test_model_keys_that_would_mislead_are_refused(key: str) -> None:
    with pytest.raises(errors.BadModelKey):
        names.check_model_key(key)


def test_a_component_is_readable_and_tells_case_apart() -> None:
    assert names.encode_component("Night/Shift v2") == "%4eight%2f%53hift%20v2"


@given(ANY.filter(bool))
def test_a_component_decodes_to_its_name_alone(name: str) -> None:
    text = names.encode_component(name)
    assert names.decode_component(text) == name
    assert text == text.lower()
    assert "/" not in text


@given(ANY)
def test_any_other_text_is_no_component(text: str) -> None:
    try:
        name = names.decode_component(text)
    except errors.Damaged:
        return
    assert names.encode_component(name) == text


@pytest.mark.parametrize("text", ["", "A", "%41%", "%4E", "%61", "%ff", "a/b", "a\n"])
def test_a_component_in_another_form_is_damage(text: str) -> None:
    with pytest.raises(errors.Damaged):
        names.decode_component(text)
