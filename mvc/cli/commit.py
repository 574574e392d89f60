"""`mvc commit`: its options, arguments and output."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.cli.history import signatures
from mvc.model import textfile
from mvc.model.version import Person, Timestamp
from mvc.plural import count
from mvc.porcelain.commit import Committed, Options, commit
from mvc.porcelain.status import status
from mvc.repository.model import Model
from mvc.storage.records.reflog import ALIASES, TAGS

if TYPE_CHECKING:
    from mvc.cli import source
else:
    source = lazy.Module("mvc.cli.source")


@verb("commit", needs={"--force": ("--alias",)})
@click.option("-m", "--message", "messages", multiple=True, help="Message; repeat for more paragraphs.")
@click.option(
    "-F",
    "--file",
    "file",
    type=click.Path(allow_dash=True),
    help="Read the message from a file (- for standard input).",
)
@click.option("-e", "--edit", is_flag=True, help="Edit the message in MVC_EDITOR, VISUAL or EDITOR.")
@click.option("-s", "--signoff", is_flag=True, help="Add a Signed-off-by line with your name to the message.")
@click.option("--amend", is_flag=True, help="Replace the tip of the current branch by the new version.")
@click.option("--allow-empty", is_flag=True, help="Commit even if nothing changed.")
@click.option("--allow-secret", is_flag=True, help="Commit even if something looks like a secret.")
@click.option("--allow-unsafe", is_flag=True, help="Commit even if `mvc scan` finds what a loader would run.")
@click.option("--keep-metrics", is_flag=True, help="Commit metrics set by hand even if the weights changed.")
@click.option("-n", "unverified", is_flag=True, help="Skip your hooks, as --no-verify.")
@click.option("--dry-run", is_flag=True, help="Show what would be committed.")
@click.option("--author", metavar='"NAME <EMAIL>"', help='Override the author, as "NAME <EMAIL>".')
@click.option("--date", metavar="DATE", help="Override the date, such as 2026-02-03.")
@click.option("--tag", "tags", multiple=True, metavar="NAME", help="Create tag NAME at the new version.")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="Set an alias to the new version.")
@click.option("--force", is_flag=True, help="With --alias: set it even if the version is not ready.")
@signatures.options("the new version", "-S", "--gpg-sign/--no-gpg-sign")
@click.argument("words", nargs=-1, metavar="")
def command(
    invocation: Invocation,
    words: tuple[str, ...],
    messages: tuple[str, ...],
    file: str | None,
    edit: bool,
    signoff: bool,
    amend: bool,
    allow_empty: bool,
    allow_secret: bool,
    allow_unsafe: bool,
    keep_metrics: bool,
    unverified: bool,
    dry_run: bool,
    author: str | None,
    date: str | None,
    tags: tuple[str, ...],
    aliases: tuple[str, ...],
    force: bool,
    signed: bool | None,
    key: str | None,
) -> None:
    """Record a new version of the model.

    The version holds model.toml and every tracked file, as they are in the working tree. In a Picsellia training
    container, the current experiment and its parameters are first written to [source] of model.toml, and parameters
    that differ from those of the run are reported.

    With --sign, the version is signed as by `mvc sign`, and so are the moves of --tag and --alias.

    New files are scanned before one is stored, as by `mvc scan`. Hostile and unreadable ones are refused, files that
    need code reported; scan.level and scan.allow of your settings change that.

    If the weights changed and metrics set by hand did not, a warning names the version that they were measured on.
    """
    _no_paths(words)
    signing_key = signatures.key(invocation, signed, key)
    repository = invocation.repository() if dry_run else invocation.writer()
    repository.no_verify |= unverified
    model = invocation.model()
    message = _message(invocation, messages, file)
    if edit or (message is None and not amend and sys.stdin.isatty() and sys.stdout.isatty()):
        message = _edited(invocation, message or "")
    actor = invocation.actor(warn=True)
    if signoff and message:
        message = _signed(message, f"Signed-off-by: {actor.person}")
    options = Options(
        amend=amend,
        allow_empty=allow_empty,
        allow_secret=allow_secret,
        allow_unsafe=allow_unsafe,
        keep_metrics=keep_metrics,
        dry_run=dry_run,
        author=Person.parse(author) if author else None,
        date=Timestamp.parse(date, offset=actor.at.offset) if date else None,
        tags=tags,
        aliases=aliases,
        force=force,
        registries=None if invocation.offline else invocation.registries(),
    )
    if not dry_run and "experiment_id" in invocation.environ:
        options = replace(options, warnings=source.record_run(invocation))
    with invocation.progress("Storing") as progress:
        if dry_run and message is None:
            message = "dry run"
        done = commit(
            Model(repository, model), message, actor, options=options, progress=progress, code=invocation.code
        )
    if signing_key is not None and done.id is not None and done.version is not None:
        made = Model(repository, model)
        refs = [made.ref(kind, name) for kind, names in ((TAGS, tags), (ALIASES, aliases)) for name in names]
        label = f"v{done.version.number} {short(done.id)} is committed"
        signatures.sign(invocation, made, done.id, signing_key, label, refs)
    for warning in done.warnings:
        invocation.note(render.problem(warning))
    for path in done.skipped:
        invocation.note(render.skipped(path))
    if done.untracked:
        invocation.note(render.without_files(done.untracked))
    for use in done.unready:
        invocation.note(f"warning: {render.not_ready(use)}")
    for note in done.notes:
        invocation.note(render.fault(note))
    for line in render.compressed(done.compressed):
        invocation.note(line)
    invocation.emit("commit", done, lambda: lines(done), ids=(done.id,) if done.id else ())


def _no_paths(words: tuple[str, ...]) -> None:
    """Raise UsageError for the paths of Git's `commit PATH`."""
    if words:
        raise click.UsageError(
            f"mvc commit records every tracked file, not only {words[0]}: use `mvc commit -m MESSAGE` without a path"
        )


def _message(invocation: Invocation, messages: tuple[str, ...], file: str | None) -> str | None:
    if messages and file:
        raise click.UsageError("-m cannot be combined with -F")
    if file is not None:
        try:
            data = sys.stdin.buffer.read() if file == "-" else (invocation.cwd / file).read_bytes()
            return textfile.decode(data)
        except textfile.TextError as error:
            raise click.UsageError(f"the message in {file} is not valid: it is {error.reason}") from None
        except OSError as error:
            raise click.UsageError(f"the message in {file} cannot be read: {error.strerror}") from None
    return "\n\n".join(messages) if messages else None


def _signed(message: str, line: str) -> str:
    """Return the message with a last line that says who signs it off."""
    body = message.rstrip()
    if line in body.split("\n"):
        return message
    return f"{body}\n{line}" if body.rpartition("\n")[2].startswith("Signed-off-by: ") else f"{body}\n\n{line}"


def _edited(invocation: Invocation, message: str) -> str:
    """Return the message as edited by the user, without the lines that start with #."""
    current = status(Model(invocation.repository(), invocation.model()))
    lines = [
        f"# {line}"
        for line in [
            "Describe the change above. Lines starting with # are ignored.",
            *render.difference(current.difference),
        ]
    ]
    editor = (
        invocation.environ.get("MVC_EDITOR") or invocation.environ.get("VISUAL") or invocation.environ.get("EDITOR")
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "MESSAGE"
        path.write_text("\n".join([message, "", *lines, ""]), encoding="utf-8")
        click.edit(filename=os.fspath(path), editor=editor)
        text = textfile.decode(path.read_bytes())
    return "\n".join(line for line in text.split("\n") if not line.startswith("#")).strip()


def lines(done: Committed) -> Iterator[str]:
    """Yield what was committed, also for `mvc merge --continue`."""
    if done.id is None or done.version is None:
        yield f"Would commit to {escape(done.branch)} of {escape(done.model)}:"
    else:
        version = style(f"v{done.version.number} {short(done.id)}", fg="yellow")
        yield f"[{escape(done.branch)} {version}] {escape(done.version.subject)}"
    whole = "mvc status -v" if done.id is None else f"mvc show {short(done.id)}"
    yield from (f"  {line}" for line in render.difference(done.difference, whole=whole))
    stored = "" if done.id is None else f", {size(done.new_bytes)} stored"
    yield f"  {count(done.files, 'file')}, {size(done.total_bytes)}{stored}"
    if done.named:
        yield f"  refs: {', '.join(map(escape, done.named))}"
