"""The options of `mvc log` about values: which versions, in which order, with which columns; and their table."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from mvc import lazy
from mvc.cli.app import complete
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import Table, cell
from mvc.cli.app.terminal import date, escape, short
from mvc.cli.history.numbers import numbered
from mvc.deferred import dataclass
from mvc.model.query.subject import spelled
from mvc.model.toml.schema import Path
from mvc.porcelain.log import Logged
from mvc.repository.query.criteria import Query, SortKey

if TYPE_CHECKING:
    from mvc.model.query import parse
else:
    parse = lazy.Module("mvc.model.query.parse")

_SUBJECT = 50
"""Characters of a subject in a table."""
_SHOWN = {("time",), ("subject",), ("id",), ("number",), ("tag",), ("alias",)}
"""Keys that the table has without being asked."""
_OPTIONS = (
    click.option(
        "--where",
        metavar="EXPR",
        shell_complete=complete.query_keys,
        help="Show only versions whose values fulfil EXPR, such as 'metrics.mAP50 > 0.7'.",
    ),
    click.option(
        "--sort",
        metavar="KEY",
        multiple=True,
        shell_complete=complete.query_keys,
        help="Sort by KEY, the best first; -KEY: the worst first.",
    ),
    click.option(
        "--columns",
        metavar="KEY,...",
        shell_complete=complete.query_keys,
        help="Show a table with these columns, after the keys of --sort.",
    ),
    click.option("--values", is_flag=True, help="Show the metrics and parameters of each version."),
    click.option("--csv", "shape", flag_value="csv", help="Print the table as CSV."),
    click.option("--md", "shape", flag_value="md", help="Print the table in Markdown."),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The query of a log, and the table of its answer, if it is one."""

    query: Query
    columns: tuple[Path, ...]
    table: bool
    shape: str | None
    explicit: bool

    def lines(self, entries: Sequence[Logged]) -> Iterator[str]:
        """Return the lines of the table."""
        keys = list(dict.fromkeys(key for entry in entries for key in entry.values or {}))
        shown = [spelled(key) for key in self.columns]
        shown += [key for key in keys if key not in shown] if self.query.values else []
        head = ["version", "id", *shown, *([] if self.explicit else ["date", "names", "subject"])]
        rows = [self._row(entry, shown) for entry in entries]
        return Table(head, rows).lines(self.shape)

    def _row(self, entry: Logged, keys: Sequence[str]) -> list[Any]:
        values = entry.values or {}
        row = [
            numbered(entry.version.number, entry.branch),
            entry.id if self.shape == "csv" else short(entry.id),
            *(values.get(key) for key in keys),
        ]
        if self.explicit:
            return row
        names = ", ".join(name for _, name in entry.names)
        return [*row, date(entry.version.time), names, entry.version.subject[:_SUBJECT]]


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The values of these options."""

    where: str | None
    sort: tuple[str, ...]
    columns: str | None
    values: bool
    shape: str | None

    def read(self, invocation: Invocation, template: Sequence[Path], *, graph: bool, one_each: bool) -> Asked:
        """Return the query; `template` are the keys of `--format`. Raises UsageError, BadQuery, BadExpression, BadDate.

        `one_each`: the versions have a format of their own, so that `--sort` alone makes no table.
        """
        where = parse.parse(self.where, now=invocation.now()) if self.where is not None else None
        sort = tuple(SortKey.parse(text) for text in self.sort)
        columns = parse.parse_keys(self.columns) if self.columns is not None else ()
        explicit = bool(columns)
        table = bool(explicit or self.shape or (sort and not one_each))
        if graph and (table or sort):
            raise click.UsageError("--graph cannot be combined with --sort, --columns, --csv or --md")
        if one_each and table:
            raise click.UsageError("--oneline and --format cannot be combined with --columns, --csv or --md")
        if table and not explicit:
            named = where.named_keys() if where is not None else ()
            columns = tuple(key for key in dict.fromkeys([*(item.key for item in sort), *named]) if key not in _SHOWN)
        if explicit and self.shape is None:  # an order is read by its key; scripts get the columns that they name
            columns = tuple(dict.fromkeys([*(item.key for item in sort if item.key not in _SHOWN), *columns]))
        keys = tuple(dict.fromkeys([*columns, *template]))
        return Asked(Query(where, sort, keys, self.values), columns, table, self.shape, explicit)


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a verb, which gets them as `query`."""

    @functools.wraps(function)
    def called(*arguments: Any, **given: Any) -> Any:
        mine = {name: given.pop(name) for name in QueryOptions.__slots__}
        return function(*arguments, query=QueryOptions(**mine), **given)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def value_lines(entry: Logged) -> Iterator[str]:
    """Yield the values of a version: `    metrics.mAP50 = 0.71`."""
    for key, value in (entry.values or {}).items():
        if value is not None:
            yield f"    {escape(key)} = {cell(value)}"
