"""A DVC repository as a history: its weights in the cache, its parameters and metrics; with GTO its versions and stages.

    helmet@v1.0.0 ─► tag v1.0.0            helmet#prod#1, helmet#prod#2 ─► moves of the alias prod

Of an artifact of dvc.yaml, the files at its path are the model. Otherwise all weights are: files by their suffix, and
folders with a name such as `models`. Neither dvc nor gto is needed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence

from mvc import errors
from mvc.intake.histories import commits, dvc_files, git, gto
from mvc.intake.histories.commit_files import CommitFiles, GitFile
from mvc.intake.histories.commits import Selection, Steps
from mvc.intake.histories.contents import Contents, File
from mvc.intake.histories.dvc_cache import DvcCache
from mvc.intake.histories.dvc_files import Artifact, DvcFiles, Output
from mvc.model.paths import escape_name
from mvc.model.toml.value_file import METRICS, PARAMETERS
from mvc.repository.git.repository import GitRepository
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import AliasMove, SourceHistory

PLACE = ".dvc"
ARTIFACT = "artifact"
"""The option with the name of the artifact to take."""
_MODEL_FOLDER = re.compile(r"(?:model|weight|checkpoint|ckpt|run|exp)s?(?:[-_.0-9].*)?\Z", re.IGNORECASE)
"""The name of a folder that is taken for one of weights without reading its list, which another machine may lack."""


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of a DVC repository.

    Raises NotDvc, WhichArtifact, NoSuchArtifact, NotGit, ShallowHistory, BadGitObject, BadPattern, TooBig.
    """
    folder, patterns = request.folder, tuple(request.options.get(git.PATHS, ()))
    if not (folder / PLACE).is_dir():
        raise errors.NotDvc(path=escape_name(os.fspath(folder)))
    with GitRepository(folder) as repository:
        top = os.path.relpath(os.path.realpath(folder), os.path.realpath(repository.top()))
        cache = DvcCache(folder / PLACE)
        contents = Contents(repository, cache)
        accepts = git.accepted(patterns)
        files = CommitFiles(
            repository.objects, "" if top == "." else top, lambda path: dvc_files.is_dvc(path) or accepts(path)
        )
        reader = _Reader(contents, cache, patterns)
        artifact = _artifact(request, reader, files, repository)
        steps = Steps(files, contents, lambda listed: reader.select(listed, artifact))
        yield _history(request, artifact, steps, repository)


class _Reader:
    """Reads the files of DVC of commits, each state of them once."""

    def __init__(self, contents: Contents, cache: DvcCache, patterns: Sequence[str]) -> None:
        self._contents = contents
        self._cache = cache
        self._patterns = patterns
        self._known: dict[frozenset[tuple[str, GitFile]], DvcFiles] = {}

    def read(self, listed: Mapping[str, GitFile]) -> DvcFiles:
        """Return what the files of DVC say."""
        own = frozenset((path, file) for path, file in listed.items() if dvc_files.is_dvc(path))
        if own not in self._known:
            files = dict(own)
            self._known[own] = dvc_files.read(
                files, lambda path: self._contents.read(path, self._contents.of(files[path]), dvc_files.MAX_BYTES)
            )
        return self._known[own]

    def select(self, listed: Mapping[str, GitFile], artifact: str | None) -> Selection:
        """Return the files of a commit: of the artifact if the commit declares it, else all weights."""
        found = self.read(listed)
        named = found.artifacts.get(artifact) if artifact is not None else None
        files: dict[str, File] = {path: file for path, file in listed.items() if not dvc_files.is_dvc(path)}
        weights: set[str] = set()
        for output in found.outputs.values():
            weights |= self._add(output, named, files)
        if named is not None:
            weights |= {path for path in files if _is_at(path, named.path)}
        elif not (artifact is not None and found.artifacts):  # of another artifact alone
            weights |= commits.selected(files, self._patterns)
        latest = named.path if named is not None and named.path in files else None
        declared = {PARAMETERS: found.parameters or [], METRICS: found.metrics}
        about = _about(named) if named is not None else {}
        return Selection(files, frozenset(weights), latest, declared, about, tuple(found.warnings))

    def _add(self, output: Output, named: Artifact | None, files: dict[str, File]) -> frozenset[str]:
        """Add the files of an output; return those that are weights since they are in a folder of weights."""
        if output.path in files:  # not cached: Git has it
            return frozenset()
        if not output.is_folder:
            files[output.path] = output
            return frozenset()
        is_taken = (
            _is_at(output.path, named.path) or _is_at(named.path, output.path) if named else self._is_taken(output)
        )
        if not is_taken:
            return frozenset()
        below = self._cache.files(output)
        if isinstance(below, str):  # the list of its files is missing, so the folder is named
            files[output.path] = output
            return frozenset({output.path})
        files |= {file.path: file for file in below}
        return frozenset(file.path for file in below) if named is None and not self._patterns else frozenset()

    def _is_taken(self, output: Output) -> bool:
        if self._patterns:
            return bool(commits.selected([output.path, f"{output.path}/x"], self._patterns))
        return any(map(_MODEL_FOLDER.match, output.path.split("/")))


def _artifact(request: Request, reader: _Reader, files: CommitFiles, repository: GitRepository) -> str | None:
    """Return the artifact to take: the one that is named, else the only one; None if there is none. Raises WhichArtifact, NoSuchArtifact."""
    tags = repository.tags()
    known: set[str] = {event.artifact for event in gto.events(tags)}
    for oid in (*repository.branches().values(), *(tag.commit.oid for tag in tags)):
        known |= reader.read(files.of(repository.commit(oid).tree)).artifacts.keys()
    named = next(iter(request.options.get(ARTIFACT, ())), None)
    shown = ", ".join(map(escape_name, sorted(known))) or "none"
    if named is not None:
        named = named.replace(":", "=")
        if named not in known:
            raise errors.NoSuchArtifact(name=escape_name(named), known=shown)
        return named
    if request.options.get(git.PATHS):
        return None
    if len(known) > 1:
        raise errors.WhichArtifact(path=escape_name(os.fspath(request.folder)), known=shown, first=min(known))
    return next(iter(known), None)


def _history(request: Request, artifact: str | None, steps: Steps, repository: GitRepository) -> SourceHistory:
    """Return the history: branches and tags of Git, versions and stages of GTO."""
    branches, tags = git.read(repository, steps, request), repository.tags()
    model = artifact.rpartition("=")[2] if artifact else git.name_of(repository)
    events = [event for event in gto.events(tags) if event.artifact == artifact]
    step_of = {tag.name: steps.graph.step_of(tag.commit.oid) for tag in tags}
    plain = {tag.name: step_of[tag.name] for tag in tags if not gto.is_event(tag)}
    versions = {version: step_of[tag.name] for version, tag in gto.versions(events).items()}
    moves = []
    for move in gto.moves(events):
        alias = git.valid_name(model, move.stage)
        key = step_of[move.on.name] if move.on is not None else None
        if alias is not None and (key is not None or move.on is None):
            moves.append(AliasMove(alias, key, move.tag.author, move.tag.time, move.tag.message))
    refs = git.Refs(branches, {**plain, **versions}, tuple(moves), gto.notes(events))
    return git.history(request, model, steps, refs)


def _about(artifact: Artifact) -> dict[str, object]:
    """Return the section `model` for an artifact."""
    labels = list(dict.fromkeys(artifact.labels))
    return {
        **({"description": artifact.description} if artifact.description else {}),
        **({"tags": labels} if labels else {}),
    }


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")
