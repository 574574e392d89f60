"""The versions and values that a log is asked for; nothing is loaded that only an expression needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.toml.schema import Path

if TYPE_CHECKING:
    from mvc.model.query import parse
    from mvc.model.query.expression import Expression
else:
    parse = lazy.Module("mvc.model.query.parse")


class SortKey(NamedTuple):
    """A key to sort by; with `reverse`, the worst come first."""

    key: Path
    reverse: bool = False

    @classmethod
    def parse(cls, text: str) -> SortKey:
        """Parse `KEY` or `-KEY`; raise BadQuery."""
        return cls(parse.parse_key(text.removeprefix("-")), text.startswith("-"))


@dataclass(frozen=True, slots=True)
class Query:
    """The versions that fulfil `where`, by the keys of `sort`, with the values of `columns`; `values` adds all values."""

    where: Expression | None = None
    sort: tuple[SortKey, ...] = ()
    columns: tuple[Path, ...] = ()
    values: bool = False

    @property
    def is_empty(self) -> bool:
        """True if nothing is asked for."""
        return self == Query()

    @property
    def searches(self) -> bool:
        """True if it selects or orders versions, those of all refs by default."""
        return self.where is not None or bool(self.sort)

    def keys(self) -> set[Path]:
        """Return every key that it names."""
        named = self.where.named_keys() if self.where is not None else ()
        return {*named, *(each.key for each in self.sort), *self.columns}
