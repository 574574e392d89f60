"""A version in a registry's words, and where an answer says something else."""

from __future__ import annotations

from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import parse
from mvc.registry import publication

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
FIELDS: dict[str, Any] = {
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


@pytest.fixture
def manifest() -> Manifest:
    return parse.parse(TOML, where="model.toml")


def test_every_field_is_sent_under_its_key(manifest: Manifest) -> None:
    assert publication.fields(manifest) == FIELDS


@pytest.mark.parametrize("word", ["NOT_CONFIGURED", "MULTI", "PANOPTIC"])
def test_a_type_that_a_registry_takes_from_nobody_is_not_sent(word: str) -> None:
    assert publication.fields(Manifest({"name": "m", "type": word})) == {}


def test_an_answer_that_says_the_same_differs_in_nothing() -> None:
    renamed = {**FIELDS, "base_parameters": FIELDS["parameters"], "docker_image_name": FIELDS["docker_image"]}
    del renamed["parameters"], renamed["docker_image"]
    for raw in (FIELDS, renamed, {**FIELDS, "parameters": {**FIELDS["parameters"], "lr": 1}}, {"name": "x"}):
        assert publication.changes(FIELDS, raw) == ()
    bare: dict[str, Any] = {
        "type": "NOT_CONFIGURED",
        "framework": "NOT_CONFIGURED",
        "labels": None,
        "parameters": {},
        "docker_flags": [],
    }
    assert publication.changes({}, bare) == ()


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
def test_each_edit_is_told_by_its_key(raw: dict[str, Any], keys: list[str]) -> None:
    assert [change.key for change in publication.changes(FIELDS, raw)] == keys


def test_a_name_says_number_and_version() -> None:
    name = publication.name(7, VersionId("3f9c2ab1d0f4" + "0" * 52))
    assert name == "v7-3f9c2ab1d0f4"
    assert publication.is_name(name)
    assert not any(map(publication.is_name, ("v7", "night", "v0-3f9c2ab1d0f4", "v7-3f9c2ab1d0f45")))
