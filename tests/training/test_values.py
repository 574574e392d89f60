"""Values of a training: in the types of model.toml, or left out with the reason; whatever they are, nothing is raised."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.model.toml import parse, render, schema
from mvc.training.engine import values


class Colour(enum.Enum):
    RED = "red"
    ROUND = object()


class Text(str):
    """A text of another type, as trainers have."""

    __slots__ = ()


class Size(enum.IntEnum):
    LARGE = 3


@dataclasses.dataclass
class Options:
    lr: float = 0.1
    inner: Any = None


class Array:
    """A number as numpy and torch have it."""

    def __init__(self, value: Any, size: int = 1) -> None:
        self._value = value
        self.size = size

    def item(self) -> Any:
        return self._value


class Tensor(Array):
    def numel(self) -> int:
        return self.size


class Hostile:
    """An object each of whose methods fails."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__
    __hash__ = object.__hash__


class HostileMapping(dict[Any, Any]):
    def items(self) -> Any:
        raise RuntimeError


def _section(value: Any, name: str = "parameters") -> tuple[dict[str, Any], dict[str, str]]:
    left_out: dict[str, str] = {}
    return values.section(name, value, lambda key, reason: left_out.update({key: reason})), left_out


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        (argparse.Namespace(lr=0.1, data=Path("coco.yaml")), {"lr": 0.1, "data": "coco.yaml"}),
        (Options(inner=Options()), {"lr": 0.1, "inner": {"lr": 0.1}}),
        ({"size": (640, 640), "on": True, "no": None}, {"size": [640, 640], "on": True}),
        ({"c": Colour.RED, "r": Colour.ROUND, "s": Size.LARGE, "t": Text("a")}, {"c": "red", "r": "ROUND", "s": 3, "t": "a"}),
        ({"a": Array(0.5), "t": Tensor(3), "r": range(3), "set": {2, 1}}, {"a": 0.5, "t": 3, "r": [0, 1, 2], "set": [1, 2]}),
        ({"loss": math.sqrt, "type": Options, 3: "three"}, {"loss": "sqrt", "type": "Options", "3": "three"}),
        ({"a.b/c (x)": 1, "layers": [{"n": 1, "none": None}, (2,)]}, {"a.b/c (x)": 1, "layers": [{"n": 1}, [2]]}),
    ],
    ids=["namespace", "dataclass", "none and tuples", "enumerations", "numbers", "functions", "names"],
)  # fmt: skip
def test_arguments_of_a_training_keep_their_types(given_: Any, found: dict[str, Any]) -> None:
    assert _section(given_) == (found, {})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "object is not a value that model.toml has"),
        (float("nan"), "nan is not a finite number"),
        (1 << 70, "64 bits"),
        ("x" * 5_000, "longer than 4000 characters"),
        ("hf_" + "a1B2" * 10, "looks like a secret (Hugging Face token)"),
        ("\ud800", "is not a value"),
        ([object()], "is not a value"),
        (Array([1, 2], 2), "is not a value"),
        (Hostile(), "is not a value"),
        (list(range(6_000)), "more than 5000 items"),
    ],
    ids=[
        "object",
        "nan",
        "long number",
        "long text",
        "secret",
        "half a letter",
        "list",
        "array",
        "hostile",
        "long list",
    ],
)
def test_what_model_toml_cannot_hold_is_left_out_and_the_rest_stays(value: Any, reason: str) -> None:
    found, left_out = _section({"a": 1, "inner": {"x": value, "y": 2}})
    assert found == {"a": 1, "inner": {"y": 2}}
    assert list(left_out) == ["parameters.inner.x"]
    assert reason in left_out["parameters.inner.x"]


def test_a_section_is_bounded() -> None:
    found, left_out = _section({str(number): number for number in range(6_000)})
    assert (len(found), len(left_out)) == (values.MAX_VALUES, 1_000)
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(100):
        inner["x"] = inner = {}
    found, left_out = _section(deep)
    assert list(left_out.values()) == ["it is nested deeper than 8"]
    loop: list[Any] = []
    loop.append(loop)
    assert _section({"loop": loop, "a": 1})[0] == {"a": 1}


@pytest.mark.parametrize("given_", [None, 3, HostileMapping(), Hostile(), ["a"]], ids=range(5))
def test_what_is_no_section_gives_none(given_: Any) -> None:
    found, left_out = _section(given_)
    assert found == {}
    assert len(left_out) == (given_ is not None)


def test_metrics_are_finite_numbers() -> None:
    left_out: dict[str, str] = {}
    given_ = {
        "mAP50-95": Array(0.5), "metrics/mAP50(B)": 1, "nan": float("nan"), "inf": Tensor(-math.inf), "t": "0.5",
        "big": 1 << 70, "": 1, "ok\n": True, "h": Hostile(), 3: 0.25,
    }  # fmt: skip
    found = values.metrics(given_, lambda key, reason: left_out.update({key: reason}))
    assert found == {"mAP50-95": 0.5, "metrics/mAP50(B)": 1, "ok": 1, "3": 0.25}
    assert len(left_out) == 6
    assert left_out["metric nan"] == "nan is not a finite number"


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        (["a", "b"], {0: "a", 1: "b"}),
        ({1: "a", "3": Text("b")}, {1: "a", 3: "b"}),
        (("a",), {0: "a"}),
        (["a", "a"], None),
        (["a", " "], None),
        ({"a": "b"}, None),
        ({0: 3}, None),
        ({-1: "a"}, None),
        ([], None),
        (3, None),
        (Hostile(), None),
        (map(str, range(300_000)), None),
    ],
    ids=range(12),
)
def test_classes_are_a_labelmap_or_left_out(given_: Any, found: Mapping[int, str] | None) -> None:
    left_out: list[str] = []
    assert values.labels(given_, lambda key, reason: left_out.append(reason)) == found
    assert bool(left_out) is (found is None and given_ != [])


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=5), st.complex_numbers(),
    st.just(object()), st.sampled_from(Colour), st.builds(Hostile), st.builds(Array, st.integers()), st.just(print),
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.one_of(st.text(max_size=8), st.integers(), st.none()), inner, max_size=3),
        st.builds(Options, inner=inner),
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_the_values_are_model_toml_can_hold_what_is_left(value: Any) -> None:
    found, _ = _section({"value": value})
    schema.check(found, schema.MODEL_TOML.keys["parameters"], ("parameters",))
    text = render.document({"model": {"name": "a"}, "parameters": found})
    assert parse.parse(text.encode(), where="model.toml").parameters == found
