"""Versions made by hand on a registry, as manifests: known values are taken, others are warned about."""

from __future__ import annotations

from typing import Any

import pytest

from mvc import errors
from mvc.model import names
from mvc.model.toml import parse
from mvc.registry import handmade
from mvc.registry.protocol import RemoteContext, RemoteDataset, RemoteModel, RemoteVersion

MODEL = RemoteModel("m-1", "Helmets")


def made(context: RemoteContext | None = None, **raw: Any) -> handmade.HandMade:
    return handmade.read(RemoteVersion("v-1", MODEL, 3, "night", raw), context, {"model-latest": "best.onnx"})


def test_every_field_becomes_a_key_of_model_toml() -> None:
    found = made(
        RemoteContext("e-1", [RemoteDataset("d-2", "val"), RemoteDataset("d-1", "train", "traffic", "3")]),
        type="OBJECT_DETECTION",
        framework="ONNX",
        description="Night images",
        notebook_link="https://x.example/n",
        labels={"1": "head", "0": "helmet"},
        parameters={"epochs": 100, "lr": 0.1, "steps": [1, 2], "deep": {"a": True}},
        docker_image="acme/yolo",
        docker_tag="1.4",
        docker_flags=["--gpus all"],
        docker_env_variables={"A": "1", "B": 2},
    )
    assert not found.warnings
    assert found.manifest.to_toml() == {
        "model": {
            "name": "Helmets",
            "type": "OBJECT_DETECTION",
            "framework": "ONNX",
            "description": "Night images",
            "notebook": "https://x.example/n",
        },
        "files": {"model-latest": "best.onnx"},
        "labelmap": {"0": "helmet", "1": "head"},
        "parameters": {"epochs": 100, "lr": 0.1, "steps": [1, 2], "deep": {"a": True}},
        "docker": {
            "image": "acme/yolo",
            "tag": "1.4",
            "flags": ["--gpus all"],
            "env": {"A": "1", "B": "2"},
        },
        "source": {
            "experiment": {"id": "e-1"},
            "datasets": [{"alias": "train", "id": "d-1"}, {"alias": "val", "id": "d-2"}],
        },
    }
    assert parse.parse(found.model_toml, where="x") == found.manifest


def test_both_spellings_are_read_and_unset_values_are_left_out() -> None:
    old = made(base_parameters={"a": 1}, docker_image_name="x", type="NOT_CONFIGURED", framework="not_configured")
    new = made(parameters={"a": 1}, docker_image="x", type=None)
    assert old == new
    assert made(parameters=None, base_parameters={"a": 1}).manifest.parameters == {"a": 1}


def test_a_value_of_a_later_release_is_kept() -> None:
    assert made(framework="YOLOV8").manifest.framework == "YOLOV8"


def test_a_sparse_labelmap_is_marked_as_sparse() -> None:
    found = made(labels={"0": "a", "7": "b"})
    assert found.manifest.labelmap == ((0, "a"), (7, "b"))
    assert found.manifest.model["labelmap_sparse"] is True


@pytest.mark.parametrize(
    "labels", [{"car": 0}, ["car", "bus"], {"0": {"name": "car"}}, {"-1": "x"}, {"0": None, "1": 2}]
)
def test_labels_that_are_not_classes_are_kept_in_ext_with_a_warning(labels: Any) -> None:
    found = made(labels=labels)
    assert not found.manifest.labelmap
    assert "labels" in found.manifest.ext["picsellia"]
    assert "kept in ext" in found.warnings[0]
    assert b"labelmap" not in found.model_toml


def test_values_that_toml_cannot_hold_are_left_out_or_text() -> None:
    found = made(parameters={"a": None, "b": float("nan"), "c": 1 << 70, "d": [None], "e": {"f": None}})
    assert found.manifest.parameters == {"b": "nan", "c": str(1 << 70), "d": ["null"], "e": {}}
    assert found.warnings


def test_deep_nesting_becomes_text() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(60):
        inner["x"] = {}
        inner = inner["x"]
    assert made(parameters=deep).manifest.encode()


@pytest.mark.parametrize(
    "raw", [{"parameters": {"a": "\ud800"}}, {"description": "\udfff"}, {"labels": {"0": "\ud800"}}]
)
def test_text_that_is_not_unicode_is_unimportable(raw: dict[str, Any]) -> None:
    with pytest.raises(errors.Unimportable, match="night"):
        made(**raw)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("helmets", "helmets"),
        ("Helmet Detector v2", "Helmet Detector v2"),
        ("a@b:c", "a-b-c"),
        ("../x", "x"),
        ("", "model"),
        ("con", "con-model"),
        ("x" * 300, "x" * 50),
        ("a//b/.lock", "a/b/lock"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_any_name_becomes_a_key(name: str, key: str) -> None:
    assert handmade.model_key(name) == key
    names.check_model_key(key)


def test_the_time_is_the_registrys_or_derived_from_the_number() -> None:
    def at(**raw: Any) -> str:
        return handmade.made_at(RemoteVersion("v", MODEL, 3, "x", raw)).utc()

    assert at(created_at="2026-02-03T10:00:00+01:00") == "2026-02-03T09:00:00Z"
    assert at(creation_date="2026-02-03T10:00:00.123Z") == "2026-02-03T10:00:00Z"
    assert at(created_at="yesterday") == at() == "1970-01-01T00:00:03Z"


def test_the_author_is_the_organization() -> None:
    assert str(handmade.author("Acme <Labs>\n")) == "picsellia:Acme Labs <>"
