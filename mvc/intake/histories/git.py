"""A Git repository as a history: its weights in Git or Git LFS, its branches and its tags.

git-lfs is not needed, and nothing that the repository configures runs.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake.histories import commit_files, commits
from mvc.intake.histories.commit_files import Accepts, CommitFiles, GitFile
from mvc.intake.histories.commits import Selection, Steps
from mvc.intake.histories.contents import Contents
from mvc.model import names
from mvc.model.paths import escape_name
from mvc.registry import handmade
from mvc.repository.git.repository import GitRepository
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import AliasMove, SourceHistory
from mvc.repository.worktree import globs

PATHS = "paths"
"""The option with the patterns of the files to take, instead of those of weights."""


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of a Git repository.

    Raises NotGit, ShallowHistory, BadGitObject, BadPattern, TooBig, NothingToImport for a branch that it lacks.
    """
    patterns = tuple(request.options.get(PATHS, ()))
    with GitRepository(request.folder) as git:
        files = CommitFiles(git.objects, "", accepted(patterns))
        steps = Steps(files, Contents(git), lambda listed: _select(listed, patterns))
        branches = read(git, steps, request)
        tags = {tag.name: steps.graph.step_of(tag.commit.oid) for tag in git.tags()}
        yield history(request, name_of(git), steps, Refs(branches, tags))


def read(git: GitRepository, steps: Steps, request: Request) -> dict[str, str | None]:
    """Add the commits of the branches and tags of a repository, or of the requested branch; return the step of each branch."""
    branches = git.branches()
    tips = [*branches.values(), *(tag.commit.oid for tag in git.tags())]
    if request.branch is not None:
        if request.branch not in branches:
            reason = f"it has no branch {escape_name(request.branch)}"
            raise errors.NothingToImport(origin=escape_name(os.fspath(request.folder)), reason=reason)
        branches = {request.branch: branches[request.branch]}
        tips = list(branches.values())
    for commit in git.commits(tips):
        steps.add(commit)
    return {name: steps.graph.step_of(oid) for name, oid in branches.items()}


@dataclass(frozen=True, slots=True)
class Refs:
    """The refs of a repository, with the steps that they name; `notes` are warnings."""

    branches: Mapping[str, str | None]
    tags: Mapping[str, str | None]
    aliases: tuple[AliasMove, ...] = ()
    notes: tuple[str, ...] = ()


def history(request: Request, model: str, steps: Steps, refs: Refs) -> SourceHistory:
    """Return a history; branches and tags get names that mvc allows, and a warning names those that are left out."""
    warnings = [*steps.notes, *refs.notes]
    return SourceHistory(
        escape_name(os.fspath(request.folder)),
        model,
        tuple(steps.steps),
        _named(model, refs.branches, "branch", warnings),
        _named(model, refs.tags, "tag", warnings),
        refs.aliases,
        tuple(warnings),
        is_chosen=request.model is not None,
    )


def accepted(patterns: Sequence[str]) -> Accepts:
    """Return a function that tells by its path whether a history may need a file."""
    matches = [globs.compile_glob(pattern).match for pattern in patterns]
    return lambda path: commit_files.is_part(path) or any(match(path) for match in matches)


def _named(model: str, steps: Mapping[str, str | None], kind: str, warnings: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, step in steps.items():
        if step is None:
            continue  # it has no weights
        valid = valid_name(model, name)
        if valid is None or valid in found:
            warnings.append(f"{kind} {escape_name(name)} left out: {_fault(name)}")
        else:
            found[valid] = step
    return found


def valid_name(model: str, name: str) -> str | None:
    """Return a name as mvc allows it: `v2`, which is a version number, becomes `helmet-v2`; None if it cannot be."""
    prefix = model.rpartition("/")[2].replace(" ", "-")
    return next((each for each in (name, f"{prefix}-{name}") if names.is_ref_name(each)), None)


def name_of(git: GitRepository) -> str:
    """Return the name of the model: that of the repository at origin, which clones share, else that of its folder."""
    url = git.setting("remote.origin.url") or os.fspath(git.top())
    name = posixpath.basename(url.rstrip("/").replace(":", "/").removesuffix("/.git"))
    return handmade.model_key(name.removesuffix(".git"))


def _fault(name: str) -> str:
    try:
        names.check_ref_name(name)
    except errors.BadRefName as error:
        return str(error.fields["reason"])
    return "another one has its name"


def _select(listed: Mapping[str, GitFile], patterns: Sequence[str]) -> Selection:
    return Selection(listed, commits.selected(listed, patterns))
