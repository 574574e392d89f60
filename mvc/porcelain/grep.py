"""`mvc grep`: the values, classes, roles and paths of a version that match a pattern."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.model.toml.schema import dotted
from mvc.porcelain import edit
from mvc.repository import history
from mvc.repository.model import Model


@dataclass(frozen=True, slots=True)
class Match(Document):
    """A key of model.toml and its value: `labelmap.0` and `helmet`, `files.model-latest` and its path."""

    key: str
    value: Any

    @property
    def text(self) -> str:
        """The key with its value, as in model.toml."""
        value = self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)
        return f"{self.key} = {value}"


@dataclass(frozen=True, slots=True)
class Matches(Document):
    """The matches in a version; `id` is None for the working tree."""

    model: str
    id: VersionId | None
    matches: tuple[Match, ...]


def grep(model: Model, pattern: str, id_: VersionId | None = None, *, ignore_case: bool = False) -> Matches:
    """Search a version, or model.toml of the working tree; raise BadExpression, and the errors of reading it."""
    try:
        expression = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise errors.BadExpression(text=pattern, reason=error) from error
    snapshot = history.snapshot(model.repository, id_)
    values = snapshot.manifest.resolved() if snapshot is not None else edit.get(model, None)
    return Matches(model.key, id_, tuple(match for match in _leaves(values, ()) if expression.search(match.text)))


def _leaves(values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Match]:
    for name, value in values.items():
        key = (*above, str(name))
        if isinstance(value, Mapping):
            yield from _leaves(value, key)
        else:
            yield Match(dotted(key), value)
