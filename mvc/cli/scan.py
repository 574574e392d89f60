"""`mvc scan`: its options, arguments and output."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from mvc import errors
from mvc.cli.app.command import divided
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, style
from mvc.cli.app.verb import verb
from mvc.model.roles import roles_of
from mvc.plural import count
from mvc.porcelain import scan
from mvc.porcelain.scan import Judged, Place, Scanned, ScannedFile
from mvc.porcelain.scan_sarif import sarif
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.policy import scan_settings
from mvc.repository.policy.scan_settings import ScanSettings
from mvc.repository.record.scan_command import ScanCommand
from mvc.scan import allow as allow_list
from mvc.scan.verdict import Finding, Verdict
from mvc.storage.records.config import SCAN_ALLOW

_COLOURS = {Verdict.HOSTILE: "red", Verdict.UNREADABLE: "red", Verdict.CODE: "yellow", Verdict.DAMAGED: "yellow"}
_SHOWN = 3
"""Names of one finding that are shown without --explain."""
_WIDTH = len("unreadable")


@verb("scan")
@click.argument("words", nargs=-1, metavar="[REV|PATH|ROLE]... [-- PATH...]")
@click.option("--explain", is_flag=True, help="Show all findings, names and verdicts, and how to allow classes.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json", "sarif"]), default="text", help="Output format."
)
@click.option("--allow", multiple=True, metavar="NAME", help="Do not report class NAME, such as torch.nn.modules.*.")
def command(invocation: Invocation, words: tuple[str, ...], explain: bool, format_: str, allow: tuple[str, ...]) -> int:
    """Scan files for what a loader would run.

    Example: mvc scan best.pt --explain

    Scans the tracked files of the working tree; or those of versions, REV:ROLE and REV:PATH too; or plain files and
    folders, with which it needs no repository. Nothing is loaded, executed or fetched. The content decides, not the name.

    A file is hostile (it would run, read or write something), unreadable (a loader may interpret more than the scan can
    read), code (its loader needs code, whose names are listed), damaged, unknown, data or plain. The exit code is 1 if a
    file is code or worse, else 14 if one is damaged, else 15 if the bytes of one are not here or cannot be read. Pipes,
    devices, links to folders, and folders such as .git are left out with a warning.

    The setting scan.command names a program that is asked about each file, too.

    --allow, the setting scan.allow and [scan] in policy.toml name classes that your models need. They admit no function.
    """
    if invocation.json and format_ == "sarif":
        raise click.UsageError("--json and --format sarif are two forms of output: give one of them")
    root = _root(invocation)
    settings = scan_settings.of(invocation.settings(), root, invocation.user_config)
    judged = scan.judged(_files(invocation, words, root, scan.command_of(settings)), settings, allow)
    result = judged.result
    shown = dataclasses.replace(invocation, json=True) if format_ == "json" else invocation
    for path, reason in result.left_out:
        shown.note(f"warning: left out {escape(path)}: {escape(reason)}")
    if format_ == "sarif":
        text = json.dumps(sarif(result), indent=2)
        invocation.emit("scan", result, text.splitlines, wrap=False)
    else:
        bad = [file.path for file in result.files if file.report is not None and file.report.verdict >= Verdict.CODE]
        shown.emit("scan", result, lambda: _lines(judged, settings, explain=explain), ids=bad, page=True)
    return _exit_code(result)


def _exit_code(result: Scanned) -> int:
    if result.has(Verdict.CODE):
        return 1
    absent = [file for file in result.files if file.absent]
    if result.has(Verdict.DAMAGED) or any(file.file and file.absent != "promised" for file in absent):
        return errors.Damaged.exit_code
    return errors.OutOfReach.exit_code if absent else 0


def _root(invocation: Invocation) -> Path | None:
    """Return the folder of the repository, None without one."""
    try:
        return invocation.find_root()
    except errors.NoRepository:
        return None


def _files(
    invocation: Invocation, words: Sequence[str], root: Path | None, command: ScanCommand | None
) -> Iterator[Place]:
    """Yield the files that the words name, in their order, and whether each is a version's or below the repository's folder."""
    before, paths = divided(words)
    is_only = len(before) + len(paths) == 1
    if root is None:
        for name in (*before, *paths) or (".",):
            yield from _plain(invocation, name, root, command)
        return
    if not words:
        of = Model(invocation.repository(), invocation.model())
        yield from ((file, True) for file in scan.working(of, command=command))
    model = _model(invocation, before) if before else None
    for word in before:
        if model is None:
            yield from _plain(invocation, word, root, command)
        else:
            yield from _named(invocation, model, word, command, above="" if is_only else f"{word}:")
    for name in paths:
        yield from _plain(invocation, name, root, command)


def _model(invocation: Invocation, words: Sequence[str]) -> Model | None:
    """Return the model whose versions and roles words may name; None if it cannot be opened and all words are paths."""
    try:
        return Model(invocation.repository(), invocation.model())
    except errors.MvcError:
        if all(os.path.lexists(invocation.cwd / word) for word in words):
            return None
        raise


def _plain(invocation: Invocation, name: str, root: Path | None, command: ScanCommand | None) -> Iterator[Place]:
    """Yield the plain files at a path."""
    yield from scan.plain(invocation.cwd / name, name, root, command)


def _named(
    invocation: Invocation, model: Model, word: str, command: ScanCommand | None, *, above: str
) -> Iterator[Place]:
    """Yield the files of a version, the file of one, the plain files at a path, or those with a role."""
    if os.path.lexists(invocation.cwd / word):
        shown = shlex.quote(escape(word))
        if not _is_revision(model, word):
            if _is_role(model, word):
                invocation.note(f"hint: this is the file {shown}; `mvc scan HEAD:{shown}` scans the role of that name")
            yield from _plain(invocation, word, model.repository.root, command)
            return
        invocation.note(f"hint: this is the version {shown}; `mvc scan -- {shown}` scans the file of that name")
    yield from ((file, True) for file in _tracked(model, word, command, above=above))


def _tracked(model: Model, word: str, command: ScanCommand | None, *, above: str) -> Iterator[ScannedFile]:
    if revisions.names_file(word):
        revision, name = revisions.split_file(word)
        id_ = revisions.resolve(model, revision)
        of = Model(model.repository, revisions.model_of(model, revision))
        yield from scan.version(of, id_, names=[name], above=f"{revision}:" if above else "", command=command)
        return
    with_role = list(scan.working(model, names=[word], command=command)) if not _is_revision(model, word) else []
    if with_role:
        yield from with_role
        return
    id_ = revisions.resolve(model, word)
    yield from scan.version(Model(model.repository, revisions.model_of(model, word)), id_, above=above, command=command)


def _is_role(model: Model, word: str) -> bool:
    """Return whether a word is the role of a file of HEAD at another path."""
    base = history.snapshot(model.repository, model.current, model.key)
    if base is None:
        return False
    return any(word in roles_of(base.manifest, entry) and word != entry.path for entry in base.tree.entries)


def _is_revision(model: Model, word: str) -> bool:
    try:
        revisions.resolve(model, word)
    except (errors.UnknownRevision, errors.NoVersionYet):
        return False
    return True


def _lines(judged: Judged, settings: ScanSettings, *, explain: bool) -> Iterator[str]:
    result, needed = judged.result, judged.needed
    for file in result.files:
        if file.report is None:
            state = "cannot be read" if file.absent == "unreadable" else f"not here: {file.absent}"
            because = f" ({escape(file.reason)})" if file.reason else ""
            yield f"{'-':{_WIDTH}}  {escape(file.path)}  {state}{because}"
            continue
        word = file.report.verdict.word
        yield f"{style(f'{word:{_WIDTH}}', fg=_COLOURS.get(file.report.verdict))}  {escape(file.path)}"
        for finding in file.findings:
            if explain or finding.verdict >= Verdict.DAMAGED:
                yield f"  {_finding(finding, explain=explain)}"
            if explain:
                yield from (f"    {escape(call)}" for call in finding.calls)
    yield from _summary(result)
    for place, names in needed.items():
        listed = names if explain else names[:_SHOWN]
        more = f" and {len(names) - len(listed)} more" if len(listed) < len(names) else ""
        yield f"Classes allowed by {escape(place)}: {escape(', '.join(listed))}{more}"
    if explain:
        yield from _explained(result, settings, has_allowed=bool(needed))


def _finding(finding: Finding, *, explain: bool) -> str:
    place = ", ".join(filter(None, (escape(finding.place), f"byte {finding.offset}" if finding.offset >= 0 else "")))
    names = finding.names if explain else finding.names[:_SHOWN]
    more = f" and {len(finding.names) - len(names)} more" if len(names) < len(finding.names) else ""
    listed = f" {', '.join(map(escape, names))}{more}" if names else ""
    return f"{finding.rule}{f' ({place})' if place else ''}: {escape(finding.message)}{listed}"


def _summary(result: Scanned) -> Iterator[str]:
    verdicts = collections.Counter(file.report.verdict for file in result.files if file.report is not None)
    absent = sum(file.report is None for file in result.files)
    counts = [f"{number} {verdict.word}" for verdict, number in sorted(verdicts.items(), reverse=True)]
    counts += [f"{absent} not scanned"] if absent else []
    yield f"{count(len(result.files), 'file')}{': ' if counts else ''}{', '.join(counts)}"


def _explained(result: Scanned, settings: ScanSettings, *, has_allowed: bool) -> Iterator[str]:
    verdicts = {file.report.verdict for file in result.files if file.report is not None}
    for verdict in sorted(verdicts, reverse=True):
        yield f"{verdict.word}: {MEANINGS[verdict]}"
    if Verdict.HOSTILE in verdicts:
        yield "Do not load a hostile file. Ask its author for the weights as safetensors, or take them from another source."
    if has_allowed:
        yield "Besides, a loader makes objects of the allowed classes, and runs their code."
    names = allow_list.names(file.report for file in result.files if file.report is not None)
    if names:
        listed = json.dumps(list(names), ensure_ascii=False)
        yield "To allow these classes, if you trust the files that need them:"
        yield f'  mvc config --global {SCAN_ALLOW} "{escape(", ".join((*settings.own, *names)))}"'
        yield "or for everybody who works on this repository, in policy.toml:"
        yield from ("  [scan]", f"  allow = {escape(listed)}")


MEANINGS = {
    Verdict.HOSTILE: "a loader would run, read or write something, or its structure is made to mislead.",
    Verdict.UNREADABLE: "a loader may interpret bytes that the scan cannot read.",
    Verdict.CODE: "a loader needs code, whose names are listed.",
    Verdict.DAMAGED: "it is truncated or malformed, and a loader stops with an error.",
    Verdict.UNKNOWN: "its format is not known, or that of a part.",
    Verdict.DATA: "a loader makes objects of classes of data.",
    Verdict.PLAIN: "a loader makes numbers, texts and containers of them.",
}
