"""Semantic versions: a table of changes, each with the level that it requires and a reason."""

from __future__ import annotations

from typing import Any

import pytest

from mvc.model.compare import semver, tensors
from mvc.model.compare.diff import Snapshot
from mvc.model.compare.semver import MAJOR, MINOR, NONE, PATCH, Contents, SemverTag
from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.metadata import Metadata, Port
from mvc.model.segment import Segment
from mvc.model.tree import Tree, TreeEntry

Sections = dict[str, Any]
LABELS = ((0, "helmet"), (1, "head"))
BASE: Sections = {
    "labelmap": LABELS,
    "model": {"name": "x", "framework": "ONNX", "type": "OBJECT_DETECTION"},
    "metrics": {"mAP50": 0.6},
    "parameters": {"lr": 0.1},
    "files": {},
}
FILES = {"model-latest": "w/best.onnx", "config": "cfg.yaml"}
IMAGES, BOXES = Port("images", "F32", (1, 3, 640, 640)), Port("boxes", "F32", (1, 6, 8400))


def _file(text: str) -> FileId:
    return FileId(digest(text.encode()))


def _snapshot(sections: Sections, files: dict[str, str], contents: dict[str, str]) -> Snapshot:
    entries = [TreeEntry(path, role, 1, _file(contents.get(role, role))) for role, path in files.items()]
    return Snapshot(Manifest(**{**BASE, **sections}), Tree.of(entries))


def _about(**values: object) -> Sections:
    return {"model": {key: value for key, value in {**BASE["model"], **values}.items() if value is not None}}


def _tensor(name: str, shape: tuple[int, ...] = (2,), dtype: str = "F32", data: str = "a", offset: int = 0) -> Segment:
    return Segment(offset, 8, name, dtype, shape, digest(data.encode()))


def _graph(*inputs: Port, outputs: tuple[Port, ...] = (BOXES,)) -> Metadata:
    return Metadata("onnx", inputs, outputs)


def _labels(*labels: tuple[int, str]) -> Sections:
    return {"labelmap": labels}


Row = tuple[str, Sections, dict[str, str], dict[str, str], str, str]
SECTIONS: list[tuple[Sections, Sections, str, str]] = [
    # old, new, level, reason
    ({}, {}, NONE, ""),
    ({}, _labels((0, "helmet")), MAJOR, "class head removed (it was 1)"),
    ({}, _labels(), MAJOR, "class helmet removed (it was 0)"),
    ({}, _labels((0, "head"), (1, "helmet")), MAJOR, "class helmet renumbered from 0 to 1"),
    ({}, _labels((0, "vest"), (1, "helmet"), (2, "head")), MAJOR, "class head renumbered from 1 to 2"),
    ({}, _labels((0, "hat"), (1, "head")), MAJOR, "class 0 renamed from helmet to hat"),
    ({}, _labels((0, "Helmet"), (1, "head")), MAJOR, "class 0 renamed from helmet to Helmet"),
    ({}, _labels((0, "helmet"), (2, "head")), MAJOR, "class head renumbered from 1 to 2"),
    ({}, _labels((1, "head")), MAJOR, "class helmet removed (it was 0)"),
    ({}, _labels((0, "helmet"), (1, "head"), (2, "vest")), MINOR, "class vest added as 2"),
    ({}, _labels((0, "helmet"), (1, "head"), (7, "vest")), MINOR, "class vest added as 7"),
    (_labels(), {}, MINOR, "class helmet added as 0"),
    (
        _labels((0, "helmet"), (2, "head")),
        _labels((0, "helmet"), (1, "vest"), (2, "head")),
        MINOR,
        "class vest added as 1",
    ),
    ({}, _labels((0, "helmet"), (1, "vest"), (2, "dog")), MAJOR, "class 1 renamed from head to vest"),
    ({}, _about(framework="PYTORCH"), MAJOR, "framework changed from ONNX to PYTORCH"),
    ({}, _about(framework=None), MAJOR, "framework changed from ONNX to none"),
    (_about(framework=None), {}, PATCH, "model changed: framework"),
    ({}, _about(type="SEGMENTATION"), MAJOR, "type changed from OBJECT_DETECTION to SEGMENTATION"),
    (_about(type=None), {}, PATCH, "model changed: type"),
    ({}, _about(description="new"), PATCH, "model changed: description"),
    ({}, _about(parent="base@v1"), PATCH, "model changed: parent"),
    ({}, {"metrics": {"mAP50": 0.7}}, PATCH, "metrics changed: mAP50"),
    ({}, {"metrics": {"mAP50": 0.5}}, PATCH, "metrics changed: mAP50"),
    ({}, {"metrics": {}}, PATCH, "metrics changed: mAP50"),
    ({}, {"metrics": {"a": 1, "b": 2, "c": 3}}, PATCH, "metrics changed: mAP50, a, b and 1 more"),
    ({}, {"parameters": {"lr": 0.2}}, PATCH, "parameters changed: lr"),
    ({}, {"parameters": {"lr": 0.1, "epochs": 3}}, PATCH, "parameters changed: epochs"),
    ({}, {"docker": {"image": "acme/helmets"}}, PATCH, "docker changed: image"),
    ({}, {"source": {"experiment": "e1"}}, PATCH, "source changed: experiment"),
    ({}, {"intent": {"ready_for": ["edge"]}}, PATCH, "intent changed: ready_for"),
    ({}, {**_labels((0, "helmet")), "metrics": {"mAP50": 0.9}}, MAJOR, "class head removed (it was 1)"),
    ({}, {**_labels(*LABELS, (2, "vest")), "metrics": {"mAP50": 0.9}}, MINOR, "class vest added as 2"),
]
ONNX = {"model-latest": "w/best.onnx"}
TREES: list[tuple[dict[str, str], dict[str, str], dict[str, str], str, str]] = [
    # old files, new files, new contents, level, reason
    (FILES, ONNX, {}, MAJOR, "role config removed"),
    (FILES, {}, {}, MAJOR, "role model-latest removed"),
    (ONNX, FILES, {}, MINOR, "role config added"),
    ({}, FILES, {}, MINOR, "role model-latest added"),
    (FILES, FILES, {"model-latest": "other"}, PATCH, "files changed: model-latest"),
    (FILES, FILES, {"config": "other"}, PATCH, "files changed: config"),
    (FILES, FILES, {"config": "x", "model-latest": "y"}, PATCH, "files changed: config, model-latest"),
    (ONNX, {"model-latest": "runs/2/best.onnx"}, {}, PATCH, "files moved: runs/2/best.onnx"),
    (ONNX, {"model-latest": "runs/2/best.onnx"}, {"model-latest": "y"}, PATCH, "files changed: model-latest"),
    (ONNX, {"model-latest": "w/best.pt"}, {"model-latest": "y"}, MAJOR, "role model-latest changed from .onnx to .pt"),
    (ONNX, {"model-latest": "w/best"}, {}, MAJOR, "role model-latest changed from .onnx to a file without a suffix"),
    (ONNX, {"model-latest": "w/BEST.ONNX"}, {}, PATCH, "files moved: w/BEST.ONNX"),
    (ONNX, {"weights": "w/best.onnx"}, {"weights": "model-latest"}, MAJOR, "role model-latest removed"),
    (FILES, {**ONNX, "notes": "n.txt"}, {}, MAJOR, "role config removed"),
    (FILES, FILES, {}, NONE, ""),
]
TENSORS: list[tuple[list[Segment], list[Segment], str, str]] = [
    ([_tensor("a")], [_tensor("a", data="b")], PATCH, "files changed: model-latest"),
    ([_tensor("a")], [_tensor("a", (3,))], MINOR, "shape of tensors of model-latest changed: a"),
    ([_tensor("a")], [_tensor("a", dtype="F16")], MAJOR, "dtype of tensors of model-latest changed: a"),
    ([_tensor("a")], [_tensor("a"), _tensor("b", data="c", offset=8)], MINOR, "tensors of model-latest added: b"),
    ([_tensor("a"), _tensor("b", data="c", offset=8)], [_tensor("a")], MINOR, "tensors of model-latest removed: b"),
    ([_tensor("a")], [_tensor("a")], PATCH, "files changed: model-latest"),
]
GRAPHS: list[tuple[Metadata, Metadata, str, str]] = [
    (_graph(IMAGES), _graph(IMAGES), PATCH, "files changed: model-latest"),
    (_graph(IMAGES), _graph(IMAGES._replace(shape=(1, 3, 1280, 1280))), MAJOR,
     "shape of input images of model-latest changed from 1x3x640x640 to 1x3x1280x1280"),
    (_graph(IMAGES), _graph(IMAGES._replace(shape=(None, 3, 640, 640))), MAJOR,
     "shape of input images of model-latest changed from 1x3x640x640 to [dynamic, 3, 640, 640]"),
    (_graph(IMAGES), _graph(IMAGES._replace(dtype="F16")), MAJOR,
     "dtype of input images of model-latest changed from F32 to F16"),
    (_graph(IMAGES), _graph(IMAGES._replace(name="x")), MAJOR, "input images of model-latest removed"),
    (_graph(IMAGES), _graph(IMAGES, Port("size", "I64", (2,))), MAJOR, "input size of model-latest added"),
    (_graph(IMAGES), _graph(IMAGES, outputs=(BOXES._replace(shape=(1, 7, 8400)),)), MINOR,
     "shape of output boxes of model-latest changed from 1x6x8400 to 1x7x8400"),
    (_graph(IMAGES), _graph(IMAGES, outputs=(BOXES._replace(dtype="F16"),)), MAJOR,
     "dtype of output boxes of model-latest changed from F32 to F16"),
    (_graph(IMAGES), _graph(IMAGES, outputs=(BOXES, BOXES._replace(name="masks"))), MINOR,
     "output masks of model-latest added"),
    (_graph(IMAGES), _graph(IMAGES, outputs=()), MAJOR, "output boxes of model-latest removed"),
]  # fmt: skip


def _cases() -> list[tuple[Snapshot, Snapshot, Contents, str, str]]:
    same = _snapshot({}, FILES, {})
    other = _snapshot({}, FILES, {"model-latest": "other"})
    rows = [
        (_snapshot(old, FILES, {}), _snapshot(new, FILES, {}), Contents(), level, reason)
        for old, new, level, reason in SECTIONS
    ]
    rows += [
        (_snapshot({}, old, {}), _snapshot({}, new, contents), Contents(), level, reason)
        for old, new, contents, level, reason in TREES
    ]
    rows += [
        (same, other, Contents({"model-latest": tensors.compare(old, new)}), level, reason)
        for old, new, level, reason in TENSORS
    ]
    return rows + [
        (same, other, Contents(graphs={"model-latest": (old, new)}), level, reason)
        for old, new, level, reason in GRAPHS
    ]


CASES = _cases()


def test_the_table_is_long() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("old", "new", "contents", "level", "reason"), CASES)
def test_a_change_requires_a_level(old: Snapshot, new: Snapshot, contents: Contents, level: str, reason: str) -> None:
    reasons = semver.reasons(old, new, contents)
    assert semver.level_of(reasons) == level
    assert next((first.text for first in reasons), "") == reason or reason in [each.text for each in reasons]
    assert [semver.LEVELS.index(each.level) for each in reasons] == sorted(
        (semver.LEVELS.index(each.level) for each in reasons), reverse=True
    )


@pytest.mark.parametrize(
    ("name", "level", "following"),
    [
        ("v1.2.3", MAJOR, "v2.0.0"),
        ("v1.2.3", MINOR, "v1.3.0"),
        ("1.2.3", PATCH, "1.2.4"),
        ("0.9.9", MINOR, "0.10.0"),
        ("0.1.0", MAJOR, "0.2.0"),
    ],
)
def test_the_next_tag_has_the_form_of_the_last(name: str, level: str, following: str) -> None:
    tag = semver.parsed(name)
    assert tag is not None
    assert (tag.name, tag.raised(level).name) == (name, following)


@pytest.mark.parametrize(
    "name", ["2026.1", "v1", "v1.2", "1.2.3-rc.1", "v01.2.3", "x1.2.3", "1.2.3.4", "v1.2.3\n", "V1.2.3"]
)
def test_other_tags_are_none(name: str) -> None:
    assert semver.parsed(name) is None


def test_ten_comes_after_nine() -> None:
    assert SemverTag("v", 1, 10, 0)[1:] > SemverTag("", 1, 9, 9)[1:]
