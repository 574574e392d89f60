"""Differences as text: one section for each kind of change."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mvc import lazy
from mvc.cli.app.terminal import escape, short, size, style
from mvc.cli.output import lists
from mvc.model.compare.diff import Change, VersionDiff
from mvc.model.compare.files import FileChange
from mvc.model.compare.labels import LabelDiff
from mvc.model.toml import schema
from mvc.plural import count

if TYPE_CHECKING:
    from mvc.model.compare import moves
    from mvc.model.licenses.claim import Claim
    from mvc.model.merge.merge import Conflict
    from mvc.model.toml.rules import Problem
    from mvc.readiness.evaluation import Readiness
    from mvc.storage.chunks.headers import Note
else:
    moves = lazy.Module("mvc.model.compare.moves")

COLOURS = {"A": "green", "D": "red", "M": "yellow", "R": "cyan"}
_LONG = 60
"""Characters of a value that are shown."""
_WIDE = 100
_CONTEXT = 20
"""Characters shown before the first one that differs."""
"""Characters of a value in a list of conflicts."""
_UNTRACKED = 3
"""Untracked files that a warning names."""


def difference(diff: VersionDiff, *, unread: bool = False, whole: str | None = None) -> list[str]:
    """Return the lines of all changed sections. `unread`: some files may have been compared by size alone.

    Of a long section, only the first lines if `whole`, a command that lists all, is given.
    """
    lines = list(lists.capped(_labelmap(diff.labelmap), whole))
    for name, changes in _sections(diff).items():
        lines += _section(name, lists.capped(map(value, changes), whole))
    lines += _section("files", lists.capped(files(diff.files, unread=unread), whole))
    return lines


def _sections(diff: VersionDiff) -> dict[str, tuple[Change, ...]]:
    """Return the changed values by section, without the paths of roles that the changed files show."""
    sections = {**diff.values, "tracked": moves.unshown(diff.section("tracked"), diff.files)}
    return {name: sections[name] for name in diff.values if sections[name]}


def files(changes: Sequence[FileChange], *, unread: bool = False) -> Iterator[str]:
    """Yield a line for each file, and one for the many files that moved from one folder to another."""
    together = {id(file): folder for folder in moves.folders(changes) if folder.is_folded for file in folder.files}
    for change in changes:
        folder = together.get(id(change))
        if folder is None:
            yield file_line(change, unread=unread)
        elif folder.files[0] is change:
            yield f"{style('R', fg=COLOURS['R'])}  {_moved(folder)}"


def summary(diff: VersionDiff, total: int | None = None) -> str:
    """Return one line: `+1 -0 ~2 files, 12.0 MiB new of 184.0 MiB, 3 classes added, parameters, mAP50 0.71 (+0.02)`.

    `total` is the size of all files of the new side, in bytes.
    """
    kinds = [change.kind for change in diff.files]
    changed = kinds.count("M") + kinds.count("R")
    parts = [f"+{kinds.count('A')} -{kinds.count('D')} ~{changed} files"] if kinds else []
    parts += [_moved(folder) for folder in moves.folders(diff.files) if len(folder.files) > 1]
    if diff.new_bytes:
        parts.append(f"{size(diff.new_bytes)} new{f' of {size(total)}' if total is not None else ''}")
    classes = ", ".join(_classes(diff.labelmap))
    parts += [f"{classes} (breaking)" if diff.breaking else classes] if classes else []
    parts += [name for name in _sections(diff) if name != "metrics"]
    parts += [metric(change) for change in diff.section("metrics")]
    return ", ".join(parts) or "no change"


def metric(change: Change) -> str:
    """Return `mAP50 0.71 (+0.02)`; `mAP50 (was 0.69)` if it was removed."""
    key = escape(change.key)
    if change.new is None:
        return f"{key} (was {shown(change.old)})"
    by = f" ({change.new - change.old:+.4g})" if change.old is not None else ""
    return f"{key} {shown(change.new)}{by}"


def file_line(change: FileChange, *, unread: bool = False) -> str:
    """Return `M  model-latest  weights/best.onnx  92.1 MiB  12.0 MiB new`."""
    entry = change.entry
    role = [escape(entry.role)] if entry.role != entry.path else []
    parts = [style(change.kind, fg=COLOURS[change.kind]), *role, _path(change), size(entry.size)]
    if change.new_bytes is not None and change.new is not None:
        parts.append(f"{size(change.new_bytes)} new")
    if change.kind == "R" and change.bytes_changed:
        parts.append("content changed")
    if change.mode_changed:
        parts.append("executable" if entry.exec else "no longer executable")
    if unread and change.kind == "M" and change.new is not None and not change.new.file:
        parts.append("(by size)")
    return "  ".join(parts)


def roles(names: Sequence[str]) -> str:
    """Return the roles of one file: `model-latest, pretrained-weights`."""
    return ", ".join(map(escape, names))


def value(change: Change) -> str:
    """Return `epochs 100 -> 150`, `+ lr 0.1`, `- lr (was 0.1)`, or `lr "0.1" (string) -> 0.1 (float)` for a new type."""
    key = escape(change.key)
    if None not in (change.old, change.new) and schema.toml_type(change.old) != schema.toml_type(change.new):
        return f"{key} {typed(change.old)} -> {typed(change.new)}"
    if change.old is None:
        return f"{style('+', fg='green')} {key} {shown(change.new)}"
    if change.new is None:
        return f"{style('-', fg='red')} {key} (was {shown(change.old)})"
    return f"{key} {shown(change.old)} -> {shown(change.new)}"


def typed(value: Any) -> str:
    """Return a value with its type: `"0.1" (string)`."""
    text = f'"{shown(value)}"' if isinstance(value, str) else shown(value)
    return f"{text} ({schema.toml_type(value)})"


def shown(value: Any) -> str:
    """Return a value as in model.toml, in one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escape(text if len(text) <= _LONG else f"{text[: _LONG - 3]}...")


def not_ready(readiness: Readiness) -> str:
    """Return why a version is not ready for a use, with the command that fixes it, in one line."""
    first, *others = readiness.blockers
    more = f"; `mvc check` shows {len(others)} more" if others else ""
    fix = f" (`{escape(first.fix)}`)" if first.fix else ""
    return f"Not ready for {escape(readiness.use)}: {escape(first.verdict.why)}{fix}{more}"


def problem(problem: Problem) -> str:
    """Return a warning about model.toml with its remedy: `warning: model.type: Picsellia does not know 'x' (...)`."""
    fix = f" ({problem.fix})" if problem.fix else ""
    return f"{problem.severity}: {problem.key}: {problem.message}{fix}"


def skipped(path: str) -> str:
    """Return the note about a skipped file that looks like credentials."""
    return f"note: skipped {escape(path)}, which looks like credentials; track it with `mvc add {escape(path)}`"


def without_files(paths: Sequence[str]) -> str:
    """Return the warning about a version without files beside untracked weights."""
    shown = ", ".join(map(escape, paths[:_UNTRACKED])) + (", …" if len(paths) > _UNTRACKED else "")
    path = escape(paths[0])
    return f"warning: the version has no files; untracked: {shown} (track one with `mvc add {path} --as model-latest`)"


def licensed(claim: Claim) -> tuple[str, str]:
    """Return the license that a file names, and where; a mark for one that is not known."""
    known = "" if claim.license.is_known else ": no known license"
    return escape(claim.license.shown), escape(claim.place) + known


def fault(note: Note) -> str:
    """Return a warning about a weight file: `weights/best.pt: it is empty`."""
    return f"warning: {escape(note.path)}: {escape(note.reason)}"


def compressed(notes: Sequence[Note]) -> Iterator[str]:
    """Yield a line for the files that are compressed alike, and how to save without: `a.gz and 2 other files are …`."""
    for reason in dict.fromkeys(note.reason for note in notes):
        first, *others = [note.path for note in notes if note.reason == reason]
        files = f"{escape(first)} and {count(len(others), 'other file')} are" if others else f"{escape(first)} is"
        yield f"note: {files} {reason}"


def conflict(conflict: Conflict, name: str) -> Iterator[str]:
    """Yield a field in conflict of the command `name`, with both sides and their base, and the command that resolves it."""
    yield escape(conflict.field) + (f"  ({conflict.reason})" if conflict.reason else "")
    yield f"  `{take(conflict, 'ours', name)}`, or =theirs"
    sides = _differing((conflict.ours, conflict.theirs, conflict.base))
    texts = [_side(side) for side in sides]
    if len(set(map(_cut, texts))) < len(set(texts)):  # they differ behind what is shown
        same = max(len(os.path.commonprefix([text for text in texts if len(text) > _WIDE])) - _CONTEXT, 0)  # noqa: RUF071 - texts, not paths
        texts = [f"…{text[same:]}" if same and len(text) > _WIDE else text for text in texts]
    for label, text in zip(("ours", "theirs", "base"), texts, strict=True):
        yield f"  {label:<6}  {_cut(text)}"


def _differing(sides: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the sides of a conflict; long tables with only the keys that differ."""
    tables = [side for side in sides if isinstance(side, dict) and not _is_file(side)]
    if len(tables) < 2 or all(len(_side(table)) <= _WIDE for table in tables):
        return sides
    same = {key for key in tables[0] if all(key in table and table[key] == tables[0][key] for table in tables)}
    return tuple(
        {key: value for key, value in side.items() if key not in same}
        if isinstance(side, dict) and not _is_file(side)
        else side
        for side in sides
    )


def resolve_all(name: str, number: int) -> str:
    """Return how the conflicts of the command `name` are resolved together, one or several."""
    if number == 1:
        return "Resolve it by its command, or by an edit."
    return (
        "Resolve all of them: each command resolves one and ends with 1 while others are left. One command may have them "
        f"all, `mvc {name} --continue --take FIELD=SIDE --take FIELD=SIDE …`. Or edit the fields and files."
    )


def take(conflict: Conflict, side: str, name: str) -> str:
    """Return the command that resolves a conflict with one side."""
    return f"mvc {name} --continue --take {shlex.quote(f'{escape(conflict.field)}={side}')}"


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and "file" in value and "path" in value


def _side(value: Any) -> str:
    if value is None:
        return "absent"
    if _is_file(value):
        return f"{escape(value['path'])} {short(value['file'])}"
    return escape(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}…"


def _path(change: FileChange) -> str:
    new = escape(change.entry.path)
    if change.old is None or change.new is None:
        return new
    path = moves.braced(escape(change.old.path), new) if change.old.path != change.new.path else new
    had_role = change.old.role not in (change.new.role, change.old.path)
    return f"{path} (role was {escape(change.old.role)})" if had_role else path


def _moved(folder: moves.Moved) -> str:
    """Return `runs/train/{exp2 => exp3}/ 12 files moved, 3 with changed content`."""
    changed = f", {folder.changed} with changed content" if folder.changed else ""
    place = f"{moves.braced(_top(folder.old), _top(folder.new))}/"
    return f"{place} {count(len(folder.files), 'file')} moved{changed}"


def _top(folder: str) -> str:
    return escape(folder.rstrip("/")) or "."


def _section(name: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (f"{name if number == 0 else '':<11} {line}" for number, line in enumerate(lines))


def _classes(labels: LabelDiff) -> list[str]:
    """Return the counts of changed classes: `3 classes added`, `1 re-indexed`."""
    counts = {
        "added": labels.added,
        "removed": labels.removed,
        "renamed": labels.renamed,
        "re-indexed": labels.reindexed,
    }
    parts = [(len(changed), how) for how, changed in counts.items() if changed]
    return [
        f"{count(number, 'class', 'classes') if place == 0 else number} {how}"
        for place, (number, how) in enumerate(parts)
    ]


def _labelmap(labels: LabelDiff) -> Iterator[str]:
    if labels.is_empty:
        return
    breaking = style("  (breaking for consumers)", fg="red", bold=True) if labels.breaking else ""
    yield f"{'labelmap':<11} {', '.join(_classes(labels))}{breaking}"
    yield from (f"{'':<11} {style('!', fg='red')} {escape(e.name)}: {e.old} -> {e.new}" for e in labels.reindexed)
    yield from (
        f"{'':<11} {style('!', fg='red')} {e.index}: {escape(e.old)} -> {escape(e.new)}" for e in labels.renamed
    )
    yield from (f"{'':<11} {style('+', fg='green')} {number}: {escape(name)}" for number, name in labels.added)
    yield from (f"{'':<11} {style('-', fg='red')} {number}: {escape(name)}" for number, name in labels.removed)
