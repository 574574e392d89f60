"""Picsellia's rules: the requirements of its programs and guides for each use, listed in docs/reference/readiness.md.

The platform itself refuses no version, as far as its documentation and public code show; the rules come from the
programs that run on it. Uses and profiles are those of `mvc.model.toml.schema`.
"""

from __future__ import annotations

from mvc.readiness import sources as s
from mvc.readiness.conditions import AllOf, AnyOf, External
from mvc.readiness.datasets import OfDatasets, has_classes_of, has_type_of, shares_class
from mvc.readiness.files import HasFile, HasSuffix, ZipOfSavedModel, has_files
from mvc.readiness.fit import add_command
from mvc.readiness.rule import Need, Rule
from mvc.readiness.values import (
    FirstClassIs,
    FrameworkIs,
    HasFlags,
    TypeIs,
    has_framework,
    has_image,
    has_labels,
    has_name,
    has_parameters,
    has_pinned_tag,
    has_type,
    labels_are_valid,
    renumber_command,
    set_flags_command,
)
from mvc.readiness.weights import HasClassesOf, HasSizeOf, IsFormat, RecordsClasses, RecordsSize

_REQUIRED, _RECOMMENDED, _UNVERIFIED, _OPTIONAL = Need
_TENSORFLOW, _PYTORCH, _ONNX = FrameworkIs("TENSORFLOW"), FrameworkIs("PYTORCH"), FrameworkIs("ONNX")
_CHECKPOINTS = ("checkpoint-index-latest", "checkpoint-data-latest", "config")
_FLAGS = ("--gpus all", "--ipc host", "--name training")
_OLD_FLAGS = ("--gpus all", "--name training")
_CLASSES = "classes numbered without gaps from 0 or 1, with unique names"


def _add(*roles: str) -> str:
    return " && ".join(map(add_command, roles))


_LATEST = HasFile("model-latest")
_REPLACE = "mvc set files.model-latest=FILE"
_TYPE, _LABELS = "mvc set model.type=TYPE", "mvc set labelmap.0=NAME"
_RENAME = "mvc set labelmap.NUMBER=NAME"
_ZIP = f"python3 -m zipfile -c saved_model.zip FOLDER/. && {_REPLACE.replace('FILE', 'saved_model.zip')}"

_TRAINING = (
    Rule("docker-image", "training", "a docker image", _REQUIRED, has_image,
         "mvc set docker.image=IMAGE", sources=(s.OVERVIEW, s.TRAINABLE, s.DEPLOYER)),
    Rule("docker-tag", "training", "a docker tag other than latest", _RECOMMENDED, has_pinned_tag,
         "mvc set docker.tag=TAG", sources=(s.DEPLOYER,)),
    Rule("docker-flags", "training/current", f"docker flags {', '.join(_FLAGS)}", _RECOMMENDED, HasFlags(_FLAGS),
         set_flags_command(_FLAGS), sources=(s.DEPLOYER, s.ENGINE)),
    Rule("docker-flags", "training/legacy", f"docker flags {', '.join(_OLD_FLAGS)}", _RECOMMENDED,
         HasFlags(_OLD_FLAGS), set_flags_command(_OLD_FLAGS), sources=(s.GUIDE, s.NOTEBOOK)),
    Rule("script-files", "training", "the files that the training script loads", _REQUIRED,
         External("the training script"), sources=(s.TRAINABLE,)),
    Rule("pretrained-weights", "training/current", "a file with role pretrained-weights", _REQUIRED,
         HasFile("pretrained-weights"), _add("pretrained-weights"), sources=(s.INITIALIZER, s.PIPELINES)),
    Rule("config", "training/current", "a file with role config, if the framework reads one", _REQUIRED,
         AnyOf((HasFile("config"), External("the training script"))), sources=(s.NAMESPACE, s.PIPELINES)),
    Rule("checkpoints", "training/legacy", f"files with roles {', '.join(_CHECKPOINTS)}", _REQUIRED,
         AllOf(tuple(HasFile(role) for role in _CHECKPOINTS)), _add(*_CHECKPOINTS),
         when=AllOf((_TENSORFLOW, TypeIs("OBJECT_DETECTION"))), sources=(s.NAMESPACE,)),
    Rule("parameters", "training", "parameters (the defaults of an experiment)", _RECOMMENDED, has_parameters,
         "mvc set parameters.KEY=VALUE", sources=(s.TRAINABLE, s.GUIDE)),
    Rule("labelmap", "training", "a labelmap (scripts derive one from the dataset)", _OPTIONAL, has_labels,
         _LABELS, sources=(s.GUIDE,)),
    Rule("type-and-framework", "training", "type and framework", _RECOMMENDED, AllOf((has_type, has_framework)),
         "mvc set model.type=TYPE model.framework=FRAMEWORK", sources=(s.DEPLOYER,)),
)  # fmt: skip

_PRE_ANNOTATION = (
    Rule("type", "pre-annotation", "a type", _REQUIRED, has_type, _TYPE, sources=(*s.OLD_JOBS, s.YOLOV8)),
    Rule("labelmap", "pre-annotation", "a labelmap", _REQUIRED, has_labels, _LABELS, sources=(*s.OLD_JOBS, s.YOLOV8)),
    Rule("labelmap-classes", "pre-annotation", _CLASSES, _REQUIRED, labels_are_valid, _RENAME, when=has_labels,
         sources=s.OLD_JOBS),
    Rule("dataset-type", "pre-annotation", "the type of the dataset, if it has one", _REQUIRED,
         OfDatasets("the dataset", has_type_of), _TYPE, sources=(*s.OLD_JOBS, s.YOLOV8, s.PRE_ANNOTATION)),
    Rule("dataset-label", "pre-annotation/legacy", "at least one class of the dataset", _REQUIRED,
         OfDatasets("the dataset", shares_class), _RENAME, sources=s.OLD_JOBS),
    Rule("model-latest", "pre-annotation/legacy", "a file with role model-latest", _REQUIRED, _LATEST,
         _add("model-latest"), sources=s.OLD_JOBS),
    Rule("saved-model", "pre-annotation/legacy", "a zip of a SavedModel as model-latest (TensorFlow job)", _REQUIRED,
         ZipOfSavedModel("model-latest"), _ZIP, when=AllOf((_TENSORFLOW, _LATEST)), sources=(s.TENSORFLOW_JOB,)),
    Rule("onnx", "pre-annotation/legacy", "an .onnx file as model-latest (YOLOX job)", _REQUIRED,
         HasSuffix("model-latest", ".onnx"), _REPLACE, when=AllOf((_ONNX, _LATEST)), sources=(s.YOLOX_JOB,)),
    Rule("checkpoint", "pre-annotation/legacy", "a file with role checkpoint-index-latest: .pt weights (YOLO job)", _REQUIRED,
         HasFile("checkpoint-index-latest"), _add("checkpoint-index-latest"), when=_PYTORCH, sources=(s.YOLO_JOB,)),
    Rule("pretrained-weights", "pre-annotation/current", "a file with role pretrained-weights", _REQUIRED,
         HasFile("pretrained-weights"), _add("pretrained-weights"), sources=(s.PRE_ANNOTATION,)),
    Rule("config", "pre-annotation/current", "a file with role config, if the job reads one", _REQUIRED,
         AnyOf((HasFile("config"), External("the job"))), sources=(s.PRE_ANNOTATION,)),
    Rule("job-file", "pre-annotation/current", "the file that the job loads", _REQUIRED,
         External("the job's parameter model_file_name"), sources=(s.YOLOV8,)),
    Rule("dataset-labels", "pre-annotation/current", "the classes of the dataset, or a job that adds missing ones",
         _REQUIRED, OfDatasets("the dataset and the job's parameters", has_classes_of), sources=(s.YOLOV8,)),
)  # fmt: skip

_DEPLOYMENT = (
    Rule("model-latest", "deployment/serving", "a file with role model-latest", _REQUIRED, _LATEST,
         _add("model-latest"), sources=(s.NAMESPACE,)),
    Rule("type", "deployment/serving", "a type", _REQUIRED, has_type, _TYPE, sources=(s.DEPLOYMENT,)),
    Rule("labelmap", "deployment/serving", "a labelmap (predictions are class numbers)", _REQUIRED, has_labels,
         _LABELS, sources=(s.PREDICTIONS,)),
    Rule("framework", "deployment/serving", "weights of a framework that is served: TENSORFLOW or ONNX", _UNVERIFIED,
         AllOf((has_framework, AnyOf((_TENSORFLOW, _ONNX)))),
         f"{_REPLACE} model.framework=FRAMEWORK",  # with its weights: another name alone would be a false value
         sources=(s.TENSORFLOW_JOB, s.YOLOX_JOB)),
    Rule("onnx", "deployment/serving", "an ONNX model as model-latest, by its header", _UNVERIFIED,
         IsFormat("model-latest", "onnx"), _REPLACE, when=AllOf((_ONNX, _LATEST)), sources=(s.YOLOX_JOB,)),
    Rule("type", "deployment/own", "a type", _RECOMMENDED, has_type, _TYPE, sources=(s.DEPLOY, s.DEPLOYMENT)),
    Rule("labelmap", "deployment/own", "a labelmap (predictions are class numbers)", _RECOMMENDED, has_labels,
         _LABELS, sources=(s.DEPLOY, s.PREDICTIONS)),
    Rule("labelmap-classes", "deployment/serving", _CLASSES, _REQUIRED, labels_are_valid, _RENAME, when=has_labels,
         sources=(s.PREDICTIONS,)),
)  # fmt: skip

_BASES = tuple(
    rule
    for use in ("pre-annotation", "deployment")
    for rule in (
        Rule("labels-from-1", use, "classes numbered from 1, as in TensorFlow", _UNVERIFIED, FirstClassIs(1), renumber_command(1),
             when=AllOf((has_labels, _TENSORFLOW)), sources=(s.REGISTER, s.GUIDE)),
        Rule("labels-from-0", use, "classes numbered from 0, as in YOLO and ONNX", _UNVERIFIED, FirstClassIs(0), renumber_command(0),
             when=AllOf((has_labels, AnyOf((_PYTORCH, _ONNX)))), sources=(s.YOLO_JOB, s.YOLOX_JOB)),
    )
)  # fmt: skip

_WEIGHTS = tuple(
    rule
    for use, role in (
        ("training/current", "pretrained-weights"),
        ("pre-annotation/current", "pretrained-weights"),
        ("pre-annotation/legacy", "model-latest"),
        ("deployment/serving", "model-latest"),
        ("deployment/own", "model-latest"),
    )
    for rule in (
        Rule("weights-classes", use, f"the classes that {role} records", _UNVERIFIED, HasClassesOf(role),
             "mvc set labelmap.NUMBER=NAME", when=AllOf((has_labels, RecordsClasses(role))),
             sources=(s.IR, s.EXPORTER)),
        Rule("weights-size", use, f"the input size that {role} records", _UNVERIFIED, HasSizeOf(role),
             "mvc set parameters.KEY=VALUE", when=RecordsSize(role), sources=(s.IR, s.EXPORTER)),
    )
)  # fmt: skip

_CONVERSION = Rule(
    "job-file", "conversion", "the file that the job converts: pretrained-weights or best-model", _REQUIRED,
    AnyOf((
        HasFile("pretrained-weights"),
        HasFile("best-model"),
        AllOf((has_files, External("the job's parameter input_model_file_name"))),
    )),
    _add("pretrained-weights"), sources=(s.CONVERSION,),
)  # fmt: skip

_STORAGE = Rule("name", "storage", "a name", _REQUIRED, has_name, sources=(s.MODEL_VERSION,))

RULES: tuple[Rule, ...] = (*_TRAINING, *_PRE_ANNOTATION, *_DEPLOYMENT, *_BASES, *_WEIGHTS, _CONVERSION, _STORAGE)
"""Every rule, in the order of display."""
