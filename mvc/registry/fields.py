"""The fields of a registry version and the keys of model.toml that hold their values: one table for both directions.

    publish   manifest ── encode ──► request        import   answer ── decode ──► model.toml
    compare   manifest ── encode ──► recorded ─┬─► FieldChange
                               answer ──► live ┘

To add a field, add a row to `FIELDS`. Values without a field on a registry (digests, metrics, sources, intents, paths, author,
time, message) are in the marker only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.manifest import Manifest
from mvc.model.toml import schema
from mvc.registry import values
from mvc.registry.protocol import Raw
from mvc.registry.values import Decoded

NOT_CONFIGURED = "NOT_CONFIGURED"
"""Value in an answer of a type or framework that was never set."""
SETTABLE_TYPES = tuple(word for word in schema.TYPES if word not in (NOT_CONFIGURED, "MULTI"))
SETTABLE_FRAMEWORKS = tuple(word for word in schema.FRAMEWORKS if word != NOT_CONFIGURED)
"""Values that a registry accepts in a request; its answers may have others."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a registry version: its name, and its key in model.toml, or a section's name for the whole section.

    `sdk` is the SDK's name of the field if it differs; old answers use it too. `unset` is the value in an answer for no value.
    """

    key: str
    name: str
    sdk: str | None = None
    unset: str | None = None
    encode: Callable[[Any], Any] = values.unchanged
    decode: Callable[[Any], Decoded] = values.text

    @property
    def spellings(self) -> tuple[str, ...]:
        """The keys under which an answer may hold the field."""
        return (self.name,) if self.sdk is None else (self.name, self.sdk)

    def recorded(self, manifest: Manifest) -> Any:
        """Return a manifest's value; None for none."""
        section, _, key = self.key.partition(".")
        table = _section(manifest, section)
        return table.get(key) if key else table

    def request(self, manifest: Manifest) -> Any:
        """Return a manifest's value as sent in a request; None for none."""
        value = self.recorded(manifest)
        return None if value is None else self.encode(value)

    def is_in(self, raw: Raw) -> bool:
        """Return whether an answer has the field at all."""
        return any(key in raw for key in self.spellings)

    def live(self, raw: Raw) -> Any:
        """Return an answer's value; None for none."""
        value = next(self._answered(raw), None)
        return None if value in values.NOTHING else value

    def read(self, raw: Raw) -> Decoded:
        """Return an answer's value as model.toml holds it: the first of the field's type."""
        decoded = Decoded()
        for value in self._answered(raw):
            decoded = self.decode(value)
            if decoded.value is not None:
                break
        return decoded

    def _answered(self, raw: Raw) -> Iterator[Any]:
        """Yield an answer's values under all spellings."""
        given = (raw[key] for key in self.spellings if raw.get(key) is not None)
        return (value for value in given if not isinstance(value, str) or value.upper() != self.unset)


FIELDS = (
    Field("model.type", "type", unset=NOT_CONFIGURED, encode=values.one_of(SETTABLE_TYPES)),
    Field("model.framework", "framework", unset=NOT_CONFIGURED, encode=values.one_of(SETTABLE_FRAMEWORKS)),
    Field("model.description", "description"),
    Field("model.notebook", "notebook_link"),
    Field("labelmap", "labels", decode=values.labels),
    Field("parameters", "parameters", sdk="base_parameters", encode=dict, decode=values.parameters),
    Field("docker.image", "docker_image", sdk="docker_image_name"),
    Field("docker.tag", "docker_tag"),
    Field("docker.flags", "docker_flags", encode=list, decode=values.texts),
    Field("docker.env", "docker_env_variables", encode=dict, decode=values.environment),
)


@dataclass(frozen=True, slots=True)
class FieldChange(Document):
    """A field, or a part of one (`parameters.lr`), whose value on a registry differs from the recorded one."""

    key: str
    recorded: Any
    live: Any


@dataclass(slots=True)
class Answer:
    """The values of an answer by section and key of model.toml; `rest` has those that model.toml cannot hold, by field."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def request(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest's values under the keys of a request, without empty ones."""
    requested = {row.name: row.request(manifest) for row in FIELDS}
    return {name: value for name, value in requested.items() if value not in values.NOTHING}


def unsent(manifest: Manifest) -> dict[str, Any]:
    """Return the values that a registry does not accept, by key of model.toml."""
    recorded = {row: row.recorded(manifest) for row in FIELDS}
    return {
        row.key: value
        for row, value in recorded.items()
        if value not in values.NOTHING and value != row.unset and row.request(manifest) in values.NOTHING
    }


def decode(raw: Raw) -> Answer:
    """Return an answer's values as model.toml holds them. Raises BadLabels."""
    answer = Answer()
    for row in FIELDS:
        decoded = row.read(raw)
        if decoded.value:
            section, _, key = row.key.partition(".")
            answer.sections.setdefault(section, {}).update({key: decoded.value} if key else decoded.value)
        if decoded.rest:
            answer.rest[row.name] = decoded.rest
        answer.warnings += [decoded.warning] if decoded.warning else []
    return answer


def by_key(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest's values that have a field on a registry, by dotted key of model.toml."""
    keyed: dict[str, Any] = {}
    for row in FIELDS:
        value = row.recorded(manifest)
        keyed |= {row.key: value} if "." in row.key else {f"{row.key}.{key}": part for key, part in value.items()}
    return keyed


def changes(recorded: Mapping[str, Any], raw: Raw) -> tuple[FieldChange, ...]:
    """Compare an answer with a recorded request, tables key by key; skip a field that the answer lacks."""
    return tuple(
        change
        for row in FIELDS
        if row.is_in(raw)
        for change in _compare(row.name, recorded.get(row.name), row.live(raw))
    )


def _compare(key: str, recorded: Any, live: Any) -> Iterator[FieldChange]:
    tables = [side for side in (recorded, live) if isinstance(side, Mapping)]
    if tables and all(side is None or isinstance(side, Mapping) for side in (recorded, live)):
        for part in dict.fromkeys(part for table in tables for part in table):
            old, new = (side.get(part) if side is not None else None for side in (recorded, live))
            yield from _compare(f"{key}.{schema.quoted(str(part))}", old, new)
    elif not values.are_equal(recorded, live):
        yield FieldChange(key, recorded, live)


def _section(manifest: Manifest, name: str) -> Mapping[str, Any]:
    if name == "labelmap":
        return {str(number): label for number, label in manifest.labelmap}
    table: Mapping[str, Any] = getattr(manifest, name)
    return table
