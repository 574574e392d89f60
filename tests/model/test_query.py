"""Expressions of `mvc log --where`: their grammar, and their answers beside a plain evaluation in Python."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.manifest import Manifest
from mvc.model.query import order
from mvc.model.query.parse import parse, parse_key
from mvc.model.query.subject import Entry
from mvc.model.query.suggest import nearest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Person, Timestamp, Version


def entry(**changes: Any) -> Entry:
    manifest = Manifest(
        **{
            "model": {"name": "m", "type": "OBJECT_DETECTION", "tags": ["night", "cctv"]},
            "labelmap": ((0, "helmet"), (1, "head")),
            "metrics": {"mAP50": 0.61, "mAP50-95": 0.5, "metrics/mAP50(B)": 0.7, "loss": 2},
            "parameters": {"imgsz": 640, "id": "007", "amp": True, "aug": {"flip": 0.5}, "lr": 1e-3},
            "files": {"model-latest": "best.onnx"},
            **changes,
        }
    )
    tree = Tree.of([TreeEntry("best.onnx", "model-latest", 9_000, FileId(digest(b"x")))])
    version = Version(
        (), 3, Person("Ana", "ana@acme.example"), Timestamp(1_770_112_800, 60), "Night\n\nmore", manifest.id(), tree.id(),
        FileId(digest(b"t")),
    )  # fmt: skip
    names = (("branch", "main"), ("alias", "prod"), ("alias", "edge"), ("tag", "2026.1"))
    return Entry(
        VersionId("3f" * 32), version, names, lambda _: manifest, lambda _: tree, lambda _, use: use == "storage"
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("metrics.mAP50 > 0.6", True),
        ("metrics.mAP50-95 > 0.4", True),  # a key, not a subtraction: 0.61 - 95 is less
        ("metrics.mAP50-95>0.4 and metrics.mAP50<=0.61", True),
        ('metrics."metrics/mAP50(B)" == 0.70', True),
        ("metrics.'metrics/mAP50(B)' != 0.7", False),
        ("metrics.loss == 2.0", True),
        ("parameters.aug.flip >= .5", True),
        ("parameters.lr == 1e-3", True),
        ("parameters.id == 007", True),
        ('parameters.imgsz == "640"', False),
        ("parameters.amp == true", True),
        ("parameters.amp == 1", False),
        ("parameters.imgsz in [320, 640]", True),
        ("parameters.imgsz in (320, 1280)", False),
        ("parameters.imgsz not in [320]", True),
        ("parameters.aug has flip", True),
        ("parameters.amp > 0", None),
        ("parameters.id > 3", None),
        ("parameters.absent == 1", None),
        ("parameters.absent != 1", None),
        ("not parameters.absent == 1", None),
        ("parameters.absent == 1 or parameters.imgsz == 640", True),
        ("parameters.absent == 1 and parameters.imgsz == 320", False),
        ("not has parameters.absent and has parameters.aug", True),
        ('labelmap has "helmet"', True),
        ("labelmap has vest", False),
        ("labelmap.helmet == 0", True),
        ("labelmap.1 == head", True),
        ("labelmap.vest == 2", None),
        ("model.tags == night and model.tags != day", True),
        ("model.tags ~ ^cc", True),
        ("file.model-latest.size > 8999", True),
        ("file.model-latest.path ~ onnx", True),
        ("has file.other", False),
        ("format == onnx and format != pt", True),
        ("author == Ana and email ~ @ACME", True),
        ("alias == prod and alias == edge and alias != test", True),
        ("tag == 2026.1", True),
        ("number < 4", True),
        ("subject == Night and message ~ more", True),
        ("time > 2026-02-02", True),
        ("time == 2026-02-03", True),
        ("time > 2026-02-03", False),
        ("time <= 2026-02-03 and time >= 2026-02-03", True),
        ("time >= 2026-02-03T11:00:00+01:00", True),
        ('ready("storage") and not ready(edge)', True),
        ("not (metrics.mAP50 > 0.9 or metrics.loss > 9)", True),
        ("metrics.loss == 3 or metrics.loss == 2 and metrics.mAP50 > 0.9", False),
        ('parameters has aug and time < "2 weeks ago" and time <= yesterday', True),
    ],
)
def test_answers(text: str, answer: bool | None) -> None:
    assert parse(text, now=Timestamp(1_780_000_000)).test(entry()) is answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a KEY, such as metrics.mAP50 at its end"),
        ("metrics.mAP50", "expected ==, !=, <, <=, >, >=, ~, in or has at its end"),
        ("metrics.mAP50 >", "expected a value at its end"),
        ("metrics.mAP50 = 0.7", "write == at '= 0.7'"),
        ("metrics.a > 1 && metrics.b > 2", "write and at '&& metrics.b > 2'"),
        ("metrics.a + 1 > 2", "expected ==, !=, <, <=, >, >=, ~, in or has at '+ 1 > 2'"),
        ("metrics.mAP50(B > 1", "expected ==, !=, <, <=, >, >=, ~, in or has at '(B > 1'"),
        ("0.5 < metrics.mAP50", "expected a KEY before its operator at '0.5 < metrics.mAP50'"),
        ("(metrics.a > 1", "expected ) at its end"),
        ("metrics.a > 1 metrics.b > 2", "expected `and`, `or` or the end at 'metrics.b > 2'"),
        ("metrics.a in 3", "expected a list, such as [640, 1280], at '3'"),
        ("metrics > 1", "metrics is a section; name a key in it, such as metrics.NAME, at '> 1'"),
        ("metrics..a > 1", "expected a KEY, such as metrics.mAP50 at '.a > 1'"),
        ("not " * 99 + "has metrics.a", "nested deeper than 64 at 'not not not not not "),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(errors.BadQuery) as caught:
        parse(text)
    assert str(caught.value.fields["reason"]).startswith(reason)


@pytest.mark.parametrize(("text", "error"), [("author ~ '('", errors.BadExpression), ("time > soon", errors.BadDate)])
def test_a_wrong_value_is_refused(text: str, error: type[errors.MvcError]) -> None:
    with pytest.raises(error):
        parse(text)


def test_a_key_is_one_key() -> None:
    assert parse_key('metrics."a.b"') == ("metrics", "a.b")
    assert parse_key("metrics.metrics/mAP50-95(B)") == ("metrics", "metrics/mAP50-95(B)")
    assert parse("(metrics.mAP50(B) > 1)") == parse('metrics."mAP50(B)" > 1')
    assert parse("not(metrics.a(x)y in(1,2))") == parse('not (metrics."a(x)y" in (1, 2))')
    with pytest.raises(errors.BadQuery):
        parse_key("metrics.a metrics.b")


def test_every_key_of_a_version_has_a_value() -> None:
    subject = entry()
    keys = list(subject.known_keys())
    assert ("metrics", "mAP50-95") in keys
    assert ("file", "model-latest", "size") in keys
    assert all(subject.value(key) is not None for key in keys)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("metrics.map50", "metrics.mAP50"),
        ("mAP50", "metrics.mAP50"),
        ("metrics.imgsz", "parameters.imgsz"),
        ("parameters.imgsiz", "parameters.imgsz"),
        ("autor", "author"),
        ("docker.tag", "model.tags"),
        ("zzzzzz", None),
    ],
)
def test_a_key_that_no_version_has_suggests_another(key: str, near: str | None) -> None:
    found = nearest(parse_key(key), list(entry().known_keys()))
    assert found == (None if near is None else parse_key(near))


def test_order_puts_the_best_first_and_versions_without_the_key_last() -> None:
    values = [0.5, None, 0.7, "text", 0.6, 0.7]

    def sort(key: str, **options: bool) -> list[int]:
        return order.ordered(range(6), values.__getitem__, parse_key(key), **options)

    assert sort("metrics.mAP50") == [2, 5, 4, 0, 3, 1]
    assert sort("metrics.mAP50", reverse=True) == [0, 4, 2, 5, 3, 1]
    assert sort("metrics.val/box_loss") == [0, 4, 2, 5, 3, 1]


@pytest.mark.parametrize(
    ("key", "values", "positions"),
    [
        ("metrics.mAP50", [0.5, 0.7, None, 0.7], (1, 3)),
        ("metrics.valLoss", [0.5, 0.7], (0,)),
        ("metrics.mAP50", [0.7, 0.7, None], ()),
        ("metrics.gloss", [1, 2], (1,)),
        ("parameters.epochs", [1, 2], ()),
    ],
)
def test_the_best_value_of_a_metric(key: str, values: list[Any], positions: tuple[int, ...]) -> None:
    assert order.best(parse_key(key), values) == positions


# --- random expressions beside a plain evaluation

KEYS = ["a", "b-1", "c d", "e"]
VALUES: list[Any] = [0, 1, 0.5, -2, True, False, "x", "Xy", "0.5", "true"]
RANKS: dict[Any, int] = {False: 0, None: 1, True: 2}
SIGNS = ["==", "!=", "<", "<=", ">", ">=", "~", "in", "has"]


def test_random_expressions_are_evaluated_as_plain_python_does(rng: random.Random, deep: bool) -> None:
    draw = rng
    answers = []
    for _ in range(50_000 if deep else 5_000):
        values = {key: draw.choice([*VALUES, ["x", 1]]) for key in KEYS if draw.random() < 0.7}
        text, function = _random(draw, 4)
        subject = entry(parameters={"p": values} if values else {})
        answers.append(function(values))
        assert parse(text).test(subject) is answers[-1], text
    assert {True, False, None} <= set(answers)


def _random(draw: random.Random, depth: int) -> tuple[str, Any]:
    """An expression, and the same as a function of the values."""
    kind = draw.choice(["and", "or", "not", "has", "one", "one"]) if depth else "one"
    if kind in ("and", "or"):
        parts = [_random(draw, depth - 1) for _ in range(draw.randint(2, 3))]
        choose = min if kind == "and" else max
        return f" {kind} ".join(f"({text})" for text, _ in parts), lambda v: choose(
            (f(v) for _, f in parts), key=RANKS.__getitem__
        )
    if kind == "not":
        text, part = _random(draw, depth - 1)
        return f"not({text})", lambda v: None if part(v) is None else not part(v)
    key = draw.choice(KEYS)
    spelled = f'parameters.p."{key}"' if " " in key or draw.random() < 0.3 else f"parameters.p.{key}"
    if kind == "has":
        return f"has {spelled}", lambda v: key in v
    sign = draw.choice(SIGNS)
    chosen = draw.sample(VALUES, 2 if sign == "in" else 1)
    written = [_written(draw, value) for value in chosen]
    right = f"[{', '.join(written)}]" if sign == "in" else written[0]
    return f"{spelled} {sign} {right}", lambda v: _plain(v[key], sign, chosen, written) if key in v else None


def _written(draw: random.Random, value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"' if value in ("0.5", "true") or draw.random() < 0.5 else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any, sign: str, chosen: list[Any], written: list[str]) -> bool | None:
    if isinstance(value, list):
        if sign == "!=":
            return not any(_plain(each, "==", chosen, written) for each in value)
        return max(
            (_plain(each, sign, chosen, written) for each in value), key={False: 0, None: 1, True: 2}.__getitem__
        )
    same = [
        text.strip('"') == value if isinstance(value, str) else type_of(value) is type_of(other) and value == other
        for other, text in zip(chosen, written, strict=True)
    ]
    if sign in ("==", "in", "has"):
        return any(same)
    if sign == "!=":
        return not same[0]
    if sign == "~":
        return re.search(written[0].strip('"'), value, re.IGNORECASE) is not None if isinstance(value, str) else None
    if type_of(value) is not type_of(chosen[0]) or isinstance(value, bool):
        return None
    return bool(eval(f"a {sign} b", {}, {"a": value, "b": chosen[0]}))


def type_of(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
