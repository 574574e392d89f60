"""`mvc ci`: its options, arguments and output."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvc import errors, lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import group, subverb
from mvc.cli.review import document
from mvc.model.ids import VersionId
from mvc.porcelain import ci as porcelain
from mvc.porcelain import ci_check as hooks
from mvc.porcelain.ci import UNCOMMITTED, Condition
from mvc.porcelain.ci_check import Fault
from mvc.repository import discovery, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository

if TYPE_CHECKING:
    from mvc.repository.git import versions
else:
    versions = lazy.Module("mvc.repository.git.versions")

_LINKS = ("https://", "http://")


@group("ci")
def command(invocation: Invocation) -> None:
    """Report on versions in CI, and check files in Git hooks."""
    raise click.UsageError("missing command, as in `mvc ci report BASE HEAD`")


@subverb(command, "report")
@click.argument("base")
@click.argument("head")
@click.option(
    "--git",
    "folder",
    metavar="FOLDER",
    help="BASE and HEAD are commits of the Git repository at FOLDER; compare the versions that belong to them.",
)
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    metavar="CONDITION",
    help="Exit with 1 if CONDITION is met: breaking, not-ready, uncommitted, or metric:NAME:CHANGE, such as metric:mAP50:-0.01.",
)
@click.option("--for", "uses", multiple=True, metavar="USE", help="Use to check for (default: intent.ready_for).")
@click.option("--link", metavar="URL", help="Link to these versions on the page at URL, made by `mvc ui --export`.")
def report(
    invocation: Invocation,
    base: str,
    head: str,
    folder: str | None,
    fail_on: tuple[str, ...],
    uses: tuple[str, ...],
    link: str | None,
) -> int:
    """Report in Markdown what a branch changes, for a comment.

    Example: mvc ci report --git . origin/main HEAD --fail-on breaking

    Compares the version of the base branch with that of the branch: what breaks consumers first, then classes, metrics,
    evaluations, readiness, values, files and tensors, in at most 65,000 characters. The first line, <!-- mvc:MODEL -->, marks the comment to
    update; the second one is <!-- unchanged --> if nothing changed. Nothing is fetched, so a clone made with --meta will do.

    metric:mAP50:-0.01 is met if mAP50 falls by more than 0.01 or is not set, metric:loss:0.1 if loss rises by more than
    0.1, metric:eval.night.mAP50:-0.01 for the newest evaluation on a dataset. With --git, uncommitted is met if model.toml
    of HEAD has values that no version has; the report names their sections.
    """
    conditions = [Condition.parse(text) for text in fail_on]
    model = Model(invocation.repository(), invocation.model())
    if folder is None and UNCOMMITTED in fail_on:
        raise click.UsageError(f"--fail-on {UNCOMMITTED} needs --git: it is about model.toml in Git")
    if link is not None and not link.lower().startswith(_LINKS):
        raise click.UsageError("--link expects an address with https:// or http://")
    old, new = _sides(invocation, model, base, head, folder)
    unknown = versions.uncommitted(model, invocation.cwd / folder, head, new) if folder is not None else ()
    result = porcelain.report(model, old, new, conditions=conditions, uses=uses, uncommitted=unknown)
    ids = [entry.id for entry in result.changes.versions]
    invocation.emit("ci", result, lambda: document.report(result, link), ids=ids, wrap=False)
    for failure in result.failures:
        invocation.note(f"failed: {failure.condition}: {failure.reason}")
    return int(bool(result.failures))


def _sides(
    invocation: Invocation, model: Model, base: str, head: str, folder: str | None
) -> tuple[VersionId | None, VersionId]:
    """Return both versions; a branch without one of its own has that of the base branch. Raises NothingToReport."""
    if folder is None:
        return revisions.resolve(model, base), revisions.resolve(model, head)
    place = invocation.cwd / folder
    if not os.path.isdir(place):
        raise click.UsageError(f"{folder} is not a folder")
    old, new = (versions.of_commit(model, place, commit) for commit in (base, head))
    new = new or old
    if new is None:
        raise errors.NothingToReport(model=model.key, base=base, head=head)
    return old, new


@subverb(command, "check")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def check(invocation: Invocation, files: tuple[str, ...]) -> int:
    """Check model.toml files, without a repository.

    Checks keys and types, and the rules of a commit, such as classes without gaps; also the files that labelmap.path and
    [from] name, which may be missing only if Git ignores them or [files] tracks them. Exits with 1 if something is wrong.
    For Git hooks: `mvc-check` of pre-commit.
    """
    return _faults(invocation, hooks.check(invocation.cwd, files), files)


@subverb(command, "committed")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def committed(invocation: Invocation, files: tuple[str, ...]) -> int:
    """Check that model.toml files have the values of a version.

    So a commit of Git never has values that `mvc commit` did not record. Exits with 1 if one differs from all versions of
    its model. For Git hooks: `mvc-committed` of pre-commit.
    """
    repositories: dict[Path, Repository] = {}
    faults: list[Fault] = []
    for file in files:
        path = invocation.cwd / file
        root = invocation.root or discovery.find_root(path.parent)
        if root not in repositories:
            repositories[root] = Repository(root, user_config=invocation.user_config, offline=True)
        faults += hooks.committed(repositories[root], path, file)
    return _faults(invocation, faults, files)


@subverb(command, "no-weights")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def no_weights(invocation: Invocation, files: tuple[str, ...]) -> int:
    """Refuse weight files that mvc tracks, without a repository.

    Their bytes belong into the store of mvc; Git keeps model.toml. A file is tracked if [files] of a model.toml above it
    names it. Exits with 1 if FILE has one. For Git hooks: `mvc-no-weights` of pre-commit.
    """
    return _faults(invocation, list(hooks.no_weights(invocation.cwd, files)), files)


def _faults(invocation: Invocation, faults: Sequence[Fault], files: Sequence[str]) -> int:
    """Print the faults; return the exit code. A list of changed files may be empty."""
    if not files:
        invocation.note("No FILE was named, so nothing was checked.")
    invocation.emit("ci", {"faults": faults}, lambda: _fault_lines(faults), ids=[fault.path for fault in faults])
    return int(bool(faults))


def _fault_lines(faults: Sequence[Fault]) -> Iterator[str]:
    for fault in faults:
        yield f"{escape(fault.path)}: {escape(fault.message)}"
        if fault.hint:
            yield f"  {escape(fault.hint)}"
