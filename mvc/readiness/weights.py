"""Conditions on what the header of a weight file records, compared with `model.toml`: classes and the input's size.

names of weights/best.onnx   {0: 'helmet', 1: 'head'}    labelmap            2 classes, in this order
images 1x3x640x640                                       parameters.imgsz    640
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from mvc.deferred import dataclass
from mvc.model.metadata import Metadata, Port
from mvc.model.toml.schema import dotted
from mvc.model.tree import TreeEntry
from mvc.readiness.files import HasFile
from mvc.readiness.fit import add_command
from mvc.readiness.subject import Subject
from mvc.readiness.values import FROM_FILE, MAX_CLASSES
from mvc.readiness.verdict import OK, Verdict, no, unknown

SIZE_KEYS = ("imgsz", "img_size", "image_size", "input_size", "input_shape")
"""Parameters that may have the size of the input in pixels, as trainers name it."""
CLASSIFICATION = "CLASSIFICATION"
"""The type of a model with one output for each class."""
_CHANNELS = (1, 3, 4)
_SIZES = re.compile(r"[0-9]{1,5}(?:[x,* ]+[0-9]{1,5})?\Z")
_IMAGE_RANK, _SCORES_RANK = 4, 2


@dataclass(frozen=True, slots=True)
class RecordsClasses:
    """The file with this role records its classes: their names, or their number as a classifier's output."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Read the header."""
        return _recorded(subject, self.role, lambda metadata: _class_count(metadata, subject) is not None)


@dataclass(frozen=True, slots=True)
class HasClassesOf:
    """The labelmap has the classes that the file with this role records, in the same order."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the number of classes, then their names."""
        entry, metadata = _metadata(subject, self.role)
        count = _class_count(metadata, subject) if metadata is not None else None
        if entry is None or metadata is None or count is None:
            return RecordsClasses(self.role)(subject)
        labels = subject.manifest.labelmap
        names = [name for _, name in metadata.classes]
        if count != len(labels):
            fix = _relabel_command(subject, names) if names else FROM_FILE
            return no(f"{entry.path} has {_classes(count)}, and the labelmap {_classes(len(labels))}", fix)
        for (number, label), name in zip(labels, names, strict=False):
            if label.strip() != name.strip():
                why = f"class {number} is {name!r} in {entry.path}, and {label!r} in the labelmap"
                return no(why, _relabel_command(subject, names))
        return OK


@dataclass(frozen=True, slots=True)
class RecordsSize:
    """The file with this role records the size of its input, and a parameter has it too."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Read the header, if there is such a parameter."""
        if _size_parameter(subject) is None:
            return no("no parameter has the size of the input")
        return _recorded(subject, self.role, lambda metadata: _image(metadata) is not None)


@dataclass(frozen=True, slots=True)
class HasSizeOf:
    """The parameter for the size of the input is the size that the file with this role records."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare height and width; a dimension that is not fixed fits any."""
        entry, metadata = _metadata(subject, self.role)
        parameter = _size_parameter(subject)
        image = _image(metadata) if metadata is not None else None
        if entry is None or parameter is None or image is None:
            return RecordsSize(self.role)(subject)
        key, given = parameter
        port, sizes = image
        expected = given * 2 if len(given) == 1 else given
        if all(size in (None, value) for size, value in zip(sizes, expected, strict=True)):
            return OK
        height, width = (size or value for size, value in zip(sizes, expected, strict=True))
        assignment = f"{dotted(('parameters', key))}={json.dumps(height if height == width else [height, width])}"
        shown = "x".join(map(str, given))
        return no(
            f"the input of {entry.path} is {port.text}, and parameters.{key} is {shown}",
            f"mvc set {shlex.quote(assignment)}",
        )


@dataclass(frozen=True, slots=True)
class IsFormat:
    """The file with this role has this format by its header."""

    role: str
    format: str

    def __call__(self, subject: Subject) -> Verdict:
        """Read the header."""
        entry, metadata = _metadata(subject, self.role)
        if entry is None or metadata is None:
            return _recorded(subject, self.role, lambda _: True)
        if metadata.format == self.format:
            return OK
        fix = add_command(self.role, subject, (f".{self.format}",))
        return no(f"{entry.path} is not in {self.format} format", fix)


def _metadata(subject: Subject, role: str) -> tuple[TreeEntry | None, Metadata | None]:
    entry = subject.file(role)
    return entry, subject.contents.metadata(entry) if entry is not None else None


def _recorded(subject: Subject, role: str, test: Any) -> Verdict:
    """Return ok if the metadata of a role's file passes `test`."""
    entry, metadata = _metadata(subject, role)
    if entry is None:
        return HasFile(role)(subject)
    if metadata is None:
        return unknown(f"the content of {role} is not in this repository")
    return OK if test(metadata) else no(f"{entry.path} does not record it")


def _class_count(metadata: Metadata, subject: Subject) -> int | None:
    """Return the number of classes of the names, else of the only output of a classifier; None for neither."""
    if metadata.classes:
        return len(metadata.classes)
    if subject.manifest.type != CLASSIFICATION or len(metadata.outputs) != 1:
        return None
    shape = metadata.outputs[0].shape
    return shape[-1] if shape is not None and len(shape) == _SCORES_RANK else None


def _classes(count: int) -> str:
    return f"{count} class" if count == 1 else f"{count} classes"


def _relabel_command(subject: Subject, names: Sequence[str]) -> str:
    """Return the command that gives the labelmap these names, if it is short enough."""
    labels = subject.manifest.labelmap
    if subject.manifest.labelmap_path is not None:
        return FROM_FILE
    first = labels[0][0] if labels else 0
    known = dict(labels)
    right = {first + order: name for order, name in enumerate(names)}
    wrong = [f"labelmap.{number}={name}" for number, name in right.items() if known.get(number) != name]
    extra = [f"labelmap.{number}" for number in known if number not in right]
    if len(wrong) + len(extra) > MAX_CLASSES:
        return FROM_FILE
    commands = [f"mvc set {shlex.join(wrong)}"] if wrong else []
    commands += [f"mvc unset {shlex.join(extra)}"] if extra else []
    return " && ".join(commands)


def _size_parameter(subject: Subject) -> tuple[str, list[int]] | None:
    """Return the parameter for the size of the input, with its one or two numbers."""
    for key in SIZE_KEYS:
        value = subject.manifest.parameters.get(key)
        if isinstance(value, str) and _SIZES.match(value):
            value = [int(number) for number in re.findall(r"[0-9]+", value)]
        sizes = [value] if type(value) is int else value
        if isinstance(sizes, list) and len(sizes) in (1, 2) and all(type(size) is int for size in sizes):
            return key, sizes
    return None


def _image(metadata: Metadata) -> tuple[Port, tuple[int | None, ...]] | None:
    """Return the only input that is an image, with its height and width."""
    images = [port for port in metadata.inputs if port.shape is not None and len(port.shape) == _IMAGE_RANK]
    if len(images) != 1 or images[0].shape is None:
        return None
    shape = images[0].shape
    if shape[1] in _CHANNELS:
        return images[0], shape[2:]
    return (images[0], shape[1:3]) if shape[3] in _CHANNELS else None
