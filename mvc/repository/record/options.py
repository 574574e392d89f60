"""The values and options of a recorded version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.toml import schema
from mvc.model.version import Code, Person, Timestamp

CodeOf = Callable[[Sequence[str]], Code | None]
"""Returns the training code's commit; it is called with the model's own files."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of the parent's values: keys to set, keys to remove, and sections to replace whole."""

    assignments: Sequence[tuple[schema.Path, Any]] = ()
    removed: Collection[schema.Path] = ()
    replaced: Collection[str] = ()

    def of(self, sections: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return `sections` with the changes, without empty ones."""
        found = {name: {} if name in self.replaced else dict(values) for name, values in sections.items()}
        for section, key in self.removed:
            found.get(section, {}).pop(key, None)
        for (section, key, *inner), value in self.assignments:
            values = found.setdefault(section, {})
            values[key] = _nested(values.get(key, {}), inner, value, (section, key)) if inner else value
        return {name: values for name, values in found.items() if values}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a recorded version: without `branch`, the current one; without `parent`, the branch's tip."""

    branch: str | None = None
    parent: VersionId | None = None
    tags: Sequence[str] = ()
    aliases: Sequence[str] = ()
    allow_secret: bool = False
    allow_unsafe: bool = False
    """True stores files whatever a loader of them would run."""
    force: bool = False
    """True moves aliases even to a version that is not ready for its intended uses."""
    author: Person | None = None
    date: Timestamp | None = None
    """Author and date of the version, by default those of the actor."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Paths in the version by role, instead of those that the roles have in the parent."""


def _nested(table: Any, key: Sequence[str], value: Any, above: schema.Path) -> dict[str, Any]:
    """Return the table at `above` with the value of a key below it. Raises WrongType if a part of the key is not a table."""
    if not isinstance(table, Mapping):
        raise errors.WrongType(key=schema.dotted(above), wanted="a table", found=schema.type_name(table))
    first, *inner = key
    below = _nested(table.get(first, {}), inner, value, (*above, first)) if inner else value
    return {**table, first: below}
