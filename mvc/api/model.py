"""A model as an object, whose methods are the verbs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any, Literal, Unpack

from mvc.api import values
from mvc.api.experiments import Experiments
from mvc.api.files import File
from mvc.api.log import Log
from mvc.api.refs import Aliases, Branches, Tags
from mvc.api.remote import FetchOptions, PruneRules, PullOptions, PushOptions, Remote, rules_of
from mvc.api.session import PathLike, Revision, Session, When, Who, person, texts
from mvc.api.stashes import Side, Stashes
from mvc.api.values import Labels
from mvc.api.version import Version
from mvc.model.ids import VersionId
from mvc.model.query import parse
from mvc.model.toml.value_file import ValueFile
from mvc.model.version import Code, Person
from mvc.porcelain import cherry_pick as picks
from mvc.porcelain import docker, drift, edit, merge_continue, models, notes, publish
from mvc.porcelain import source as origin
from mvc.porcelain.add import Added, add
from mvc.porcelain.add_run import AddedRun, add_run
from mvc.porcelain.blame import Blame, blame
from mvc.porcelain.check import Checked, check, manifest_of
from mvc.porcelain.cherry_pick import Options as PickOptions
from mvc.porcelain.cherry_pick import Picked
from mvc.porcelain.commit import Committed, commit
from mvc.porcelain.commit import Options as CommitOptions
from mvc.porcelain.compare import Comparison, compare
from mvc.porcelain.diff import Diff, diff, sides
from mvc.porcelain.docker import ImageDrift, ResolvedImage
from mvc.porcelain.drift import RegistryDrift
from mvc.porcelain.du import Usages, du
from mvc.porcelain.edit import Edited, Updated
from mvc.porcelain.fetch import Fetched
from mvc.porcelain.grep import Matches, grep
from mvc.porcelain.log import Filter, log
from mvc.porcelain.merge import Choice, MergeResult, merge
from mvc.porcelain.mv import Renamed, mv
from mvc.porcelain.notes import ListedNote
from mvc.porcelain.op import Operation, operation, operations
from mvc.porcelain.prune import Pruned, prune
from mvc.porcelain.publish import Published
from mvc.porcelain.publish_tags import publish_tags
from mvc.porcelain.pull import Pulled
from mvc.porcelain.push import Pushed
from mvc.porcelain.reflog import Reflog, reflog
from mvc.porcelain.reset import HARD, KEEP, SOFT, Reset, reset
from mvc.porcelain.restore import Restored, restore
from mvc.porcelain.stash import Stashed
from mvc.porcelain.status import Status, status
from mvc.porcelain.switch import Switched, switch
from mvc.porcelain.undo import Undone, redo, undo
from mvc.porcelain.undo import restore as restore_operation
from mvc.readiness.evaluation import rules_for
from mvc.readiness.rule import Rule
from mvc.repository.query.criteria import Query, SortKey
from mvc.repository.record.files import Changes, Options, Recorded, record_files
from mvc.repository.retention.rules import Rules
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress


class Model:
    """One model of a repository. `model["v7"]` is a version; an unknown revision raises UnknownRevision."""

    def __init__(self, session: Session, name: str) -> None:
        """Hold the model `name`. Raises NoModel."""
        self._session = session
        self.name = name
        session.repository.head(name)

    # --- where it is

    @property
    def folder(self) -> Path:
        """The folder of the model's model.toml."""
        return self._session.repository.root / self._session.repository.head(self.name).folder

    @property
    def branch(self) -> str | None:
        """The current branch; None when HEAD is detached."""
        return self._session.repository.head(self.name).branch

    @property
    def head(self) -> Version | None:
        """The version that the working tree is based on; None before the first commit."""
        id_ = self._session.repository.current(self.name)
        return None if id_ is None else Version(self._session, self.name, id_)

    @property
    def branches(self) -> Branches:
        """The model's branches by name."""
        return Branches(self._session, self.name)

    @property
    def tags(self) -> Tags:
        """The model's tags by name."""
        return Tags(self._session, self.name)

    @property
    def aliases(self) -> Aliases:
        """The model's aliases by name."""
        return Aliases(self._session, self.name)

    @property
    def stashes(self) -> Stashes:
        """The model's stashes, the newest first."""
        return Stashes(self._session, self.name)

    @property
    def notes(self) -> list[ListedNote]:
        """The notes on all versions of the model, the newest first."""
        return notes.log(self._session.of(self.name))

    def __getitem__(self, revision: Revision) -> Version:
        """Return the version that `revision` names. Raises UnknownRevision, AmbiguousRevision, NoVersionYet and the like."""
        of = self._session.model_of(self.name, revision)
        return Version(self._session, of, self._session.resolve(self.name, revision))

    # --- model.toml and the working tree

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
        given = _sections(parameters, metrics, labelmap, about, docker, source, intent)
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

    def grep(self, pattern: str, revision: Revision | None = None, *, ignore_case: bool = False) -> Matches:
        """Return the values, classes, roles and paths of a version that match; without one, of the working tree."""
        id_ = None if revision is None else self._session.resolve(self.name, revision)
        return grep(self._session.of(self.name), pattern, id_, ignore_case=ignore_case)

    def blame(self, *names: str, revision: Revision = "HEAD", tensors: bool = False) -> Blame:
        """Return which version last changed keys, classes, roles, paths or `ROLE:TENSOR` (none: all but tensors).

        With `tensors`, a role means its tensors. Raises NothingToBlame.
        """
        id_ = self._session.resolve(self.name, revision)
        return blame(self._session.of(self._session.model_of(self.name, revision)), id_, names, tensors=tensors)

    def status(self) -> Status:
        """Compare the working tree with the current version."""
        return status(self._session.of(self.name))

    def check(
        self,
        *uses: str,
        strict: bool = False,
        online: bool = False,
        datasets: Iterable[str] = (),
        registry: str | None = None,
    ) -> Checked:
        """Check whether the working tree is ready for `uses`; for a version, see `Version.check`. Raises UnknownUse.

        `online` also asks registries: for the docker image, and for `datasets` (`NAME@VERSION` or an id) or the recorded ones.
        """
        outside = self._session.online(texts(datasets), registry) if online else None
        return check(self._session.of(self.name), uses=uses, strict=strict, outside=outside)

    def rules(self, *uses: str) -> tuple[Rule, ...]:
        """Return the rules of `uses`, the model's own rules included, or of all uses. Raises UnknownUse."""
        return rules_for(uses, manifest_of(self._session.of(self.name)))

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
            source=self._session.resolve(self.name, revision) if revision is not None else None,
            below=self._session.below(self.name),
            discard=discard,
            progress=progress,
        )

    def stash(
        self, message: str | None = None, *, actor: Who | None = None, progress: Progress | None = None
    ) -> Stashed:
        """Put the uncommitted changes aside, as `Stashes.push`; `model.stashes.pop()` restores them."""
        return self.stashes.push(message, actor=actor, progress=progress)

    # --- versions

    def commit(
        self,
        message: str | None = None,
        *,
        tags: Iterable[str] = (),
        aliases: Iterable[str] = (),
        amend: bool = False,
        allow_empty: bool = False,
        allow_secret: bool = False,
        keep_metrics: bool = False,
        dry_run: bool = False,
        force: bool = False,
        author: Person | str | None = None,
        date: When | None = None,
        actor: Who | None = None,
        code: Code | bool = True,
        progress: Progress | None = None,
    ) -> Committed:
        """Commit model.toml and every tracked file; the new version is `model[result.id]`.

        In a Picsellia training container, the experiment and its parameters are first written to `[source]`; `warnings` of
        the result has the parameters that differ from them. `keep_metrics` says that metrics set by hand hold although the
        weights changed. Raises NothingToCommit, EmptyMessage, Detached, RulesBroken, SecretFound, StaleMetrics, NotReady and the
        like.
        """
        who = self._session.actor(actor)
        options = CommitOptions(
            amend=amend,
            allow_empty=allow_empty,
            allow_secret=allow_secret,
            keep_metrics=keep_metrics,
            dry_run=dry_run,
            author=None if author is None else person(author),
            date=self._session.moment(date),
            tags=texts(tags),
            aliases=texts(aliases),
            force=force,
            registries=self._session.registries(),
        )
        run = None if dry_run else origin.record_run(self._session.of(self.name), self._session.variables)
        if run is not None:
            options = replaced(options, warnings=run.warnings)
        text = "dry run" if dry_run and message is None else message
        return commit(
            self._session.of(self.name), text, who, options=options, progress=progress, code=self._session.code(code)
        )

    def record(
        self,
        files: Mapping[str, PathLike | File],
        message: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        labelmap: Labels | None = None,
        about: Mapping[str, Any] | None = None,
        docker: Mapping[str, Any] | None = None,
        source: Mapping[str, Any] | None = None,
        intent: Mapping[str, Any] | None = None,
        replace: Collection[str] = (),
        branch: str | None = None,
        parent: Revision | None = None,
        tags: Iterable[str] = (),
        aliases: Iterable[str] = (),
        allow_secret: bool = False,
        force: bool = False,
        actor: Who | None = None,
        code: Code | bool = True,
        progress: Progress | None = None,
    ) -> Recorded:
        """Create a version of `files` by role, and move `branch` (default: the current one) to it.

        The working tree and HEAD do not change. A file is a path, or a file of a version (`model["v3"].files["config"]`),
        which is not read. Its path in the version is the parent's for that role, else the role with the file's suffix.
        Values are the parent's, changed as by `update`; metrics and source are not inherited, and the source defaults to
        that of the Picsellia training container. Several processes may record at the same time: the parent is the tip of
        the branch, unless `parent` is given.

        Raises NotAtTip, BadRole, NoSuchFile, RulesBroken, SecretFound, NotReady, and as `update`.
        """
        repository, who = self._session.repository, self._session.actor(actor)
        if source is None:
            run = origin.current_run(repository, self._session.variables)
            source = run.source.values() if run is not None else None
        given = _sections(parameters, metrics, labelmap, about, docker, source, intent)
        found = values.sections(given, replace)
        done = record_files(
            self._session.of(self.name),
            {
                role: file.entry if isinstance(file, File) else self._session.absolute(file)
                for role, file in files.items()
            },
            message,
            who,
            changes=Changes(found.assignments, found.removed, found.replaced),
            options=Options(
                branch=branch,
                parent=None if parent is None else self._session.resolve(self.name, parent),
                tags=texts(tags),
                aliases=texts(aliases),
                allow_secret=allow_secret,
                force=force,
            ),
            code=self._session.code(code),
            progress=progress,
        )
        return replaced(done, left_out=found.left_out)

    def log(
        self,
        *revisions: str,
        all_refs: bool = False,
        limit: int | None = None,
        author: str | None = None,
        grep: str | None = None,
        since: When | None = None,
        until: When | None = None,
        changes: bool = False,
        reverse: bool = False,
        first_parent: bool = False,
        merges: bool | None = None,
        paths: Sequence[str] = (),
        text: str | None = None,
        where: str | None = None,
        sort: str | Sequence[str] = (),
        values: bool | Sequence[str] = False,
    ) -> Log:
        """Return the versions reachable from `revisions` (`main`, `A..B`; none: HEAD), newest first.

        `author` and `grep` are regular expressions; `changes` adds the changes of each version. `merges` selects merges,
        or with False the others; `paths` versions that change one of these files, `text` versions that add or remove that
        text. `where` is an expression over values (`metrics.mAP50 > 0.7`), `sort` a key or keys, the best first (`-KEY`:
        the worst); with either, all refs are searched unless `revisions` are given. `values`, True or keys, adds values to
        `entries` of the log. Raises UnknownRevision, NoVersionYet, BadExpression, BadQuery, NoVersionHasKey and the like.
        """
        query = Query(
            parse.parse(where, now=self._session.environment.now()) if where is not None else None,
            tuple(map(SortKey.parse, texts(sort))),
            () if isinstance(values, bool) else tuple(map(parse.parse_key, texts(values))),
            values is True,
        )
        bounds = self._session.moment(since), self._session.moment(until)
        wanted = Filter(author, grep, *bounds, merges, tuple(paths), text=text)
        found = log(
            self._session.of(self.name),
            revisions,
            every_name=all_refs,
            count=limit,
            wanted=wanted,
            reverse=reverse,
            changes=changes,
            first_parent=first_parent,
            query=query,
        )
        return Log(self._session, self.name, list(found))

    def reflog(self, name: str | None = None) -> Reflog:
        """Return every move of a branch, tag or alias, else of the current branch, newest first. Raises NoSuchName."""
        return reflog(self._session.of(self.name), name)

    def compare(self, *revisions: Revision) -> Comparison:
        """Compare the values and files of 2 to 20 versions, with the best value of each metric. Raises WrongVersionCount."""
        return compare(self._session.of(self.name), [each if isinstance(each, str) else each.id for each in revisions])

    def diff(
        self,
        old: Revision | None = None,
        new: Revision | None = None,
        *,
        tensors: Literal["headers", "deep"] | None = None,
        paths: Sequence[str] = (),
    ) -> Diff:
        """Compare the working tree with HEAD or `old`, or two versions; `old` may be a range such as `main...other`.

        `tensors` also compares the tensors of modified files: by recorded digests, or with `deep` by their weights.
        `paths` narrow the diff to these files, folders or roles; model.toml is labelmap and values.
        """
        repository = self._session.repository
        if isinstance(old, str) and ".." in old and new is None:
            left, right = sides(self._session.of(self.name), old)
            return diff(self._session.of(self.name), left, right, tensors=tensors, paths=paths)
        first = repository.current(self.name) if old is None else self._session.resolve(self.name, old)
        second = None if new is None else self._session.resolve(self.name, new)
        return diff(self._session.of(self.name), first, second, tensors=tensors, paths=paths)

    def switch(
        self,
        target: Revision | None = None,
        *,
        create: str | None = None,
        detach: bool = False,
        force: bool = False,
        discard: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Switched:
        """Switch to the branch `target`, or detach HEAD at a version; `create` creates a branch there.

        Edits that `force` overwrites come back with `undo`, unless `discard`. Raises InTheWay.
        """
        return switch(
            self._session.of(self.name),
            target if target is None or isinstance(target, str) else target.id,
            create=create,
            detach=detach,
            force=force,
            discard=discard,
            actor=self._session.actor(actor),
            progress=progress,
        )

    def undo(
        self,
        operation: int | None = None,
        *,
        force: bool = False,
        discard: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Undone:
        """Undo the last operation, or the one of that number. Raises NothingToUndo, MovedSince, PushedAlready and the like.

        What is overwritten comes back with `redo`, unless `discard`; `force` also restores a model.toml edited since.
        """
        return undo(
            self._session.of(self.name),
            self._session.actor(actor),
            number=operation,
            force=force,
            discard=discard,
            progress=progress,
        )

    def redo(self, *, discard: bool = False, actor: Who | None = None, progress: Progress | None = None) -> Undone:
        """Reverse the last undo. Raises NothingToRedo, and as `undo`."""
        return redo(self._session.of(self.name), self._session.actor(actor), discard=discard, progress=progress)

    def operations(self, *, limit: int | None = None) -> list[Operation]:
        """Return the operations, newest first: the commands that changed the model."""
        return operations(self._session.of(self.name), limit=limit)

    def operation(self, number: int) -> Operation:
        """Return one operation. Raises NoSuchOperation."""
        return operation(self._session.of(self.name), number)

    def restore_operation(
        self, number: int, *, discard: bool = False, actor: Who | None = None, progress: Progress | None = None
    ) -> Undone:
        """Restore refs, HEAD and files to their state after an operation. Raises NoSuchOperation, and as `undo`."""
        model, who = self._session.of(self.name), self._session.actor(actor)
        return restore_operation(model, number, who, discard=discard, progress=progress)

    def reset(
        self,
        revision: Revision = "HEAD",
        *,
        keep: bool = False,
        hard: bool = False,
        discard: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Reset:
        """Move the current branch to `revision`; `keep` also updates the files, `hard` overwrites edits in them.

        These come back with `undo`, unless `discard`.
        """
        return reset(
            self._session.of(self.name),
            self._session.resolve(self.name, revision),
            mode=HARD if hard else KEEP if keep else SOFT,
            discard=discard,
            actor=self._session.actor(actor),
            progress=progress,
        )

    def merge(
        self,
        revision: Revision,
        message: str | None = None,
        *,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        ff_only: bool = False,
        date: When | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> MergeResult:
        """Merge `revision` into the current branch; `take` (by field) or `side` resolves conflicts.

        With unresolved conflicts, `outcome` is `conflicts`; call `continue_merge` or `abort_merge` then.
        """
        return merge(
            self._session.of(self.name),
            self._session.resolve(self.name, revision),
            self._session.actor(actor),
            message=message,
            called=revision if isinstance(revision, str) else None,
            choice=_choice(side, take),
            ff_only=ff_only,
            date=self._session.moment(date),
            progress=progress,
        )

    def continue_merge(
        self,
        message: str | None = None,
        *,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        date: When | None = None,
        actor: Who | None = None,
        code: Code | bool = True,
        progress: Progress | None = None,
    ) -> Committed:
        """Commit the merge once all conflicts are resolved. Raises NoMerge, Undecided."""
        return merge_continue.proceed(
            self._session.of(self.name),
            self._session.actor(actor),
            message=message,
            choice=_choice(side, take),
            date=self._session.moment(date),
            registries=self._session.registries(),
            progress=progress,
            code=self._session.code(code),
        )

    def abort_merge(self, *, discard: bool = False, progress: Progress | None = None) -> Moved:
        """Restore the working tree as it was before the merge; edits come back with `undo` unless `discard`. Raises NoMerge."""
        return merge_continue.abort(self._session.of(self.name), discard=discard, progress=progress)

    def cherry_pick(
        self,
        *picked: Revision,
        parent: int | None = None,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        commit: bool = True,
        origin: bool = False,
        date: When | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Picked:
        """Apply the changes of versions, or of ranges `A..B`, to the current branch, each as a new version.

        `parent` is the number of the parent that a merge is compared with; `origin` names the picked version in the
        message; without `commit`, only the working tree changes. With unresolved conflicts, `outcome` is `conflicts`: call
        `continue_merge` or `abort_merge` then. Raises NothingToPick, NoParentToPick, WhichParent, UnsavedChanges.
        """
        options = PickOptions(parent, _choice(side, take), commit, origin, self._session.moment(date))
        model, who = self._session.of(self.name), self._session.actor(actor)
        return picks.cherry_pick(model, self._picked(picked), who, options=options, progress=progress)

    def revert(
        self,
        *reverted: Revision,
        parent: int | None = None,
        side: Side | None = None,
        take: Mapping[str, Side] | None = None,
        commit: bool = True,
        date: When | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Picked:
        """Undo the changes of versions, or of ranges `A..B`, by new versions; the rest as for `cherry_pick`."""
        options = PickOptions(parent, _choice(side, take), commit, date=self._session.moment(date))
        model, who = self._session.of(self.name), self._session.actor(actor)
        return picks.revert(model, self._picked(reverted), who, options=options, progress=progress)

    def du(self, *revisions: Revision) -> Usages:
        """Return the disk usage of versions; of all without arguments."""
        ids = list(dict.fromkeys(self._session.resolve(self.name, revision) for revision in revisions))
        return du(self._session.of(self.name), ids)

    def prune(
        self,
        *revisions: Revision,
        unpushed: bool = False,
        dry_run: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
        **rules: Unpack[PruneRules],
    ) -> Pruned:
        """Drop the bytes of `revisions`, and of the versions that no rule keeps; their record stays.

        The rules are `keep_last=5`, `keep_within=` seconds or a timedelta, `keep_tagged`, `keep_aliased`,
        `keep_best={"metrics.mAP50": 3}`, `keep_roles` and `roles`; those not given come from the settings `prune.*`, unless
        revisions are given. `unpushed` drops versions that are on no remote, too; `dry_run` returns the plan.
        Raises NoRule, NothingToPrune, Unpushed, AlwaysKept.
        """
        named = [self._session.resolve(self.name, revision) for revision in revisions]
        chosen = rules_of(rules)
        if not named:
            chosen = chosen.filled(Rules.of_settings(self._session.repository.config))
        model, who = self._session.of(self.name), self._session.actor(actor)
        return prune(model, chosen, who, named=named, unpushed=unpushed, dry_run=dry_run, progress=progress)

    def rename(self, new: str, *, actor: Who | None = None) -> Model:
        """Rename the model. Raises BadModelKey, ModelExists."""
        models.rename(self._session.repository, self.name, new, self._session.actor(actor))
        return Model(self._session, new)

    # --- remotes and registries

    def push(self, *refs: str, remote: str | None = None, **options: Unpack[PushOptions]) -> Pushed:
        """Push to `remote`, else to the upstream remote; options as for `Remote.push`."""
        return self._remote(remote).push(*refs, model=self.name, **options)

    def pull(self, branch: str | None = None, *, remote: str | None = None, **options: Unpack[PullOptions]) -> Pulled:
        """Pull from `remote`, else from the upstream remote; options as for `Remote.pull`."""
        return self._remote(remote).pull(branch, model=self.name, **options)

    def fetch(self, *, remote: str | None = None, **options: Unpack[FetchOptions]) -> Fetched:
        """Fetch from `remote`, else from the upstream remote; options as for `Remote.fetch`."""
        return self._remote(remote).fetch(**options)

    def publish(
        self,
        *revisions: Revision,
        registry: str | None = None,
        name: str | None = None,
        every: bool = False,
        dry_run: bool = False,
        allow_memory: bool = False,
        require_context: bool = False,
        tags: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Published:
        """Publish versions (default: HEAD; `every`: all reachable ones) to a registry, where the model is called `name`.

        With `every`, versions that are refused are left out: `is_whole` is False then. With `tags`, their tags and aliases
        become tags there.

        The token is read from the environment. Raises NoRegistry, NoToken, and errors of the registry.
        """
        repository, who = self._session.repository, self._session.actor(actor)
        repository.roll_forward()
        ids = (
            publish.everything(self._session.of(self.name))
            if every
            else [self._session.resolve(self.name, revision) for revision in revisions or ("HEAD",)]
        )
        with self._session.registry(registry) as there:
            done = publish.publish(
                self._session.of(self.name),
                there,
                ids,
                who,
                registry_model=name,
                dry_run=dry_run,
                allow_memory=allow_memory,
                require_context=require_context,
                keep_going=every,
                progress=progress,
            )
            return publish_tags(self._session.of(self.name), there, done) if tags else done

    @property
    def experiments(self) -> Experiments:
        """The model's experiments on a registry."""
        return Experiments(self._session, self.name)

    def drift(
        self, registry: str | None = None, *, read_data: bool = False, progress: Progress | None = None
    ) -> RegistryDrift:
        """Compare the recorded published versions with the registry. Raises NoRegistry, NoToken."""
        with self._session.registry(registry) as there:
            return drift.drift(self._session.repository, there, self.name, read_data=read_data, progress=progress)

    def image_drift(self, revision: Revision = "HEAD") -> ImageDrift:
        """Compare the recorded digest of a version's docker image with the one its tag has now."""
        self._session.require_network("The registry of the image")
        registries = self._session.registries()
        assert registries is not None  # noqa: S101 - not offline
        return docker.moved(self._session.repository, self._session.resolve(self.name, revision), registries)

    def resolve_image(self, *, dry_run: bool = False) -> ResolvedImage:
        """Resolve the image's tag, and write its digest to docker.digest in model.toml."""
        self._session.require_network("The registry of the image")
        registries = self._session.registries()
        assert registries is not None  # noqa: S101 - not offline
        return docker.resolve(self._session.of(self.name), registries, dry_run=dry_run)

    def source(self, revision: Revision | None = None) -> dict[str, Any]:
        """Return the experiment and the dataset versions in `source` of a version, else of model.toml."""
        if revision is None:
            return origin.show(self._session.of(self.name))
        of = self._session.model_of(self.name, revision)
        return origin.show(self._session.of(of), self._session.resolve(self.name, revision))

    # --- inside

    def _picked(self, named: Sequence[Revision]) -> list[VersionId]:
        """Return the versions that are named; a range is several."""
        model = self._session.of(self.name)
        found: list[VersionId] = []
        for revision in named:
            if isinstance(revision, str):
                found += picks.versions(model, [revision])
            else:
                found.append(self._session.resolve(self.name, revision))
        return found

    def _remote(self, name: str | None) -> Remote:
        return Remote(self._session, self._session.remote(name, self.name))

    def _ipython_key_completions_(self) -> list[str]:
        return ["HEAD", *self.branches, *self.tags, *self.aliases]

    def __repr__(self) -> str:
        head = self.head
        at = "no version yet" if head is None else f"v{head.number} {head.short}"
        return f"<Model {self.name} on {self.branch or 'a detached HEAD'}: {at}>"


def _sections(*given: Any) -> dict[str, Any]:
    names = ("parameters", "metrics", "labelmap", "model", "docker", "source", "intent")
    return dict(zip(names, given, strict=True))


def _choice(side: Side | None, take: Mapping[str, Side] | None) -> Choice:
    return Choice(dict(take or {}), side)
