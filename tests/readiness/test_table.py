"""Each rule of the table: when it is breached, met, not applicable, or unknown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mvc.model.metadata import Metadata, Port
from mvc.model.toml import schema
from mvc.readiness import verdict
from mvc.readiness.conditions import AllOf, AnyOf, Condition
from mvc.readiness.datasets import OfDatasets
from mvc.readiness.evaluation import with_profile
from mvc.readiness.files import HasFile, HasSuffix, ZipOfSavedModel
from mvc.readiness.outside import Dataset
from mvc.readiness.rule import Need, Rule
from mvc.readiness.subject import Subject
from mvc.readiness.table import RULES
from mvc.readiness.values import FirstClassIs, FrameworkIs, HasFlags, TypeIs
from mvc.readiness.weights import HasClassesOf, HasSizeOf, IsFormat, RecordsClasses, RecordsSize
from tests.readiness.subjects import LABELS, Answers, made, results

OK, NO, UNKNOWN = "ok", "no", "unknown"
TENSORFLOW: dict[str, Any] = {"framework": "TENSORFLOW"}
PYTORCH: dict[str, Any] = {"framework": "PYTORCH"}
ONNX: dict[str, Any] = {"framework": "ONNX"}
DETECTOR: dict[str, Any] = {"type": "OBJECT_DETECTION"}
FLAGS = ["--gpus all", "--ipc host", "--name training"]
CHECKPOINTS = ("checkpoint-index-latest", "checkpoint-data-latest", "config")
FROM_1 = ((1, "helmet"), (2, "head"))
ZIP = ("saved_model.pb", "variables/variables.index")


@dataclass(frozen=True)
class Row:
    """The expected result of a rule for each subject; None if it does not apply."""

    use: str
    name: str
    need: Need
    cases: tuple[tuple[Subject, str | None], ...]


def row(use: str, name: str, need: str, *cases: tuple[Subject, str | None]) -> Row:
    return Row(use, name, Need(need), cases)


TYPE = ((made(), NO), (made(type="NOT_CONFIGURED"), NO), (made(type="YOLO"), NO), (made(type="SEGMENTATION"), OK))
LABELMAP = ((made(), NO), (made(labelmap=LABELS), OK))
ELSEWHERE = ((made(), UNKNOWN), (made("config", labelmap=LABELS, **DETECTOR), UNKNOWN))
TRAFFIC = Dataset("traffic@12", "OBJECT_DETECTION", frozenset({"helmet", "head"}))
OTHER = Dataset("night@1", "SEGMENTATION", frozenset({"car", "head"}))
DARK = Dataset("dark@1", fault="access denied")


def beside(*datasets: Dataset, **sections: Any) -> Subject:
    """Return a version whose registry may be asked for these dataset versions."""
    return made(outside=Answers(*datasets), **sections)


OF_DATASETS = (*ELSEWHERE, (beside(labelmap=LABELS, **DETECTOR), UNKNOWN), (beside(DARK, labelmap=LABELS), UNKNOWN))
CLASSES = (
    (made(), None),
    (made(labelmap=LABELS), OK),
    (made(labelmap=FROM_1), OK),
    (made(labelmap=((0, "a"), (2, "b"))), NO),
    (made(labelmap=((2, "a"), (3, "b"))), NO),
    (made(labelmap=((0, "a"), (1, "a"))), NO),
    (made(labelmap=((0, "a"), (1, " "))), NO),
)
BASE_1 = (
    (made(**TENSORFLOW), None),
    (made(labelmap=LABELS, **TENSORFLOW), NO),
    (made(labelmap=FROM_1, **TENSORFLOW), OK),
    (made(labelmap=LABELS, **ONNX), None),
    (made(labelmap=LABELS), UNKNOWN),
    (made(labelmap=FROM_1), OK),
)
BASE_0 = (
    (made(**ONNX), None),
    (made(labelmap=FROM_1, **ONNX), NO),
    (made(labelmap=FROM_1, **PYTORCH), NO),
    (made(labelmap=LABELS, **PYTORCH), OK),
    (made(labelmap=FROM_1, **TENSORFLOW), None),
    (made(labelmap=FROM_1), UNKNOWN),
)


def has(role: str) -> tuple[tuple[Subject, str | None], ...]:
    """Return cases for one file of exactly this role: not of another role, not the files of a pattern."""
    return ((made(), NO), (made("other"), NO), (made(f"{role}/a=a", f"{role}/b=b"), NO), (made(role), OK))


def folder(*inside: str, files: dict[str, str] | None = None) -> Subject:
    """Return a version with a folder as model-latest."""
    named = [f"model-latest/{path}=exported/{path}" for path in inside]
    return made(*named, files=files or {"model-latest": "exported/**"}, **TENSORFLOW)


def docker(**values: object) -> Subject:
    return made(docker=values)


def recording(role: str, *names: str, inputs: tuple[int | None, ...] = (), **sections: Any) -> Subject:
    """Return a version whose file of `role` records these classes and the shape of its input."""
    ports = (Port("images", "F32", inputs),) if inputs else ()
    metadata = Metadata("onnx", ports, (Port("scores", "F32", (None, 2)),), classes=tuple(enumerate(names)))
    return made(role, holds={role: metadata}, **sections)


def weights_classes(role: str) -> tuple[tuple[Subject, str | None], ...]:
    return (
        (recording(role, "helmet", "head"), None),
        (made(labelmap=LABELS), None),
        (made(role, labelmap=LABELS), UNKNOWN),
        (recording(role, labelmap=LABELS), None),
        (recording(role, labelmap=LABELS, type="CLASSIFICATION"), OK),
        (recording(role, labelmap=LABELS[:1], type="CLASSIFICATION"), NO),
        (recording(role, "helmet", "head", labelmap=LABELS), OK),
        (recording(role, "helmet", "head", labelmap=FROM_1), OK),
        (recording(role, "head", "helmet", labelmap=LABELS), NO),
        (recording(role, "helmet", "head", "vest", labelmap=LABELS), NO),
        (recording(role, "helmet", labelmap=LABELS), NO),
    )


def weights_size(role: str) -> tuple[tuple[Subject, str | None], ...]:
    at_640: dict[str, Any] = {"parameters": {"imgsz": 640}}
    return (
        (recording(role, inputs=(1, 3, 640, 640)), None),
        (made(**at_640), None),
        (made(role, **at_640), UNKNOWN),
        (recording(role, **at_640), None),
        (recording(role, inputs=(1, 8), **at_640), None),
        (recording(role, inputs=(1, 3, 640, 640), **at_640), OK),
        (recording(role, inputs=(None, 3, None, None), **at_640), OK),
        (recording(role, inputs=(1, 640, 640, 3), **at_640), OK),
        (recording(role, inputs=(1, 3, 320, 320), **at_640), NO),
        (recording(role, inputs=(1, 3, 480, 640), parameters={"imgsz": [480, 640]}), OK),
        (recording(role, inputs=(1, 3, 480, 640), parameters={"imgsz": "480x640"}), OK),
        (recording(role, inputs=(1, 3, 480, 640), parameters={"imgsz": [640, 480]}), NO),
    )


WEIGHTS = {
    "training/current": "pretrained-weights",
    "pre-annotation/current": "pretrained-weights",
    "pre-annotation/legacy": "model-latest",
    "deployment/serving": "model-latest",
    "deployment/own": "model-latest",
}
ROWS = (
    *(row(use, "weights-classes", "unverified", *weights_classes(role)) for use, role in WEIGHTS.items()),
    *(row(use, "weights-size", "unverified", *weights_size(role)) for use, role in WEIGHTS.items()),
    row(
        "deployment/serving",
        "onnx",
        "unverified",
        (made(**ONNX), None),
        (made("model-latest", **PYTORCH), None),
        (made("model-latest", holds={"model-latest": ""}), UNKNOWN),
        (made("model-latest", **ONNX), UNKNOWN),
        (made("model-latest", holds={"model-latest": ""}, **ONNX), NO),
        (made("model-latest", holds={"model-latest": "torch"}, **ONNX), NO),
        (made("model-latest=notes.txt", holds={"model-latest": "onnx"}, **ONNX), OK),
    ),
    row(
        "training",
        "docker-image",
        "required",
        (made(), NO),
        (docker(tag="1"), NO),
        (docker(image="acme/yolo"), OK),
        (made(docker={"image": "acme/yolo"}, outside=Answers(image=verdict.no("gone"))), NO),
        (made(docker={"image": "acme/yolo"}, outside=Answers(image=verdict.unknown("denied"))), UNKNOWN),
        (made(docker={"image": "acme/yolo"}, outside=Answers()), OK),
    ),
    row("training", "docker-tag", "recommended", (made(), NO), (docker(tag="latest"), NO), (docker(tag="1.4"), OK)),
    row(
        "training/current",
        "docker-flags",
        "recommended",
        (made(), NO),
        (docker(flags=FLAGS[:2]), NO),
        (docker(flags=["--gpus all", "--ipc host", "--name trainings"]), NO),
        (docker(flags=FLAGS), OK),
        (docker(flags=["--name=training", "--shm-size=1g", "--gpus", "all", "--ipc=host"]), OK),
    ),
    row("training/legacy", "docker-flags", "recommended", (made(), NO), (docker(flags=[FLAGS[0], FLAGS[2]]), OK)),
    row("training", "script-files", "required", *ELSEWHERE),
    row("training/current", "pretrained-weights", "required", *has("pretrained-weights")),
    row("training/current", "config", "required", (made(), UNKNOWN), (made("config"), OK)),
    row(
        "training/legacy",
        "checkpoints",
        "required",
        (made(), UNKNOWN),
        (made(**TENSORFLOW), UNKNOWN),
        (made(type="CLASSIFICATION", **TENSORFLOW), None),
        (made(**PYTORCH, **DETECTOR), None),
        (made(**TENSORFLOW, **DETECTOR), NO),
        *((made(*pair, **TENSORFLOW, **DETECTOR), NO) for pair in itertools.combinations(CHECKPOINTS, 2)),
        (made(*CHECKPOINTS, **TENSORFLOW, **DETECTOR), OK),
        (made(*CHECKPOINTS), OK),
    ),
    row("training", "parameters", "recommended", (made(), NO), (made(parameters={"epochs": 0}), OK)),
    row("training", "labelmap", "optional", *LABELMAP),
    row(
        "training",
        "type-and-framework",
        "recommended",
        (made(), NO),
        (made(**DETECTOR), NO),
        (made(**ONNX), NO),
        (made(framework="YOLOV8", **DETECTOR), NO),
        (made(framework="NOT_CONFIGURED", **DETECTOR), NO),
        (made(**ONNX, **DETECTOR), OK),
    ),
    row("pre-annotation", "type", "required", *TYPE),
    row("pre-annotation", "labelmap", "required", *LABELMAP),
    row("pre-annotation", "labelmap-classes", "required", *CLASSES),
    row(
        "pre-annotation",
        "dataset-type",
        "required",
        *OF_DATASETS,
        (beside(TRAFFIC, **DETECTOR), OK),
        (beside(replace(TRAFFIC, type=None), **DETECTOR), OK),
        (beside(TRAFFIC), UNKNOWN),
        (beside(TRAFFIC, OTHER, **DETECTOR), NO),
    ),
    row(
        "pre-annotation/legacy",
        "dataset-label",
        "required",
        *OF_DATASETS,
        (beside(TRAFFIC), UNKNOWN),
        (beside(TRAFFIC, OTHER, labelmap=LABELS), OK),
        (beside(OTHER, labelmap=LABELS[:1]), NO),
        (beside(TRAFFIC, OTHER, labelmap=LABELS[:1]), NO),
        (beside(Dataset("empty@1"), labelmap=LABELS), NO),
    ),
    row("pre-annotation/legacy", "model-latest", "required", *has("model-latest")),
    row(
        "pre-annotation/legacy",
        "saved-model",
        "required",
        (made(**TENSORFLOW), None),
        (made("model-latest", **ONNX), None),
        (made("model-latest", **TENSORFLOW), UNKNOWN),
        (made("model-latest", holds={"model-latest": ()}, **TENSORFLOW), NO),
        (made("model-latest", holds={"model-latest": ("saved_model/saved_model.pb",)}, **TENSORFLOW), NO),
        (made("model-latest", holds={"model-latest": ZIP}, **TENSORFLOW), OK),
        (made("model-latest", holds={"model-latest": ()}), UNKNOWN),
        (folder("saved_model.pb", "variables/variables.index"), OK),
        (folder("1/saved_model.pb"), None),  # file by file: no file has the role
        (folder("saved_model.pb", files={"model-latest": "saved_model.pb"}), None),
    ),
    row(
        "pre-annotation/legacy",
        "onnx",
        "required",
        (made(**ONNX), None),
        (made("model-latest=a.onnx", **PYTORCH), None),
        (made("model-latest=a.pt", **ONNX), NO),
        (made("model-latest=w/A.ONNX", **ONNX), OK),
        (made("model-latest=a.pt"), UNKNOWN),
    ),
    row(
        "pre-annotation/legacy",
        "checkpoint",
        "required",
        (made(**TENSORFLOW), None),
        (made("model-latest", **PYTORCH), NO),
        (made("checkpoint-index-latest=a.pt", **PYTORCH), OK),
        (made(), UNKNOWN),
    ),
    row("pre-annotation/current", "pretrained-weights", "required", *has("pretrained-weights")),
    row("pre-annotation/current", "config", "required", (made(), UNKNOWN), (made("config"), OK)),
    row("pre-annotation/current", "job-file", "required", *ELSEWHERE),
    row(
        "pre-annotation/current",
        "dataset-labels",
        "required",
        *OF_DATASETS,
        (beside(TRAFFIC, labelmap=LABELS), OK),
        (beside(TRAFFIC, labelmap=LABELS[:1]), UNKNOWN),
        (beside(TRAFFIC, OTHER, labelmap=LABELS), UNKNOWN),
    ),
    row("deployment/serving", "model-latest", "required", *has("model-latest")),
    row("deployment/serving", "type", "required", *TYPE),
    row("deployment/serving", "labelmap", "required", *LABELMAP),
    row("deployment/serving", "labelmap-classes", "required", *CLASSES),
    row(
        "deployment/serving",
        "framework",
        "unverified",
        (made(), NO),
        (made(**PYTORCH), NO),
        (made(**ONNX), OK),
        (made(**TENSORFLOW), OK),
    ),
    row("deployment/own", "type", "recommended", *TYPE),
    row("deployment/own", "labelmap", "recommended", *LABELMAP),
    row(
        "conversion",
        "job-file",
        "required",
        (made(), NO),
        (made("other"), UNKNOWN),
        (made("pretrained-weights"), OK),
        (made("best-model"), OK),
    ),
    row("storage", "name", "required", (made(), OK), (made("other", **ONNX), OK)),
    row("pre-annotation", "labels-from-1", "unverified", *BASE_1),
    row("pre-annotation", "labels-from-0", "unverified", *BASE_0),
    row("deployment", "labels-from-1", "unverified", *BASE_1),
    row("deployment", "labels-from-0", "unverified", *BASE_0),
)


def rule_of(row: Row) -> Rule:
    (rule,) = [rule for rule in RULES if (rule.use, rule.name) == (row.use, row.name)]
    return rule


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.use}-{row.name}".replace("/", "-"))
def test_a_row(row: Row) -> None:
    assert rule_of(row).need is row.need
    for profile in schema.PROFILES.get(row.use, ()):
        for subject, expected in row.cases:
            assert results(subject, f"{row.use}/{profile}").get(row.name) == expected
    for subject, expected in row.cases:
        assert results(subject, with_profile(row.use)).get(row.name) == expected


OTHERS: dict[type, dict[str, Any]] = {
    HasClassesOf: {"role": "another"},
    HasFile: {"role": "another"},
    HasSizeOf: {"role": "another"},
    OfDatasets: {"test": lambda subject, dataset: verdict.no("always")},
    IsFormat: {"format": "torch"},
    RecordsClasses: {"role": "another"},
    RecordsSize: {"role": "another"},
    HasSuffix: {"suffix": ".pt"},
    ZipOfSavedModel: {"role": "another"},
    TypeIs: {"type": "MASK"},
    FrameworkIs: {"framework": "CAFFE"},
    HasFlags: {"flags": ("--rm",)},
    FirstClassIs: {"number": 7},
}
"""Another parameter for each condition that has one."""


def constant(result: str) -> Condition:
    return lambda _: verdict.Verdict(verdict.Result(result))


def wrong(condition: Condition) -> Iterator[Condition]:
    """Yield mistaken variants of `condition`: another parameter, a part too few, "or" for "and"."""
    if isinstance(condition, AllOf | AnyOf):
        yield (AnyOf if isinstance(condition, AllOf) else AllOf)(condition.parts)
        for number, part in enumerate(condition.parts):
            before, after = condition.parts[:number], condition.parts[number + 1 :]
            yield type(condition)(before + after)
            yield from (type(condition)((*before, each, *after)) for each in wrong(part))
    elif type(condition) in OTHERS:
        yield replace(condition, **OTHERS[type(condition)])  # type: ignore[type-var]


def mistakes(rule: Rule) -> Iterator[Rule]:
    """Yield variants of the rule, each with one mistake."""
    yield from (replace(rule, test=constant(result)) for result in (OK, NO, UNKNOWN))
    yield from (replace(rule, test=test) for test in wrong(rule.test))
    if rule.when is not None:
        yield from (replace(rule, when=when) for when in (None, constant(NO), constant(UNKNOWN), *wrong(rule.when)))


def said(rule: Rule, subject: Subject) -> str | None:
    found = rule.evaluate(subject)
    return found.result.value if found is not None else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.use}-{row.name}".replace("/", "-"))
def test_a_row_fails_for_every_mistake_in_its_rule(row: Row) -> None:
    """But for what is no mistake: a name, which every model has, and what is elsewhere, is always so."""
    rule = rule_of(row)
    results = {expected for _, expected in row.cases}
    for mistake in mistakes(rule):
        if results in ({OK}, {UNKNOWN}) and {said(mistake, subject) for subject, _ in row.cases} == results:
            continue
        assert any(said(mistake, subject) != expected for subject, expected in row.cases), mistake


def test_every_rule_has_its_row() -> None:
    assert sorted((rule.use, rule.name) for rule in RULES) == sorted((row.use, row.name) for row in ROWS)


def test_every_breach_has_a_command_and_every_rule_a_source() -> None:
    for row in ROWS:
        rule = rule_of(row)
        breaks = any(expected == NO for _, expected in row.cases)
        assert rule.fix.startswith(("mvc ", "python3 -m zipfile ")) if breaks else not rule.fix, rule
        assert rule.sources, rule
        assert all(source.startswith("https://") for source in rule.sources)


def test_a_use_has_each_name_once() -> None:
    for use, profiles in schema.PROFILES.items():
        for profile in profiles or ("",):
            names = [rule.name for rule in RULES if rule.is_of(f"{use}/{profile}".rstrip("/"))]
            assert names
            assert len(set(names)) == len(names)
