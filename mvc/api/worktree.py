"""The working tree of a model: model.toml, the tracked files, and what was put aside."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from mvc.api import values
from mvc.api.handle import Handle
from mvc.api.session import PathLike, Revision, Who, texts
from mvc.api.stashes import Stashes
from mvc.api.values import Labels
from mvc.model.toml.value_file import ValueFile
from mvc.porcelain import docker, edit, scan
from mvc.porcelain.add import Added, add
from mvc.porcelain.add_run import AddedRun, add_run
from mvc.porcelain.docker import ResolvedImage
from mvc.porcelain.edit import Edited, Updated
from mvc.porcelain.mv import Renamed, mv
from mvc.porcelain.restore import Restored, restore
from mvc.porcelain.scan import Scanned
from mvc.porcelain.stash import Stashed
from mvc.porcelain.status import Status, status
from mvc.storage.progress import Progress


class WorkingTree(Handle):
    """The methods of a model that read and change its working tree."""

    @property
    def stashes(self) -> Stashes:
        """The model's stashes, the newest first."""
        return Stashes(self._session, self.name)

    def add(
        self,
        *paths: PathLike,
        role: str | None = None,
        yes: bool = False,
        follow_links: bool = False,
        dry_run: bool = False,
    ) -> Added:
        """Track files, folders or patterns, relative to the current folder; `role` defaults to the file's stem.

        A `role` that another path has moves here. Raises NotInModel, NoSuchFile, NothingToTrack, BadRole, ManyFiles
        unless `yes`, and the like.
        """
        given = [self._session.absolute(path) for path in paths]
        model = self._session.of(self.name)
        return add(model, given, role=role, yes=yes, follow_links=follow_links, dry_run=dry_run)

    def add_run(self, folder: PathLike, *, dry_run: bool = False) -> AddedRun:
        """Track the files of a training run, under the roles that the run before has; see `mvc add --run`.

        Raises NotInModel, NoSuchFile, NoRun, NoWeightsYet, WhichWeights and the like.
        """
        return add_run(self._session.of(self.name), self._session.absolute(folder), dry_run=dry_run)

    def remove(
        self,
        *names: str,
        cached: bool = False,
        force: bool = False,
        discard: bool = False,
        dry_run: bool = False,
        on_delete: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> list[Edited]:
        """Stop tracking roles or paths, and delete their files unless `cached`.

        Files come back with `undo`, edits of them unless `discard`. Raises NotTracked, OnlyHere unless `force`.
        """
        return edit.remove(
            self._session.of(self.name),
            names,
            cached=cached,
            force=force,
            discard=discard,
            dry_run=dry_run,
            below=self._session.below(self.name),
            on_delete=on_delete,
        )

    def move(self, sources: PathLike | Iterable[PathLike], target: PathLike, *, dry_run: bool = False) -> Renamed:
        """Move tracked files or folders, with their paths in model.toml, to a path or into a folder.

        A source may be a role. Raises NotTracked, TargetExists, NotInModel, UnsafePath, NoLongerTracked and the like.
        """
        given = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
        names, below = [os.fspath(source) for source in given], self._session.below(self.name)
        return mv(self._session.of(self.name), names, os.fspath(target), below=below, dry_run=dry_run)

    def update(
        self,
        *,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        labelmap: Labels | PathLike | None = None,
        about: Mapping[str, Any] | None = None,
        docker: Mapping[str, Any] | None = None,
        source: Mapping[str, Any] | None = None,
        intent: Mapping[str, Any] | None = None,
        from_: Mapping[str, ValueFile | PathLike | None] | None = None,
        replace: Collection[str] = (),
    ) -> Updated:
        """Set typed values in model.toml, in one step; no value is parsed from text.

        A list of classes replaces the labelmap; a mapping updates its section, as `dict.update` does, unless the section
        is in `replace`. None removes a key. A metric that is NaN or infinite is not stored, and is in `left_out` of the
        result. `from_` names the files that `labelmap`, `parameters` and `metrics` are read from at each commit:
        `{"metrics": mvc.ValueFile("results.csv", best="mAP50")}`. Raises UnknownKey, WrongType, NotFinite, BadValueFile,
        SetInFile and the like, which name the key.
        """
        given = values.by_section(parameters, metrics, labelmap, about, docker, source, intent)
        found = values.sections({**given, "from": from_}, replace)
        return edit.update(
            self._session.of(self.name),
            found.assignments,
            removed=found.removed,
            replaced=found.replaced,
            left_out=found.left_out,
        )

    def unset(self, *keys: str) -> list[Edited]:
        """Remove keys such as `docker.tag` from model.toml. Raises UnknownKey, NoValue."""
        return edit.unset(self._session.of(self.name), keys)

    def get(self, key: str | None = None) -> Any:
        """Return a value of model.toml, or all of them. Raises UnknownKey, NoValue."""
        return edit.get(self._session.of(self.name), key)

    def status(self) -> Status:
        """Compare the working tree with the current version."""
        return status(self._session.of(self.name))

    def scan(self, *, allow: Iterable[str] = ()) -> Scanned:
        """Scan the tracked files for what a loader would run; nothing is loaded. `allow` names classes, as the command does.

        The settings scan.allow and scan.command, and `[scan]` of policy.toml, count, too. Raises BadPolicy, BadConfig.
        """
        return scan.of_working(self._session.of(self.name), texts(allow))

    def restore(
        self,
        *names: str,
        revision: Revision | None = None,
        discard: bool = False,
        progress: Progress | None = None,
    ) -> Restored:
        """Restore roles or paths (none: all files) from `revision`, else from the current version.

        Edits of them come back with `undo`, unless `discard`. A role that was moved or removed since gets its path in
        model.toml back, which `changes` of the result has.
        """
        return restore(
            self._session.of(self.name),
            names,
            source=self._session.take(self.name, revision) if revision is not None else None,
            below=self._session.below(self.name),
            discard=discard,
            progress=progress,
        )

    def stash(
        self, message: str | None = None, *, actor: Who | None = None, progress: Progress | None = None
    ) -> Stashed:
        """Put the uncommitted changes aside, as `Stashes.push`; `model.stashes.pop()` restores them."""
        return self.stashes.push(message, actor=actor, progress=progress)

    def resolve_image(self, *, dry_run: bool = False) -> ResolvedImage:
        """Resolve the image's tag, and write its digest to docker.digest in model.toml."""
        self._session.require_network("The registry of the image")
        registries = self._session.registries()
        assert registries is not None  # noqa: S101 - not offline
        return docker.resolve(self._session.of(self.name), registries, dry_run=dry_run)
