"""`mvc eval add`: results that a tool wrote become an evaluation of a version.

files ─► forms recognised ─► joined ─► classes by the labelmap of the version ─► an entry of its log
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import forms, union
from mvc.intake.evaluations.labels import Labels, with_means
from mvc.intake.evaluations.results import Results
from mvc.model.document import Document, keys
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.paths import escape_name
from mvc.model.toml import secrets
from mvc.porcelain.eval import ShownEvaluation, append, version_of
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.storage.disk import confined
from mvc.storage.records.annotations.evaluations import Evaluation, SourceFile
from mvc.storage.records.annotations.remarks import Value

_SHOWN = 8
_FIX = (
    "Correct the file, or write a table: one row a class, with columns such as class, precision, recall, AP50 and AP."
)


class Given(NamedTuple):
    """Results to add: the name of the file, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AddedEvaluation(Document):
    """The new evaluation. `chosen` says what was chosen of a file, `dropped` names values that are not finite numbers."""

    KEYS = keys("*evaluation chosen dropped")

    evaluation: ShownEvaluation
    chosen: tuple[str, ...]
    dropped: tuple[str, ...]


def of_file(path: Path) -> Given:
    """Return the results in a file, not yet recognised. Raises BadResults."""
    where = escape_name(str(path))
    try:
        return Given(path.name, confined.read_regular(os.path.realpath(path), forms.MAX_BYTES))
    except errors.IrregularFile as error:
        raise _bad(where, f"it is {error.fields['kind']}") from None
    except errors.Damaged:
        raise _bad(where, f"it is larger than {forms.MAX_BYTES >> 20} MiB") from None
    except FileNotFoundError:
        kind = f"it is {confined.kind_of(path.stat().st_mode)}" if path.exists() else ""  # /dev/fd/63 has no real path
        raise _bad(where, kind or "there is no such file") from None
    except (OSError, ValueError) as error:
        raise _bad(where, (error.strerror if isinstance(error, OSError) else None) or "its name is invalid") from None


def of_value(value: Any) -> Given:
    """Return results that a program has, such as `metrics.results_dict`; arrays and tensors become lists. Raises BadResults."""
    try:
        return Given("", json.dumps(value, default=_plain).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise _bad("the given value", f"it is not a value of JSON ({error})") from None


@writes
def add(
    model: Model,
    id_: VersionId,
    actor: Actor,
    dataset: str,
    given: Sequence[Given],
    *,
    values: Mapping[str, Any] | None = None,
    classes: Sequence[str] = (),
    allow_unknown: bool = False,
    allow_secret: bool = False,
) -> AddedEvaluation:
    """Add an evaluation of a version on `dataset`, as `night@3`, from the results in files.

    `classes` name the rows of a confusion matrix without names, in order. `allow_unknown` keeps classes that the version does not have. Raises BadEvaluation, BadResults, UnknownClasses,
    SecretInEvaluation.
    """
    name, _, of_dataset = dataset.rpartition("@")
    if not name.strip() or not of_dataset.strip() or dataset != dataset.strip():
        raise errors.BadEvaluation(reason=f"{escape_name(dataset)!r} is not NAME@VERSION, such as night@3")
    number, labelmap = version_of(model, id_)
    labels = Labels(labelmap)
    found, files = _joined(given, labels, classes)
    where = ", ".join(escape_name(each.name) for each in given if each.name) or "The evaluation"
    try:
        rows, matrix, curves = labels.classes(found), labels.matrix(found), labels.curves(found)
    except MalformedError as error:
        raise _bad(where, error.reason) from None
    if labels.unknown and not allow_unknown:
        unknown, version = [*labels.unknown], history.label(model.repository, id_)
        listed = ", ".join(map(escape_name, unknown[:_SHOWN])) + (", …" if len(unknown) > _SHOWN else "")
        raise errors.UnknownClasses(where=where, version=version, classes=listed, suggestion=labels.suggestion())
    entry = Evaluation(
        *(id_, 1, str(actor.person), actor.at, actor.nonce()),
        dataset=name,
        dataset_version=of_dataset,
        files=files,
        metrics=with_means(found.metrics, [*found.classes.values()]),
        classes=rows,
        matrix=matrix,
        curves=curves,
        thresholds=found.thresholds,
        values=_checked(values or {}),
    )
    if not allow_secret:
        _check_secrets(entry)
    made = append(model, entry)
    shown = ShownEvaluation.of(made, number, labelmap)
    return AddedEvaluation(shown, tuple(found.remarks), tuple(dict.fromkeys(found.dropped)))


def _joined(given: Sequence[Given], labels: Labels, classes: Sequence[str]) -> tuple[Results, tuple[SourceFile, ...]]:
    """Return the results of all files, and what they are; raise BadResults."""
    if not given:
        raise errors.BadEvaluation(reason="no file with results is named")
    found: list[Results] = []
    every = Results("")
    for each in given:
        try:
            found.append(forms.read(each.data, labels.names))
            labels.order(found[-1], classes)
            every = union.joined(found)
        except MalformedError as error:
            raise _bad(escape_name(each.name) or "the given value", error.reason, getattr(error, "fix", _FIX)) from None
    if classes and not every.is_unnamed:
        reason = "no file has a confusion matrix without names, so there are no rows for the given classes"
        raise errors.BadEvaluation(reason=reason)
    pairs = zip(given, found, strict=True)
    return every, tuple(SourceFile(each.name, FileId(digest(each.data)), read.form) for each, read in pairs)


def _checked(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return further values; raise BadEvaluation for one that is neither a text, a finite number nor true or false."""
    for key, value in values.items():
        if not key or type(value) not in (str, int, float, bool):
            raise errors.BadEvaluation(
                reason=f"{key or 'a value without a key'} must be a text, a number, true or false"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise errors.BadEvaluation(reason=f"{key} is {value}, which is not a number")
    return dict(values)


def _check_secrets(entry: Evaluation) -> None:
    """Raise SecretInEvaluation if a text of the entry looks like a secret."""
    texts = [
        entry.dataset,
        entry.dataset_version,
        *(file.name for file in entry.files),
        *(row.name for row in entry.classes),
    ]
    leaked = (*secrets.in_value(dict(entry.values), ()), *secrets.in_value(texts, ("text",)))
    if leaked:
        raise errors.SecretInEvaluation(findings="; ".join(f"{leak.key}: {leak.kind} {leak.masked}" for leak in leaked))


def _bad(where: str, reason: str, fix: str = _FIX) -> errors.BadResults:
    return errors.BadResults(where=where, reason=reason, fix=forms.KNOWN if reason == forms.UNKNOWN else fix)


def _plain(value: Any) -> Any:
    """Return an array, a tensor or a number of numpy as values of JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(type(value).__name__)
