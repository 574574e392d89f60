"""Conditions on what `model.toml` says: type and framework, labelmap, parameters, metrics, docker."""

from __future__ import annotations

from dataclasses import dataclass

from mvc.model import labelmap, schema
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict, no, unknown

NOT_CONFIGURED = "NOT_CONFIGURED"
"""Picsellia's word for what nobody has said."""
MOVING = "latest"
"""The tag that stands for another image with every release."""

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
    if word is None or word == NOT_CONFIGURED:
        return no(f"{key} is not set")
    return OK if word in words else no(f"Picsellia does not know {word!r}")


def _is(word: str | None, wanted: str, key: str) -> Verdict:
    if word is None or word == NOT_CONFIGURED:
        return unknown(f"it depends on {key}, which is not set")
    return OK if word == wanted else no(f"{key} is {word}")


# --- labelmap, parameters, metrics


def has_labels(subject: Subject) -> Verdict:
    """There is a labelmap, with a class at least."""
    return OK if subject.manifest.labelmap else no("there is no labelmap")


def labels_in_order(subject: Subject) -> Verdict:
    """Classes are numbered without gaps from 0 or 1, and each has a name of its own."""
    labels = subject.manifest.labelmap
    found = [f"class {gap.start} is missing" for gap in labelmap.gaps(labels)[:1]]
    found += [f"two classes are called {name!r}" for name in labelmap.duplicates(labels) if name.strip()][:1]
    found += [f"class {number} has no name" for number in labelmap.nameless(labels)[:1]]
    return no("; ".join(found)) if found else OK


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
        return OK if value >= self.least else no(f"it is {value}")


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


@dataclass(frozen=True, slots=True)
class HasFlags:
    """Docker is given these flags, each written `--gpus all`, `--gpus=all`, or as two items of the list."""

    flags: tuple[str, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """Whether each is in `docker.flags`."""
        given = f" {' '.join(subject.manifest.docker.get('flags', ())).replace('=', ' ')} "
        missing = [flag for flag in self.flags if f" {flag} " not in given]
        return no(f"docker.flags lacks {', '.join(missing)}") if missing else OK
