"""How results show themselves: in one line as text, and in a notebook as HTML tables of what `--json` says.

All text is escaped, nothing is a script or loads anything, and no page is longer than `LIMIT`: longer lists are cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mvc.model.compare.diff import VersionDiff
from mvc.model.document import Document

LIMIT = 30_000
"""Characters of ASCII that a page has at most."""
_ROWS = 64
_TEXT = 200
_DEEP = 4
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_MORE = "&#8230;"
_HIDDEN = ("schema", "manifest_id", "tree_id")


class Result(Document):
    """What a verb returns, shown in one line, or as tables."""

    __slots__ = ()

    def summary(self) -> str:
        """Return what matters most, in one line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.summary()}>"

    def _repr_html_(self) -> str:
        return page(repr(self), self.to_json())


def changed(difference: VersionDiff, others: Iterable[str] = ()) -> str:
    """Return what a difference is about, in one line: `2 files, labelmap (breaking), parameters`; `others` come last."""
    count = len(difference.files)
    parts = [f"{count} file{'s' * (count != 1)}"] if count else []
    if not difference.labelmap.is_empty:
        parts.append("labelmap (breaking)" if difference.breaking else "labelmap")
    return ", ".join([*parts, *difference.values, *others]) or "no change"


def page(title: str, record: Mapping[str, Any]) -> str:
    """Return `record` as tables below `title`; long lists are cut until the page is short enough."""
    rows = _ROWS
    while True:
        body = "".join(_table(record, rows, 0)) if rows else ""
        text = f"<div><b>{_text(title)}</b>{body}</div>"
        if len(text) <= LIMIT or not rows:
            return text
        rows //= 2


def _table(record: Mapping[str, Any], rows: int, depth: int) -> Iterator[str]:
    shown = [(key, value) for key, value in record.items() if value not in (None, "", [], {}) and key not in _HIDDEN]
    yield '<table style="text-align:left">'
    for key, value in shown[:rows]:
        yield f'<tr><th style="text-align:left;vertical-align:top">{_text(key)}</th><td style="text-align:left">'
        yield from _cell(value, rows, depth)
        yield "</td></tr>"
    yield from _more(len(shown) - rows, 2)
    yield "</table>"


def _rows(records: Sequence[Mapping[str, Any]], rows: int, depth: int) -> Iterator[str]:
    columns = list(dict.fromkeys(key for record in records[:rows] for key in record if key not in _HIDDEN))
    yield f"<table><tr>{''.join(f'<th>{_text(column)}</th>' for column in columns)}</tr>"
    for record in records[:rows]:
        yield "<tr>"
        for column in columns:
            yield '<td style="text-align:left">'
            yield from _cell(record.get(column), rows, depth)
            yield "</td>"
        yield "</tr>"
    yield from _more(len(records) - rows, len(columns))
    yield "</table>"


def _cell(value: Any, rows: int, depth: int) -> Iterator[str]:
    if depth == _DEEP and isinstance(value, dict | list):
        yield _MORE
    elif isinstance(value, dict):
        yield from _table(value, rows, depth + 1)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        yield from _rows(value, rows, depth + 1)
    elif isinstance(value, list):
        more = f", {_MORE} {len(value) - rows} more" if len(value) > rows else ""
        yield _text(
            ", ".join(" ".join(map(str, each)) if isinstance(each, list) else str(each) for each in value[:rows])
        )
        yield more
    elif value is not None:
        yield _text(value)


def _more(count: int, columns: int) -> Iterator[str]:
    if count > 0:
        yield f'<tr><td colspan="{columns}">{_MORE} {count} more</td></tr>'


def _text(value: object) -> str:
    """A text in ASCII, so that no letter of another direction turns what stands around it."""
    text = str(value)
    cut = text if len(text) <= _TEXT else f"{text[:_TEXT]}…"
    return cut.translate(_ESCAPED).encode("ascii", "xmlcharrefreplace").decode()
