"""The table of fields: each is published, read back and compared; and which answers are changes."""

from __future__ import annotations

from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import parse
from mvc.registry import fields, handmade, published
from mvc.registry.fields import Field
from mvc.registry.protocol import RemoteModel, RemoteVersion

TOML = b"""
[model]
name = "helmets"
type = "OBJECT_DETECTION"
framework = "ONNX"
description = "Night images"
notebook = "https://x.example/n"
[labelmap]
0 = "helmet"
1 = "head"
[parameters]
epochs = 100
lr = 1.0
deep = { a = [1, 2] }
[docker]
image = "acme/yolo"
tag = "1.4"
flags = ["--gpus all"]
env = { A = "1" }
"""
REQUEST: dict[str, Any] = {
    "type": "OBJECT_DETECTION",
    "framework": "ONNX",
    "description": "Night images",
    "notebook_link": "https://x.example/n",
    "labels": {"0": "helmet", "1": "head"},
    "parameters": {"epochs": 100, "lr": 1.0, "deep": {"a": [1, 2]}},
    "docker_image": "acme/yolo",
    "docker_tag": "1.4",
    "docker_flags": ["--gpus all"],
    "docker_env_variables": {"A": "1"},
}


OTHERS: dict[str, Any] = {
    "type": "CLASSIFICATION",
    "framework": "PYTORCH",
    "description": "Day images",
    "notebook_link": "https://x.example/m",
    "labels": {"0": "helmet", "1": "hat"},
    "parameters": {"epochs": 101, "lr": 1.0, "deep": {"a": [1, 2]}},
    "docker_image": "acme/yolox",
    "docker_tag": "1.5",
    "docker_flags": ["--ipc host"],
    "docker_env_variables": {"A": "2"},
}
"""Another value of each field."""


@pytest.fixture
def manifest() -> Manifest:
    return parse.parse(TOML, where="model.toml")


def test_every_field_is_sent_under_its_key(manifest: Manifest) -> None:
    assert fields.request(manifest) == REQUEST


@pytest.mark.parametrize("field", fields.FIELDS, ids=lambda field: field.name)
def test_each_field_is_published_read_back_and_compared(field: Field, manifest: Manifest) -> None:
    sent = fields.request(manifest)[field.name]
    for spelling in field.spellings:
        version = RemoteVersion("v-1", RemoteModel("m-1", "helmets"), 0, "night", {spelling: sent})
        imported = handmade.read(version, None, {}).manifest
        assert field.recorded(imported) == field.recorded(manifest)
        assert fields.request(imported) == {field.name: sent}
        assert not fields.changes({field.name: sent}, version.raw)
        for recorded, live in [({field.name: sent}, OTHERS[field.name]), ({}, sent), ({field.name: sent}, None)]:
            changes = fields.changes(recorded, {spelling: live})
            assert {change.key.partition(".")[0] for change in changes} == {field.name}


@pytest.mark.parametrize("word", ["NOT_CONFIGURED", "MULTI", "PANOPTIC"])
def test_a_type_that_no_registry_accepts_is_not_sent(word: str) -> None:
    assert fields.request(Manifest({"name": "m", "type": word})) == {}


def test_an_equal_answer_has_no_changes() -> None:
    renamed = {**REQUEST, "base_parameters": REQUEST["parameters"], "docker_image_name": REQUEST["docker_image"]}
    del renamed["parameters"], renamed["docker_image"]
    for raw in (REQUEST, renamed, {**REQUEST, "parameters": {**REQUEST["parameters"], "lr": 1}}, {"name": "x"}):
        assert fields.changes(REQUEST, raw) == ()
    bare: dict[str, Any] = {
        "type": "NOT_CONFIGURED",
        "framework": "NOT_CONFIGURED",
        "labels": None,
        "parameters": {},
        "docker_flags": [],
    }
    assert fields.changes({}, bare) == ()


@pytest.mark.parametrize(
    ("raw", "keys"),
    [
        ({"labels": {"0": "hat", "1": "head"}}, ["labels.0"]),
        ({"labels": {"0": "helmet"}}, ["labels.1"]),
        ({"labels": {"0": "helmet", "1": "head", "2": "hand"}}, ["labels.2"]),
        ({"labels": None}, ["labels.0", "labels.1"]),
        ({"type": "CLASSIFICATION"}, ["type"]),
        ({"framework": "NOT_CONFIGURED"}, ["framework"]),
        ({"parameters": {"epochs": "100", "lr": 1.0, "deep": {"a": [1, 2]}}}, ["parameters.epochs"]),
        ({"parameters": {"epochs": 100, "lr": 1.0, "deep": {"a": [2, 1]}}}, ["parameters.deep.a"]),
        ({"parameters": {"epochs": True, "lr": 1.0, "deep": {"a": [1, 2]}}}, ["parameters.epochs"]),
        ({"docker_tag": "1.5"}, ["docker_tag"]),
        ({"docker_flags": []}, ["docker_flags"]),
        ({"docker_env_variables": {"A": "2"}}, ["docker_env_variables.A"]),
        ({"description": ""}, ["description"]),
    ],
)
def test_each_change_has_its_key(raw: dict[str, Any], keys: list[str]) -> None:
    assert [change.key for change in fields.changes(REQUEST, raw)] == keys


def test_a_registry_name_has_the_number_and_the_id() -> None:
    name = published.version_name(7, VersionId("3f9c2ab1d0f4" + "0" * 52))
    assert name == "v7-3f9c2ab1d0f4"
    assert published.is_version_name(name)
    assert not any(map(published.is_version_name, ("v7", "night", "v0-3f9c2ab1d0f4", "v7-3f9c2ab1d0f45")))
