"""What Picsellia's own programs and guides need of a version, use by use: the table of docs/reference/readiness.md.

No page or program was found by which the platform itself refuses a version; these are the needs of what runs on it. Uses
and their profiles are those of `mvc.model.toml.schema`.
"""

from __future__ import annotations

from mvc.readiness import sources as s
from mvc.readiness.conditions import AllOf, AnyOf, Elsewhere
from mvc.readiness.files import FileEndsIn, HasFile, ZipOfSavedModel, add, has_files
from mvc.readiness.rule import Need, Rule
from mvc.readiness.values import (
    FrameworkIs,
    HasFlags,
    LabelsBegin,
    TypeIs,
    has_framework,
    has_image,
    has_labels,
    has_name,
    has_parameters,
    has_pinned_tag,
    has_type,
    labels_in_order,
    set_flags,
)

_REQUIRED, _RECOMMENDED, _UNVERIFIED, _OPTIONAL = Need
_TENSORFLOW, _PYTORCH, _ONNX = FrameworkIs("TENSORFLOW"), FrameworkIs("PYTORCH"), FrameworkIs("ONNX")
_CHECKPOINTS = ("checkpoint-index-latest", "checkpoint-data-latest", "config")
_FLAGS = ("--gpus all", "--ipc host", "--name training")
_OLD_FLAGS = ("--gpus all", "--name training")
_CLASSES = "classes numbered without gaps from 0 or 1, each with a name of its own"


def _add(*roles: str) -> str:
    return " && ".join(map(add, roles))


_LATEST = HasFile("model-latest")
_REPLACE = "mvc set files.model-latest=FILE"
_TYPE, _LABELS = "mvc set model.type=TYPE", "mvc set labelmap.0=NAME"
_RENAME = "mvc set labelmap.NUMBER=NAME"
_RENUMBER = "mvc unset labelmap && mvc set labelmap.path=FILE"

_TRAINING = (
    Rule("docker-image", "training", "a docker image", _REQUIRED, has_image,
         "mvc set docker.image=IMAGE", sources=(s.OVERVIEW, s.TRAINABLE, s.DEPLOYER)),
    Rule("docker-tag", "training", "a docker tag that stays", _RECOMMENDED, has_pinned_tag,
         "mvc set docker.tag=TAG", sources=(s.DEPLOYER,)),
    Rule("docker-flags", "training/current", f"docker flags {', '.join(_FLAGS)}", _RECOMMENDED, HasFlags(_FLAGS),
         set_flags(_FLAGS), sources=(s.DEPLOYER, s.ENGINE)),
    Rule("docker-flags", "training/legacy", f"docker flags {', '.join(_OLD_FLAGS)}", _RECOMMENDED,
         HasFlags(_OLD_FLAGS), set_flags(_OLD_FLAGS), sources=(s.GUIDE, s.NOTEBOOK)),
    Rule("script-files", "training", "the files that the training script loads", _REQUIRED,
         Elsewhere("the training script"), sources=(s.TRAINABLE,)),
    Rule("pretrained-weights", "training/current", "a file pretrained-weights", _REQUIRED,
         HasFile("pretrained-weights"), _add("pretrained-weights"), sources=(s.INITIALIZER, s.PIPELINES)),
    Rule("config", "training/current", "a file config, where the framework reads one", _REQUIRED,
         AnyOf((HasFile("config"), Elsewhere("the training script"))), sources=(s.NAMESPACE, s.PIPELINES)),
    Rule("checkpoints", "training/legacy", f"files {', '.join(_CHECKPOINTS)}", _REQUIRED,
         AllOf(tuple(HasFile(role) for role in _CHECKPOINTS)), _add(*_CHECKPOINTS),
         when=AllOf((_TENSORFLOW, TypeIs("OBJECT_DETECTION"))), sources=(s.NAMESPACE,)),
    Rule("parameters", "training", "parameters, which an experiment begins with", _RECOMMENDED, has_parameters,
         "mvc set parameters.KEY=VALUE", sources=(s.TRAINABLE, s.GUIDE)),
    Rule("labelmap", "training", "a labelmap; scripts make one of the dataset", _OPTIONAL, has_labels,
         _LABELS, sources=(s.GUIDE,)),
    Rule("type-and-framework", "training", "type and framework", _RECOMMENDED, AllOf((has_type, has_framework)),
         "mvc set model.type=TYPE model.framework=FRAMEWORK", sources=(s.DEPLOYER,)),
)  # fmt: skip

_PRE_ANNOTATION = (
    Rule("type", "pre-annotation", "a type", _REQUIRED, has_type, _TYPE, sources=(*s.OLD_JOBS, s.YOLOV8)),
    Rule("labelmap", "pre-annotation", "a labelmap", _REQUIRED, has_labels, _LABELS, sources=(*s.OLD_JOBS, s.YOLOV8)),
    Rule("labelmap-classes", "pre-annotation", _CLASSES, _REQUIRED, labels_in_order, _RENAME, when=has_labels,
         sources=s.OLD_JOBS),
    Rule("dataset-type", "pre-annotation", "the type of the dataset, if that has one", _REQUIRED,
         Elsewhere("the dataset"), sources=(*s.OLD_JOBS, s.YOLOV8, s.PRE_ANNOTATION)),
    Rule("dataset-label", "pre-annotation/legacy", "a class at least that the dataset has", _REQUIRED,
         Elsewhere("the dataset"), sources=s.OLD_JOBS),
    Rule("model-latest", "pre-annotation/legacy", "a file model-latest", _REQUIRED, _LATEST,
         _add("model-latest"), sources=s.OLD_JOBS),
    Rule("saved-model", "pre-annotation/legacy", "model-latest is a zip of a SavedModel (TensorFlow job)", _REQUIRED,
         ZipOfSavedModel("model-latest"), _REPLACE, when=AllOf((_TENSORFLOW, _LATEST)), sources=(s.TENSORFLOW_JOB,)),
    Rule("onnx", "pre-annotation/legacy", "the name of model-latest ends in .onnx (YOLOX job)", _REQUIRED,
         FileEndsIn("model-latest", ".onnx"), _REPLACE, when=AllOf((_ONNX, _LATEST)), sources=(s.YOLOX_JOB,)),
    Rule("checkpoint", "pre-annotation/legacy", "a file checkpoint-index-latest, the .pt weights (YOLO job)", _REQUIRED,
         HasFile("checkpoint-index-latest"), _add("checkpoint-index-latest"), when=_PYTORCH, sources=(s.YOLO_JOB,)),
    Rule("pretrained-weights", "pre-annotation/current", "a file pretrained-weights", _REQUIRED,
         HasFile("pretrained-weights"), _add("pretrained-weights"), sources=(s.PRE_ANNOTATION,)),
    Rule("config", "pre-annotation/current", "a file config, where the job reads one", _REQUIRED,
         AnyOf((HasFile("config"), Elsewhere("the job"))), sources=(s.PRE_ANNOTATION,)),
    Rule("job-file", "pre-annotation/current", "the file that the job is told to load", _REQUIRED,
         Elsewhere("the job's parameter model_file_name"), sources=(s.YOLOV8,)),
    Rule("dataset-labels", "pre-annotation/current", "the dataset's classes, or a job that adds those it lacks",
         _REQUIRED, Elsewhere("the dataset, and the job's parameters"), sources=(s.YOLOV8,)),
)  # fmt: skip

_DEPLOYMENT = (
    Rule("model-latest", "deployment/serving", "a file model-latest", _REQUIRED, _LATEST,
         _add("model-latest"), sources=(s.NAMESPACE,)),
    Rule("type", "deployment/serving", "a type", _REQUIRED, has_type, _TYPE, sources=(s.DEPLOYMENT,)),
    Rule("labelmap", "deployment/serving", "a labelmap: predictions are class numbers", _REQUIRED, has_labels,
         _LABELS, sources=(s.PREDICTIONS,)),
    Rule("framework", "deployment/serving", "framework TENSORFLOW or ONNX", _UNVERIFIED,
         AllOf((has_framework, AnyOf((_TENSORFLOW, _ONNX)))), "mvc set model.framework=FRAMEWORK",
         sources=(s.TENSORFLOW_JOB, s.YOLOX_JOB)),
    Rule("type", "deployment/own", "a type", _RECOMMENDED, has_type, _TYPE, sources=(s.DEPLOY, s.DEPLOYMENT)),
    Rule("labelmap", "deployment/own", "a labelmap: predictions are class numbers", _RECOMMENDED, has_labels,
         _LABELS, sources=(s.DEPLOY, s.PREDICTIONS)),
    Rule("labelmap-classes", "deployment/serving", _CLASSES, _REQUIRED, labels_in_order, _RENAME, when=has_labels,
         sources=(s.PREDICTIONS,)),
)  # fmt: skip

_BASES = tuple(
    rule
    for use in ("pre-annotation", "deployment")
    for rule in (
        Rule("labels-from-1", use, "classes from 1, as TensorFlow counts", _UNVERIFIED, LabelsBegin(1), _RENUMBER,
             when=AllOf((has_labels, _TENSORFLOW)), sources=(s.REGISTER, s.GUIDE)),
        Rule("labels-from-0", use, "classes from 0, as YOLO and ONNX count", _UNVERIFIED, LabelsBegin(0), _RENUMBER,
             when=AllOf((has_labels, AnyOf((_PYTORCH, _ONNX)))), sources=(s.YOLO_JOB, s.YOLOX_JOB)),
    )
)  # fmt: skip

_CONVERSION = Rule(
    "job-file", "conversion", "the file that the job is told to convert: pretrained-weights, best-model", _REQUIRED,
    AnyOf((
        HasFile("pretrained-weights"),
        HasFile("best-model"),
        AllOf((has_files, Elsewhere("the job's parameter input_model_file_name"))),
    )),
    _add("pretrained-weights"), sources=(s.CONVERSION,),
)  # fmt: skip

_STORAGE = Rule("name", "storage", "a name", _REQUIRED, has_name, sources=(s.MODEL_VERSION,))

RULES: tuple[Rule, ...] = (*_TRAINING, *_PRE_ANNOTATION, *_DEPLOYMENT, *_BASES, _CONVERSION, _STORAGE)
"""Every rule, in the order in which a use's are shown."""
