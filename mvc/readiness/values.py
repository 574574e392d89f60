"""Conditions on the values of `model.toml`: type and framework, labelmap, parameters, metrics, docker."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Sequence

from mvc.deferred import dataclass
from mvc.model import labelmap
from mvc.model.paths import escape_name
from mvc.model.toml import schema
from mvc.model.toml.value_file import METRICS
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict, no, unknown

NOT_CONFIGURED = "NOT_CONFIGURED"
"""Picsellia's value for an unset type or framework."""
MOVING_TAG = "latest"
"""The docker tag that moves with every release."""
FROM_FILE = "mvc set labelmap.path=FILE"
"""The command that reads the classes from a file."""
MAX_CLASSES = 8
"""Classes named in one command, at most."""

# --- model


def has_name(subject: Subject) -> Verdict:
    """Check that the model's name is not blank."""
    return OK if subject.manifest.name.strip() else no("model.name is blank")


def has_type(subject: Subject) -> Verdict:
    """Check that `model.type` is set to a type that Picsellia knows."""
    return _is_known(subject.manifest.type, "model.type", schema.TYPES)


def has_framework(subject: Subject) -> Verdict:
    """Check that `model.framework` is set to a framework that Picsellia knows."""
    return _is_known(subject.manifest.framework, "model.framework", schema.FRAMEWORKS)


@dataclass(frozen=True, slots=True)
class TypeIs:
    """`model.type` is this one; unknown while it is not set."""

    type: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare `model.type`."""
        return _equals(subject.manifest.type, self.type, "model.type")


@dataclass(frozen=True, slots=True)
class FrameworkIs:
    """`model.framework` is this one; unknown while it is not set."""

    framework: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare `model.framework`."""
        return _equals(subject.manifest.framework, self.framework, "model.framework")


def _is_known(value: str | None, key: str, known: tuple[str, ...]) -> Verdict:
    if value in known and value != NOT_CONFIGURED:
        return OK
    is_unset = value is None or value == NOT_CONFIGURED
    why = f"{key} is not set" if is_unset else f"Picsellia does not know {value!r}"
    return no(why, f"mvc set {key}={key.partition('.')[2].upper()}")


def _equals(value: str | None, expected: str, key: str) -> Verdict:
    if value is None or value == NOT_CONFIGURED:
        return unknown(f"depends on {key}, which is not set")
    return OK if value == expected else no(f"{key} is {value}")


# --- labelmap, parameters, metrics


def has_labels(subject: Subject) -> Verdict:
    """Check that the labelmap has at least one class."""
    return OK if subject.manifest.labelmap else no("labelmap is not set", _relabel_command(subject, [0]))


def labels_are_valid(subject: Subject) -> Verdict:
    """Check that classes are numbered without gaps from 0 or 1, and that their names are unique and not blank."""
    labels = subject.manifest.labelmap
    gaps, nameless = labelmap.gaps(labels), labelmap.nameless(labels)
    duplicates = {name: numbers for name, numbers in labelmap.duplicates(labels).items() if name.strip()}
    reasons = [f"class {gap.start} is missing" for gap in gaps[:1]]
    reasons += [f"two classes are named {name!r}" for name in duplicates][:1]
    reasons += [f"class {number} has no name" for number in nameless[:1]]
    invalid = itertools.chain(*gaps, *(numbers[1:] for numbers in duplicates.values()), nameless)
    fix = _relabel_command(subject, [*itertools.islice(invalid, MAX_CLASSES + 1)])
    return no("; ".join(reasons), fix) if reasons else OK


def _relabel_command(subject: Subject, numbers: Sequence[int]) -> str:
    """Return the command that names these classes, or that reads all classes from a file if they are too many."""
    if subject.manifest.labelmap_path is not None or len(numbers) > MAX_CLASSES:
        return FROM_FILE
    return f"mvc set {' '.join(f'labelmap.{number}=NAME' for number in sorted(numbers))}"


def renumber_command(first: int) -> str:
    """Return the command that gives the first class this number."""
    return f"mvc set --first-class {first}"


@dataclass(frozen=True, slots=True)
class FirstClassIs:
    """The lowest class has this number."""

    number: int

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the first class, if there is one."""
        first = next((number for number, _ in subject.manifest.labelmap), None)
        return OK if first == self.number else no(f"the first class is {first}")


def has_parameters(subject: Subject) -> Verdict:
    """Check that there are parameters."""
    return OK if subject.manifest.parameters else no("no parameters are set")


@dataclass(frozen=True, slots=True)
class MetricAtLeast:
    """A metric is recorded, and is not below `minimum`."""

    name: str
    minimum: float

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the metric."""
        value = subject.manifest.metrics.get(self.name)
        if value is None:
            return no(f"metric {self.name} is not set")
        path = None if self.name in subject.manifest.own(METRICS) else subject.manifest.value_paths.get(METRICS)
        where = f" in {escape_name(path)}" if path is not None else ""
        return OK if value >= self.minimum else no(f"{self.name} is {value}{where}, below {self.minimum}")


# --- docker


def has_image(subject: Subject) -> Verdict:
    """Check that a docker image is set; and that it exists, if its registry may be asked."""
    if not subject.manifest.docker.get("image"):
        return no("docker.image is not set")
    return subject.outside.image() if subject.outside is not None else OK


def has_pinned_tag(subject: Subject) -> Verdict:
    """Check that a docker tag is set that does not move with every release."""
    tag = subject.manifest.docker.get("tag")
    if tag is None:
        return no("docker.tag is not set")
    return OK if tag != MOVING_TAG else no(f"{MOVING_TAG} moves with every release")


def set_flags_command(flags: Sequence[str]) -> str:
    """Return the command that sets exactly these docker flags."""
    return f"mvc set {shlex.quote(f'docker.flags={json.dumps(flags, ensure_ascii=False)}')}"


@dataclass(frozen=True, slots=True)
class HasFlags:
    """`docker.flags` has each of these, written `--gpus all`, `--gpus=all`, or as two items of the list."""

    flags: tuple[str, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """Look for each flag in `docker.flags`."""
        flags = list(subject.manifest.docker.get("flags", ()))
        given = f" {' '.join(flags).replace('=', ' ')} "
        missing = [flag for flag in self.flags if f" {flag} " not in given]
        return no(f"docker.flags lacks {', '.join(missing)}", set_flags_command([*flags, *missing])) if missing else OK
