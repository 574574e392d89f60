"""Each error is raised with exactly the fields of its template, everywhere in the tree."""

from __future__ import annotations

import ast
import inspect
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors

TOP = Path(__file__).resolve().parents[2] / "mvc"
SOURCES = sorted(TOP.rglob("*.py"))
CLASSES = {name: getattr(errors, name) for name in errors.__all__}


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(inspect.cleandoc(template)) if name}


def _calls(source: str) -> Iterator[tuple[int, str, set[str], bool]]:
    """Yield line, class, fields of each `errors.X(...)`; and whether `**fields` adds others."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "errors":
            named = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
            yield node.lineno, node.func.attr, named, any(keyword.arg is None for keyword in node.keywords)


def _faults(source: str) -> list[str]:
    faults = []
    for line, name, given, more in _calls(source):
        if name not in CLASSES:
            faults.append(f"{line}: no error {name}")
            continue
        template = _fields(CLASSES[name].__doc__ or "")
        missing, unknown = template - given, given - template
        if missing and not more:
            faults.append(f"{line}: {name} lacks {sorted(missing)}")
        if unknown:
            faults.append(f"{line}: {name} has no {sorted(unknown)}")
    return faults


def test_every_raise_site_has_the_fields_of_its_template() -> None:
    faults = {path.relative_to(TOP).as_posix(): _faults(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {path: lines for path, lines in faults.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("errors.NoSuchFile()", "1: NoSuchFile lacks ['path']"),
        ("errors.NoSuchFile(path=1, why=2)", "1: NoSuchFile has no ['why']"),
        ("errors.NoSuchThing(path=1)", "1: no error NoSuchThing"),
    ],
)
def test_a_wrong_raise_site_is_found(source: str, fault: str) -> None:
    assert _faults(source) == [fault]


def test_every_class_is_exported() -> None:
    defined = {
        node.name
        for path in (TOP / "errors").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    assert defined == set(errors.__all__)


def test_a_missing_field_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        errors.NoSuchFile()


def test_a_number_agrees_with_its_noun() -> None:
    one, many = (errors.InTheWay(count=number, listed="  a") for number in (1, 2))
    assert "1 file would be lost:\n  a" in one.message
    assert "2 files would be lost:\n  a" in many.message
    assert one.fields == {"count": 1, "listed": "  a"}


def test_a_list_keeps_its_lines_and_other_lines_are_joined() -> None:
    error = errors.RulesBroken(count=2, problems="a\nb")
    assert error.message == "Nothing was changed, because model.toml breaks 2 rules:\na\nb"
    assert "\n" not in errors.NotARemote(remote="x").message


def test_a_question_ends_a_sentence() -> None:
    error = errors.BadPolicy(path="policy.toml", line=3, reason="'x' is not a key of a rule; did you mean formats?")
    assert error.message == "policy.toml, line 3: 'x' is not a key of a rule; did you mean formats?"
    assert errors.BadPolicy(path="policy.toml", line=3, reason="it is not TOML").message.endswith("TOML.")


def test_a_line_feed_in_any_other_text_is_escaped() -> None:
    error = errors.NotOnRegistry(registry="a\nb", what="version 'c\r'", known="d")
    assert error.message == "a\\x0ab has no version 'c\\x0d' (known: d)."
    assert error.fields["registry"] == "a\nb"


BASES = {"MvcError", "Usage", "Answer", "Denied", "RefRejected", "OutOfReach", "WouldOverwrite", "Refused"}
"""Errors without a text of their own."""


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - BASES))
def test_every_error_has_a_hint(name: str) -> None:
    message, _, hint = inspect.cleandoc(CLASSES[name].__doc__ or "").partition("\n\n")
    assert message, name
    assert hint, f"{name} does not name the next command"
