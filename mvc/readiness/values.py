"""Conditions on what `model.toml` says: type and framework, labelmap, parameters, metrics, docker."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from mvc.model import labelmap
from mvc.model.toml import schema
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict, no, unknown

NOT_CONFIGURED = "NOT_CONFIGURED"
"""Picsellia's word for what nobody has said."""
MOVING = "latest"
"""The tag that stands for another image with every release."""
_NAMED = 8
"""Classes that one command names, at most."""

# --- about


def has_name(subject: Subject) -> Verdict:
    """The model has a name, as every model has."""
    return OK if subject.manifest.name.strip() else no("model.name is blank")


def has_type(subject: Subject) -> Verdict:
    """What the model infers is said, in one of Picsellia's words."""
    return _word(subject.manifest.type, "model.type", schema.TYPES)


def has_framework(subject: Subject) -> Verdict:
    """What the model is built with is said, in one of Picsellia's words."""
    return _word(subject.manifest.framework, "model.framework", schema.FRAMEWORKS)


@dataclass(frozen=True, slots=True)
class TypeIs:
    """The model infers this; unknown while nobody has said what it infers."""

    word: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare `model.type`."""
        return _is(subject.manifest.type, self.word, "model.type")


@dataclass(frozen=True, slots=True)
class FrameworkIs:
    """The model is built with this; unknown while nobody has said what with."""

    word: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare `model.framework`."""
        return _is(subject.manifest.framework, self.word, "model.framework")


def _word(word: str | None, key: str, words: tuple[str, ...]) -> Verdict:
    if word in words and word != NOT_CONFIGURED:
        return OK
    unset = word is None or word == NOT_CONFIGURED
    why = f"{key} is not set" if unset else f"Picsellia does not know {word!r}"
    return no(why, f"mvc set {key}={key.partition('.')[2].upper()}")


def _is(word: str | None, wanted: str, key: str) -> Verdict:
    if word is None or word == NOT_CONFIGURED:
        return unknown(f"it depends on {key}, which is not set")
    return OK if word == wanted else no(f"{key} is {word}")


# --- labelmap, parameters, metrics


def has_labels(subject: Subject) -> Verdict:
    """There is a labelmap, with a class at least."""
    return OK if subject.manifest.labelmap else no("there is no labelmap", _relabel(subject, [0]))


def labels_in_order(subject: Subject) -> Verdict:
    """Classes are numbered without gaps from 0 or 1, and each has a name of its own."""
    labels = subject.manifest.labelmap
    gaps, nameless = labelmap.gaps(labels), labelmap.nameless(labels)
    twins = {name: numbers for name, numbers in labelmap.duplicates(labels).items() if name.strip()}
    found = [f"class {gap.start} is missing" for gap in gaps[:1]]
    found += [f"two classes are called {name!r}" for name in twins][:1]
    found += [f"class {number} has no name" for number in nameless[:1]]
    wrong = itertools.chain(*gaps, *(numbers[1:] for numbers in twins.values()), nameless)
    return no("; ".join(found), _relabel(subject, [*itertools.islice(wrong, _NAMED + 1)])) if found else OK


def _relabel(subject: Subject, numbers: Sequence[int]) -> str:
    """The command that gives these classes names; nothing where they are too many for a command."""
    if subject.manifest.labelmap_path is not None:
        return "mvc set labelmap.path=FILE"
    names = [f"labelmap.{number}=NAME" for number in sorted(numbers)]
    return f"mvc set {' '.join(names)}" if len(names) <= _NAMED else ""


@dataclass(frozen=True, slots=True)
class LabelsBegin:
    """The lowest class has this number."""

    number: int

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the first class, if there is one."""
        first = next((number for number, _ in subject.manifest.labelmap), None)
        return OK if first == self.number else no(f"they begin at {first}")


def has_parameters(subject: Subject) -> Verdict:
    """There are parameters."""
    return OK if subject.manifest.parameters else no("there are no parameters")


@dataclass(frozen=True, slots=True)
class MetricAtLeast:
    """A metric was measured, and is no lower than this."""

    name: str
    least: float

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the metric."""
        value = subject.manifest.metrics.get(self.name)
        if value is None:
            return no(f"there is no metric {self.name}")
        return OK if value >= self.least else no(f"{self.name} is {value}, and {self.least} is needed")


# --- docker


def has_image(subject: Subject) -> Verdict:
    """A docker image is named."""
    return OK if subject.manifest.docker.get("image") else no("docker.image is not set")


def has_pinned_tag(subject: Subject) -> Verdict:
    """The image's tag is said, and is not the one that moves."""
    tag = subject.manifest.docker.get("tag")
    if tag is None:
        return no("docker.tag is not set")
    return OK if tag != MOVING else no(f"{MOVING} is another image with every release")


def set_flags(flags: Sequence[str]) -> str:
    """The command that gives docker these flags, and no others."""
    return f"mvc set {shlex.quote(f'docker.flags={json.dumps(flags, ensure_ascii=False)}')}"


@dataclass(frozen=True, slots=True)
class HasFlags:
    """Docker is given these flags, each written `--gpus all`, `--gpus=all`, or as two items of the list."""

    flags: tuple[str, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """Whether each is in `docker.flags`."""
        flags = list(subject.manifest.docker.get("flags", ()))
        given = f" {' '.join(flags).replace('=', ' ')} "
        missing = [flag for flag in self.flags if f" {flag} " not in given]
        return no(f"docker.flags lacks {', '.join(missing)}", set_flags([*flags, *missing])) if missing else OK
