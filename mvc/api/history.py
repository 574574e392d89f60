"""The versions of a model: recorded, listed, compared, searched, and dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any, Literal, Unpack

from mvc import lazy
from mvc.api import values
from mvc.api.files import File
from mvc.api.handle import Handle
from mvc.api.log import Log
from mvc.api.remote import PruneRules, rules_of
from mvc.api.session import PathLike, Revision, When, Who, person, texts
from mvc.api.values import Labels
from mvc.model.compare import environment_record
from mvc.model.query import parse
from mvc.model.toml.rules import Problem
from mvc.model.version import Code, Person
from mvc.porcelain import compare_eval, docker, policy
from mvc.porcelain import source as origin
from mvc.porcelain.blame import Blame, blame
from mvc.porcelain.changelog import Changelog, changelog
from mvc.porcelain.check import Checked, check, manifest_of
from mvc.porcelain.commit import Committed, commit
from mvc.porcelain.commit import Options as CommitOptions
from mvc.porcelain.compare import Comparison, compare
from mvc.porcelain.compare_eval import EvaluationComparison
from mvc.porcelain.diff import Diff, diff, sides
from mvc.porcelain.docker import ImageDrift
from mvc.porcelain.du import Usages, du
from mvc.porcelain.grep import Matches, grep
from mvc.porcelain.log import Filter, log
from mvc.porcelain.policy import PolicyChecked
from mvc.porcelain.preflight import preflight
from mvc.porcelain.prune import Pruned, prune
from mvc.porcelain.record import record
from mvc.porcelain.record import resume as resume_request
from mvc.porcelain.reflog import Reflog, reflog
from mvc.readiness.evaluation import rules_for
from mvc.readiness.rule import Rule
from mvc.repository.query.criteria import Query, SortKey
from mvc.repository.record.files import Recorded
from mvc.repository.record.options import Changes, Options
from mvc.repository.record.plan import Content, Given
from mvc.repository.record.request import RecordRequest
from mvc.repository.retention.rules import Rules
from mvc.storage.progress import Progress

if TYPE_CHECKING:
    from mvc import machine
else:
    machine = lazy.Module("mvc.machine")


class History(Handle):
    """The methods of a model that record and read versions."""

    def commit(
        self,
        message: str | None = None,
        *,
        tags: Iterable[str] = (),
        aliases: Iterable[str] = (),
        amend: bool = False,
        allow_empty: bool = False,
        allow_secret: bool = False,
        allow_unsafe: bool = False,
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
        weights changed. `allow_unsafe` stores files whatever a loader would run. Raises NothingToCommit, EmptyMessage,
        Detached, RulesBroken, SecretFound, ScanRefused, StaleMetrics, NotReady and the like.
        """
        who = self._session.actor(actor)
        options = CommitOptions(
            amend=amend,
            allow_empty=allow_empty,
            allow_secret=allow_secret,
            allow_unsafe=allow_unsafe,
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
        environment: bool = False,
        names: Mapping[str, str] | None = None,
        branch: str | None = None,
        parent: Revision | None = None,
        tags: Iterable[str] = (),
        aliases: Iterable[str] = (),
        allow_secret: bool = False,
        allow_unsafe: bool = False,
        force: bool = False,
        actor: Who | None = None,
        code: Code | bool = True,
        progress: Progress | None = None,
    ) -> Recorded:
        """Create a version of `files` by role, and move `branch` (default: the current one) to it.

        `environment` adds environment.json, with Python, packages and GPUs of this process, unless `files` have that role.
        The working tree and HEAD do not change. A file is a path, or a file of a version (`model["v3"].files["config"]`),
        which is not read. Its path in the version is that in `names` by role, else the parent's for that role (with the
        suffix of weights in another format), else the role with the file's suffix. Values are the parent's, changed as by
        `update`; metrics and source are not inherited, and the source defaults to
        that of the Picsellia training container. Several processes may record at the same time: the parent is the tip of
        the branch, unless `parent` is given.

        Raises NotAtTip, BadRole, NoSuchFile, RulesBroken, SecretFound, ScanRefused, NotReady, and as `update`.
        """
        repository, who = self._session.repository, self._session.actor(actor)
        if source is None:
            run = origin.current_run(repository, self._session.variables)
            source = run.source.values() if run is not None else None
        given = values.by_section(parameters, metrics, labelmap, about, docker, source, intent)
        found = values.sections(given, replace)
        content: dict[str, Given] = {}
        if environment:
            content[environment_record.ROLE] = Content(machine.environment_record().encode(), environment_record.NAME)
        content |= {
            role: file.entry if isinstance(file, File) else self._session.absolute(file) for role, file in files.items()
        }
        done = record(
            self._session.of(self.name),
            content,
            message,
            who,
            changes=Changes(found.assignments, found.removed, found.replaced),
            options=Options(
                branch=branch,
                parent=None if parent is None else self._session.resolve(self.name, parent),
                tags=texts(tags),
                aliases=texts(aliases),
                allow_secret=allow_secret,
                allow_unsafe=allow_unsafe,
                force=force,
                names=names or {},
            ),
            code=self._session.code(code),
            progress=progress,
        )
        return replaced(done, left_out=found.left_out)

    def resume(
        self,
        request: PathLike,
        *,
        branch: str | None = None,
        allow_changed: Iterable[str] = (),
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Recorded:
        """Record the version that a failed recording left as the file `request`; `branch` replaces the request's.

        Files that have changed since are refused, except those of the roles `allow_changed`. If a version of the model is
        what the request asks for, nothing is added: `created` of the result is False. Raises BadRecordRequest,
        FileReplaced, and as `record`.
        """
        who, asked = self._session.actor(actor), RecordRequest.read(self._session.absolute(request))
        options = asked.options if branch is None else replaced(asked.options, branch=branch)
        changed = texts(allow_changed)
        return resume_request(
            self._session.of(self.name), asked, who, options=options, changed=changed, progress=progress
        )

    def preflight(self, *, branch: str | None = None, size: int = 0) -> list[Problem]:
        """Return what would stop `record` of `size` bytes on `branch` (default: the current one); nothing is raised.

        Of each problem, `severity` is `error`, or `warning` for what would not stop it; `fix` is the remedy.
        """
        return preflight(self._session.of(self.name), branch=branch, size=size)

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

    def changelog(self, old: Revision, new: Revision = "HEAD") -> Changelog:
        """Return what changed from `old` to `new`, and the versions between. Raises UnknownRevision and the like."""
        one, two = (each if isinstance(each, str) else each.id for each in (old, new))
        return changelog(self._session.of(self.name), f"{one}..{two}")

    def compare_evaluations(self, dataset: str, *revisions: Revision) -> EvaluationComparison:
        """Compare the newest evaluations on `dataset` (`night` or `night@3`) of 2 to 20 versions, in all and by class.

        Raises NoSuchEvaluation, WrongVersionCount.
        """
        texts_ = [each if isinstance(each, str) else each.id for each in revisions]
        return compare_eval.compare(self._session.of(self.name), texts_, dataset)

    def diff(
        self,
        old: Revision | None = None,
        new: Revision | None = None,
        *,
        tensors: Literal["headers", "deep"] | None = None,
        onnx: bool = False,
        paths: Sequence[str] = (),
    ) -> Diff:
        """Compare the working tree with HEAD or `old`, or two versions; `old` may be a range such as `main...other`.

        `tensors` also compares the tensors of modified files: by recorded digests, or with `deep` by their weights.
        `onnx` compares the graphs of modified ONNX files.
        `paths` narrow the diff to these files, folders or roles; model.toml is labelmap and values.
        """
        repository = self._session.repository
        if isinstance(old, str) and ".." in old and new is None:
            left, right = sides(self._session.of(self.name), old)
            return diff(self._session.of(self.name), left, right, tensors=tensors, paths=paths, onnx=onnx)
        first = repository.current(self.name) if old is None else self._session.resolve(self.name, old)
        second = None if new is None else self._session.resolve(self.name, new)
        return diff(self._session.of(self.name), first, second, tensors=tensors, paths=paths, onnx=onnx)

    def blame(self, *names: str, revision: Revision = "HEAD", tensors: bool = False) -> Blame:
        """Return which version last changed keys, classes, roles, paths or `ROLE:TENSOR` (none: all but tensors).

        With `tensors`, a role means its tensors. Raises NothingToBlame.
        """
        id_ = self._session.resolve(self.name, revision)
        return blame(self._session.of(self._session.model_of(self.name, revision)), id_, names, tensors=tensors)

    def grep(self, pattern: str, revision: Revision | None = None, *, ignore_case: bool = False) -> Matches:
        """Return the values, classes, roles and paths of a version that match; without one, of the working tree."""
        id_ = None if revision is None else self._session.resolve(self.name, revision)
        return grep(self._session.of(self.name), pattern, id_, ignore_case=ignore_case)

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

    def check_policy(self, *events: str, message: str | None = None) -> PolicyChecked:
        """Check the working tree against the policy, as `Version.check_policy` does a version; by default for a commit."""
        return policy.check(self._session.of(self.name), None, events, reason=message)

    def source(self, revision: Revision | None = None) -> dict[str, Any]:
        """Return the experiment and the dataset versions in `source` of a version, else of model.toml."""
        if revision is None:
            return origin.show(self._session.of(self.name))
        of = self._session.model_of(self.name, revision)
        return origin.show(self._session.of(of), self._session.resolve(self.name, revision))

    def image_drift(self, revision: Revision = "HEAD") -> ImageDrift:
        """Compare the recorded digest of a version's docker image with the one its tag has now."""
        self._session.require_network("The registry of the image")
        registries = self._session.registries()
        assert registries is not None  # noqa: S101 - not offline
        return docker.moved(self._session.repository, self._session.resolve(self.name, revision), registries)

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
