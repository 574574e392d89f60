from __future__ import annotations

from typing import Any

import pytest

from mvc.model.manifest import Manifest
from mvc.model.toml import rules

SHA = "sha256:" + "0" * 64


def problems(manifest: Manifest, *paths: str) -> list[tuple[str, str]]:
    return [(problem.severity, problem.key) for problem in rules.check(manifest, paths)]


def made(name: str = "x", **sections: Any) -> Manifest:
    about = {"name": name, **sections.pop("about", {})}
    return Manifest(about, **sections)


@pytest.mark.parametrize(
    "manifest",
    [
        made(),
        made(about={"type": "MASK", "framework": "ONNX", "parent": "base-yolo@v3", "links": ["https://a.b/c"]}),
        made(labelmap=((0, "a"), (1, "b"))),
        made(labelmap=((1, "a"), (2, "b"))),
        made(labelmap=((0, "a"), (7, "b")), about={"labelmap_sparse": True}),
        made(docker={"image": "acme/yolo", "tag": "1.4", "digest": SHA}),
        made(docker={"image": "acme/yolo", "digest": {"asked": "auto", "resolved": None}}),
        made(intent={"ready_for": ["pre-annotation/legacy", "deployment/own", "storage"]}),
        made(intent={"ready_for": ["deployment", "edge"], "require": [{"use": "edge", "metric": "mAP", "min": 0.5}]}),
        made(files={"model-latest": "w/best.onnx", "runs": "runs/**", "b": "data/[ab]?.pt"}),
        made(files={"labelmap": "l.json"}, labelmap=((0, "a"),), labelmap_path="l.json"),
    ],
)
def test_a_good_manifest_has_no_problem(manifest: Manifest) -> None:
    assert problems(manifest, "w/best.onnx", "l.json") == []


@pytest.mark.parametrize(
    ("manifest", "severity", "key"),
    [
        (made("a@b"), "error", "model.name"),
        (made(about={"parent": "base"}), "error", "model.parent"),
        (made(about={"parent": "base@"}), "error", "model.parent"),
        (made(about={"parent": "@v3"}), "error", "model.parent"),
        (made(about={"notebook": "a.ipynb"}), "warning", "model.notebook"),
        (made(about={"links": ["https://x.y", "x.y"]}), "warning", "model.links.1"),
        (made(source={"experiment": {"url": "x"}}), "warning", "source.experiment.url"),
        (made(labelmap=((0, "a"), (2, "b"))), "error", "labelmap"),
        (made(labelmap=((5, "a"),)), "error", "labelmap"),
        (made(labelmap=((0, "a"), (1, "a"))), "error", "labelmap"),
        (made(labelmap=((0, "a"), (1, " "))), "error", "labelmap.1"),
        (made(docker={"image": "a", "digest": "sha256:0"}), "error", "docker.digest"),
        (made(docker={"image": "a", "tag": "a b"}), "error", "docker.tag"),
        (made(docker={"image": "a b"}), "error", "docker.image"),
        (made(docker={"tag": "1"}), "warning", "docker.image"),
        (made(intent={"ready_for": ["fun"]}), "warning", "intent.ready_for"),
        (made(intent={"ready_for": ["deployment/legacy"]}), "warning", "intent.ready_for"),
        (made(intent={"ready_for": ["storage/"]}), "warning", "intent.ready_for"),
        (made(intent={"require": [{"role": "x"}]}), "error", "intent.require.0"),
        (made(intent={"require": [{"use": "x"}]}), "error", "intent.require.0"),
        (made(intent={"require": [{"use": "x", "metric": "m"}]}), "error", "intent.require.0"),
        (made(intent={"require": [{"use": "x", "role": "r", "min": 1}]}), "error", "intent.require.0"),
        (made(intent={"require": [{"use": "x", "role": "r", "format": "f"}]}), "error", "intent.require.0"),
        (made(files={"": "a"}), "error", 'files.""'),
        (made(files={"a:b": "a"}), "error", 'files."a:b"'),
        (made(files={"-a": "a"}), "error", "files.-a"),
        (made(files={"a": "../x"}), "error", "files.a"),
        (made(files={"a": ".git/*"}), "error", "files.a"),
        (made(files={"a": "/x/*"}), "error", "files.a"),
        (made(files={"labelmap": "a"}, labelmap_path="l.json"), "error", "files.labelmap"),
        (made(labelmap_path="../l.json"), "error", "labelmap.path"),
    ],
)
def test_each_breach_is_named(manifest: Manifest, severity: str, key: str) -> None:
    found = rules.check(manifest)
    assert [(problem.severity, problem.key) for problem in found] == [(severity, key)]
    assert found[0].message
    assert found[0].fix
    assert found[0].to_json()["key"] == key


def test_paths_of_a_tree_must_be_portable_and_apart() -> None:
    assert problems(made(), "a", "A") == [("error", "files")]
    assert problems(made(), "nul.txt") == [("error", "files")]


def test_errors_come_first() -> None:
    found = problems(made(about={"links": ["a.b"]}, labelmap=((3, "a"),)))
    assert [severity for severity, _ in found] == ["error", "warning"]


def test_thousands_of_gaps_are_summed_up() -> None:
    (problem,) = rules.check(made(labelmap=tuple((number * 3, str(number)) for number in range(1000))))
    assert problem.message == "classes 1 to 2, 4 to 5, 7 to 8, 10 to 11, 13 to 14, ... are missing"
