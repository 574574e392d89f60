"""A difference in lines for people: sections that changed, and only them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mvc.cli.app.terminal import count, escape, size, style
from mvc.model.compare.diff import Change, VersionDiff
from mvc.model.compare.files import FileChange
from mvc.model.compare.labels import LabelDiff
from mvc.model.toml import schema

if TYPE_CHECKING:
    from mvc.readiness.evaluation import Readiness
    from mvc.storage.chunks.headers import Note

COLOURS = {"A": "green", "D": "red", "M": "yellow", "R": "cyan"}
_LONG = 60
"""Letters of a value that are shown."""


def difference(found: VersionDiff, *, unread: bool = False) -> list[str]:
    """All sections that changed. `unread`: some files may have been told apart by size alone."""
    lines = list(_labelmap(found.labelmap))
    for name, changes in found.values.items():
        lines += _section(name, [value(change) for change in changes])
    lines += _section("files", [file_line(change, unread=unread) for change in found.files])
    return lines


def summary(found: VersionDiff, total: int | None = None) -> str:
    """One line: `+1 -0 ~2 files, 12.0 MiB new of 184.0 MiB, 3 classes added, parameters, mAP50 0.71 (+0.02)`.

    `total` is the bytes of all files of the new side.
    """
    kinds = [change.kind for change in found.files]
    changed = kinds.count("M") + kinds.count("R")
    parts = [f"+{kinds.count('A')} -{kinds.count('D')} ~{changed} files"] if kinds else []
    if found.new_bytes:
        parts.append(f"{size(found.new_bytes)} new{f' of {size(total)}' if total is not None else ''}")
    classes = ", ".join(_classes(found.labelmap))
    parts += [f"{classes} (breaking)" if found.breaking else classes] if classes else []
    parts += [name for name in found.values if name != "metrics"]
    parts += [metric(change) for change in found.section("metrics")]
    return ", ".join(parts) or "no change"


def metric(change: Change) -> str:
    """`mAP50 0.71 (+0.02)`; `mAP50 (was 0.69)` when it is gone."""
    key = escape(change.key)
    if change.new is None:
        return f"{key} (was {shown(change.old)})"
    by = f" ({change.new - change.old:+.4g})" if change.old is not None else ""
    return f"{key} {shown(change.new)}{by}"


def file_line(change: FileChange, *, unread: bool = False) -> str:
    """`M  model-latest  weights/best.onnx  92.1 MiB  12.0 MiB new`."""
    entry = change.entry
    parts = [style(change.kind, fg=COLOURS[change.kind]), escape(entry.role), _path(change), size(entry.size)]
    if change.new_bytes is not None and change.new is not None:
        parts.append(f"{size(change.new_bytes)} new")
    if change.mode_changed:
        parts.append("executable" if entry.exec else "no longer executable")
    if unread and change.kind == "M" and change.new is not None and not change.new.file:
        parts.append("(by size)")
    return "  ".join(parts)


def value(change: Change) -> str:
    """`epochs 100 -> 150`, `+ lr 0.1`, `- lr (was 0.1)`, and `lr "0.1" (string) -> 0.1 (float)` where the type changed."""
    key = escape(change.key)
    if None not in (change.old, change.new) and schema.toml_type(change.old) != schema.toml_type(change.new):
        return f"{key} {typed(change.old)} -> {typed(change.new)}"
    if change.old is None:
        return f"{style('+', fg='green')} {key} {shown(change.new)}"
    if change.new is None:
        return f"{style('-', fg='red')} {key} (was {shown(change.old)})"
    return f"{key} {shown(change.old)} -> {shown(change.new)}"


def typed(found: Any) -> str:
    """A value with its type: `"0.1" (string)`."""
    text = f'"{shown(found)}"' if isinstance(found, str) else shown(found)
    return f"{text} ({schema.toml_type(found)})"


def shown(found: Any) -> str:
    """A value as model.toml would have it, in one line."""
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return escape(text if len(text) <= _LONG else f"{text[: _LONG - 3]}...")


def not_ready(found: Readiness) -> str:
    """`Not ready for deployment/serving: there is no file model-latest (`mvc add FILE --as model-latest`)`, in one line."""
    first, *others = found.blockers
    more = f", and {len(others)} more: `mvc check`" if others else ""
    fix = f" (`{escape(first.fix)}`)" if first.fix else ""
    return f"Not ready for {escape(found.use)}: {escape(first.verdict.why)}{fix}{more}"


def skipped(path: str) -> str:
    """The note about a file that is left out, since it looks like credentials."""
    return f"note: skipped {escape(path)}, which looks like credentials; `mvc add {escape(path)}` would track it"


def fault(note: Note) -> str:
    """A warning about one weight file: `weights/best.pt: it is empty`."""
    return f"warning: {escape(note.path)}: {escape(note.reason)}"


def _path(change: FileChange) -> str:
    new = escape(change.entry.path)
    if change.old is None or change.new is None:
        return new
    if change.old.path != change.new.path:
        return f"{escape(change.old.path)} -> {new}"
    if change.old.role != change.new.role:
        return f"{new} (role was {escape(change.old.role)})"
    return new


def _section(name: str, lines: list[str]) -> Iterator[str]:
    yield from (f"{name if number == 0 else '':<11} {line}" for number, line in enumerate(lines))


def _classes(found: LabelDiff) -> list[str]:
    """How many classes changed, and how: `3 classes added`, `1 re-indexed`; nothing when none did."""
    counts = {"added": found.added, "removed": found.removed, "renamed": found.renamed, "re-indexed": found.reindexed}
    parts = [(len(changed), how) for how, changed in counts.items() if changed]
    return [
        f"{count(number, 'class', 'classes') if place == 0 else number} {how}"
        for place, (number, how) in enumerate(parts)
    ]


def _labelmap(found: LabelDiff) -> Iterator[str]:
    if found.is_empty:
        return
    breaking = style("  (breaking for consumers)", fg="red", bold=True) if found.breaking else ""
    yield f"{'labelmap':<11} {', '.join(_classes(found))}{breaking}"
    yield from (f"{'':<11} {style('!', fg='red')} {escape(e.name)}: {e.old} -> {e.new}" for e in found.reindexed)
    yield from (f"{'':<11} {e.index}: {escape(e.old)} -> {escape(e.new)}" for e in found.renamed)
    yield from (f"{'':<11} {style('+', fg='green')} {number}: {escape(name)}" for number, name in found.added)
    yield from (f"{'':<11} {style('-', fg='red')} {number}: {escape(name)}" for number, name in found.removed)
