"""Values from Python: typed, converted or refused by their key, and never read from a text."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mvc
from mvc import errors
from tests.formats import pickles


class Mode(enum.StrEnum):
    FAST = "fast"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.25), 0.25),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (("a", 1), ["a", 1]),
        ({"flip": np.float64(0.5), "sizes": (1, 2), "off": None}, {"flip": 0.5, "sizes": [1, 2]}),
        (Path("coco.yaml"), "coco.yaml"),
        (Mode.FAST, "fast"),
        ("007", "007"),
        ("true", "true"),
        ("1.10", "1.10"),
    ],
)
def test_a_value_keeps_its_type(model: mvc.Model, given: Any, stored: Any) -> None:
    model.update(parameters={"x": given})
    found = model.get("parameters.x")
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize(
    ("section", "values", "named"),
    [
        ("parameters", {"x": np.zeros(2)}, "parameters.x"),
        ("parameters", {"a": {"b": object()}}, "parameters.a.b"),
        ("parameters", {"x": float("inf")}, "parameters.x"),
        ("parameters", {3: 1}, "parameters"),
        ("metrics", {"val": {"acc": 0.5}}, "metrics.val"),
        ("metrics", {"ok": True}, "metrics.ok"),
        ("about", {"colour": "red"}, "model.colour"),
        ("docker", {"flags": "-v"}, "docker.flags"),
    ],
)
def test_what_a_version_cannot_hold_is_refused_by_its_key(
    model: mvc.Model, section: str, values: Any, named: str
) -> None:
    before = (model.folder / "model.toml").read_bytes()
    with pytest.raises(errors.Usage) as caught:
        model.update(**{section: values})
    assert named in caught.value.message
    assert (model.folder / "model.toml").read_bytes() == before


def test_a_metric_that_is_no_number_is_reported_and_takes_the_old_one_along(model: mvc.Model) -> None:
    done = model.update(metrics={"mAP50": float("nan"), "loss": 0.5, "metrics/mAP50(B)": 0.7, "val.acc": 1})
    assert list(done.left_out) == ["metrics.mAP50"]
    assert model.get("metrics") == {"loss": 0.5, "metrics/mAP50(B)": 0.7, "val.acc": 1}


def test_a_list_is_the_whole_labelmap_and_a_mapping_adds(model: mvc.Model) -> None:
    model.update(labelmap={2: "vest"})
    assert model.get("labelmap") == {"0": "helmet", "1": "head", "2": "vest"}
    model.update(labelmap=["a", "b"])
    assert model.get("labelmap") == {"0": "a", "1": "b"}
    model.update(labelmap={5: "c"}, replace="labelmap")
    assert model.get("labelmap") == {"5": "c"}


def test_replace_leaves_nothing_else_in_a_section(model: mvc.Model) -> None:
    model.update(parameters={"lr": 0.1}, metrics={"loss": 1})
    model.update(parameters={"batch": 8}, replace=("parameters", "metrics"))
    assert model.get("parameters") == {"batch": 8}
    assert "metrics" not in model.get()
    model.update(parameters={"batch": None})
    assert "parameters" not in model.get()


def test_the_name_is_not_changed_by_an_update(model: mvc.Model) -> None:
    with pytest.raises(errors.OtherName):
        model.update(about={"name": "hats"})
    model.update(about={"description": "Helmets"}, replace=["model"])
    assert model.get("model") == {"name": "helmets", "description": "Helmets"}


@pytest.mark.parametrize("rows", [3, 4096])
def test_a_strided_tensor_is_read_in_the_order_of_its_shape(model: mvc.Model, rows: int) -> None:
    numbers = np.arange(rows * 4, dtype="<f4")
    transposed = pickles.tensor(pickles.storage("0", numbers.size), 0, (4, rows), (1, 4))
    tied = pickles.tensor(pickles.storage("0", numbers.size), 0, (rows, 4), (4, 1))
    data = pickles.checkpoint(pickles.mapping({"a": transposed, "b": tied}), {"0": numbers.tobytes()})
    (model.folder / "w.pt").write_bytes(data)
    model.add(model.folder / "w.pt")
    model.commit("Strided")
    assert model.head is not None
    tensors = model.head.files["w"].tensors
    assert np.array_equal(tensors["a"].numpy(), numbers.reshape(rows, 4).T)
    assert np.array_equal(tensors["b"].numpy(), numbers.reshape(rows, 4))
