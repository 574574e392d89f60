"""docs/reference/json.md: every document of `--json`, from the schema that the serializer of mvc has.

class of a result ─ mvc.model.document.schema ─► key: annotation ─► the page, and what a real document must be
"""

from __future__ import annotations

import enum
import functools
import inspect
import operator
import os
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from mvc.model import document
from mvc.model.document import Field
from mvc.model.ids import FileId, VersionId
from mvc.model.toml.rules import Problem
from mvc.model.version import Timestamp
from mvc.porcelain.add import Added
from mvc.porcelain.add_run import AddedRun
from mvc.porcelain.alias import Alias
from mvc.porcelain.alias_publish import PublishedAlias
from mvc.porcelain.archive import Archived
from mvc.porcelain.attest import Attested
from mvc.porcelain.bisect import BisectState
from mvc.porcelain.bisect_find import FoundVersion
from mvc.porcelain.blame import Blame
from mvc.porcelain.bom import Bom
from mvc.porcelain.branch import Branch, Branches
from mvc.porcelain.card import Card
from mvc.porcelain.changelog import Changelog
from mvc.porcelain.check import Checked
from mvc.porcelain.cherry_pick import Picked
from mvc.porcelain.ci import CiReport
from mvc.porcelain.ci_check import Fault
from mvc.porcelain.clone import Cloned
from mvc.porcelain.commit import Committed
from mvc.porcelain.compare import Comparison
from mvc.porcelain.compare_eval import EvaluationComparison
from mvc.porcelain.curve import MetricCurve
from mvc.porcelain.describe import Description
from mvc.porcelain.diff import Diff
from mvc.porcelain.diff_files import FilesDiff
from mvc.porcelain.docker import ImageDrift, ResolvedImage
from mvc.porcelain.download import Downloaded
from mvc.porcelain.drift import RegistryDrift
from mvc.porcelain.du import Usages
from mvc.porcelain.edit import Edited, FileValues, Got
from mvc.porcelain.eval import ListedEvaluation, ShownEvaluation
from mvc.porcelain.eval_add import AddedEvaluation
from mvc.porcelain.experiment import CreatedExperiment, Experiment, ShownExperiment
from mvc.porcelain.export import Exported
from mvc.porcelain.fetch import Fetched
from mvc.porcelain.fsck import Report
from mvc.porcelain.fsck_repair import Repaired
from mvc.porcelain.gc import Collected
from mvc.porcelain.gc_remote import CollectedThere
from mvc.porcelain.grep import Matches
from mvc.porcelain.heal import Healed
from mvc.porcelain.import_ import Imported
from mvc.porcelain.import_experiment import ImportedExperiment
from mvc.porcelain.import_history import ImportedHistory
from mvc.porcelain.init import Initialized
from mvc.porcelain.init_git import GitDiff
from mvc.porcelain.log import Logged
from mvc.porcelain.ls import Listed
from mvc.porcelain.ls_files import FilesListed
from mvc.porcelain.merge import MergeResult
from mvc.porcelain.models import ListedModel, RenamedModel
from mvc.porcelain.mv import Renamed
from mvc.porcelain.notes import ListedNote
from mvc.porcelain.op import Operation
from mvc.porcelain.policy import OwnPolicy, PolicyChecked, PolicyRule, PolicyScan
from mvc.porcelain.prune import Pruned
from mvc.porcelain.publish import Published
from mvc.porcelain.publish_hub import HubPublished
from mvc.porcelain.pull import Pulled
from mvc.porcelain.push import Pushed
from mvc.porcelain.record import Planned
from mvc.porcelain.reflog import Reflog
from mvc.porcelain.remote import RegistryState, RemoteSettings, SeenRef, Upgraded
from mvc.porcelain.remote_policy import StorePolicy
from mvc.porcelain.reset import Reset
from mvc.porcelain.restore import Restored
from mvc.porcelain.scan import Scanned
from mvc.porcelain.semver import Bump
from mvc.porcelain.show import Shown
from mvc.porcelain.sign import Signed
from mvc.porcelain.source_check import SourceChecked
from mvc.porcelain.stash import Stash, StashChanges, Stashed
from mvc.porcelain.stash_apply import Applied
from mvc.porcelain.status import Status
from mvc.porcelain.switch import Switched
from mvc.porcelain.tag import Tag
from mvc.porcelain.textconv import Converted
from mvc.porcelain.undo import Undone
from mvc.porcelain.verify import Verified
from mvc.porcelain.verify_oms import VerifiedFolder
from mvc.readiness.rule import Rule
from mvc.registry.tags.follow import TagChange
from mvc.registry.tags.rename import RenamedVersion
from mvc.remotes.backends.probe import Verdict
from mvc.repository.record.files import Recorded
from mvc.site.export import ExportedPage
from mvc.storage.records.config import Setting
from mvc.training.command import CommandRun
from tests.docs import pages

DELETED = {"deleted": [{"name": str, "id": VersionId}]}
EDITED = {"changes": list[Edited]}
DOCUMENTS: dict[str, list[Any]] = {
    "add": [Added, AddedRun],
    "alias": [{"aliases": list[Alias]}, Alias, PublishedAlias, DELETED,
              {**DELETED, "tags": list[TagChange], "renamed": list[RenamedVersion]}],
    "archive": [Archived],
    "attest": [Attested],
    "bisect": [BisectState, FoundVersion, {"log": list[str]}, {"reset": bool}],
    "blame": [Blame],
    "branch": [Branches, Branch, {"current": str | None}, {"deleted": list[Branch]}],
    "cat": [{"path": str, "size": int, "file": FileId | None, "output": str}],
    "bom": [Bom],
    "card": [Card],
    "changelog": [Changelog],
    "check": [Checked, {"rules": list[Rule]}],
    "cherry-pick": [Picked, {"outcome": str, "*": Committed}, {"outcome": str, "written": list[str], "deleted": list[str]}],
    "ci": [CiReport, {"faults": list[Fault]}],
    "clone": [Cloned],
    "clean": [{"untracked": list[str]}],
    "commit": [Committed],
    "completion": [{"shell": str, "script": str}],
    "compare": [Comparison, EvaluationComparison],
    "config": [{"key": str, "value": Any}, {"settings": list[Setting]}],
    "describe": [Description],
    "diff": [Diff, FilesDiff],
    "docker": [ResolvedImage],
    "download": [Downloaded],
    "drift": [RegistryDrift, {"docker": ImageDrift}],
    "du": [Usages],
    "experiment": [{"experiments": list[Experiment]}, CreatedExperiment, ShownExperiment],
    "export": [Exported],
    "fetch": [Fetched],
    "fsck": [Report, Repaired, Healed],
    "gc": [Collected, CollectedThere],
    "prune": [Pruned],
    "record": [Recorded, {"problems": list[Problem], "planned": Planned | None}],
    "grep": [Matches],
    "get": [Got],
    "import": [Imported, ImportedExperiment, ImportedHistory],
    "init": [Initialized, GitDiff],
    "log": [{"model": str, "versions": list[Logged]}, {"model": str, "count": int}],
    "ls": [Listed, FilesListed],
    "merge": [MergeResult, {"outcome": str, "*": Committed}, {"outcome": str, "written": list[str], "deleted": list[str]}],
    "models": [{"models": list[ListedModel]}, RenamedModel],
    "mv": [Renamed],
    "eval": [
        AddedEvaluation,
        {"evaluations": list[ShownEvaluation]},
        {"evaluations": list[ListedEvaluation]},
    ],
    "notes": [{"notes": list[ListedNote]}],
    "policy": [{"rules": list[PolicyRule], "scan": list[PolicyScan], "own": OwnPolicy}, PolicyChecked],
    "op": [{"operations": list[Operation]}, Operation, {"undone": list[Undone]}],
    "publish": [Published, HubPublished],
    "pull": [Pulled],
    "push": [Pushed],
    "redo": [{"undone": list[Undone]}],
    "reflog": [Reflog],
    "remote": [{"remotes": list[RemoteSettings]}, RemoteSettings, {"*": RemoteSettings, "seen": list[SeenRef]}, RegistryState,
               Verdict, Upgraded, StorePolicy],
    "reset": [Reset],
    "restore": [Restored],
    "revert": [Picked, {"outcome": str, "*": Committed}, {"outcome": str, "written": list[str], "deleted": list[str]}],
    "rm": [{"removed": [{"role": str, "path": str}], "cached": bool, "deleted": list[str], "dry_run": bool}],
    "rev-parse": [{"values": list[str]}],
    "run": [CommandRun],
    "scan": [Scanned],
    "schema": [{"document": dict[str, Any]}],
    "set": [{**EDITED, "warnings": list[Problem], "read": list[FileValues]}],
    "semver": [Bump],
    "show": [Shown, MetricCurve],
    "shortlog": [{"model": str, "authors": [{"author": str, "versions": list[VersionId]}]}],
    "sign": [Signed],
    "source": [{"source": dict[str, Any]}, SourceChecked],
    "stash": [Stashed, {"stashes": list[Stash]}, StashChanges, Applied, {"dropped": list[Stash]}],
    "status": [Status],
    "switch": [Switched],
    "tag": [{"tags": list[Tag]}, Tag, DELETED],
    "textconv": [Converted],
    "ui": [{"url": str, "port": int}, ExportedPage],
    "undo": [{"undone": list[Undone]}],
    "unset": [EDITED],
    "verify": [Verified, VerifiedFolder],
}  # fmt: skip
"""The documents of each verb; where a verb has several, which one depends on its options. `*` merges a class in."""
OTHERS = "…"
"""Stands for keys that depend on the value: the sections of model.toml that changed."""
COMMANDS = {
    "add": ("add", "add --run"),
    "alias": ("alias", "alias set` and `mvc alias rollback", "alias set --publish", "alias rm", "alias rm --publish"),
    "bisect": ("bisect", "bisect find", "bisect log", "bisect reset"),
    "branch": ("branch", "branch NAME` and `mvc branch -m", "branch --show-current", "branch -d"),
    "check": ("check", "check --list"),
    "cherry-pick": ("cherry-pick", "cherry-pick --continue", "cherry-pick --abort"),
    "ci": ("ci report", "ci check`, `mvc ci committed` and `mvc ci no-weights"),
    "config": ("config KEY", "config --list"),
    "diff": ("diff", "diff --no-index"),
    "drift": ("drift", "drift --docker"),
    "compare": ("compare", "compare --eval"),
    "eval": ("eval add", "eval show", "eval`, `mvc eval list` and `mvc eval rm"),
    "experiment": ("experiment` and `mvc experiment list", "experiment create", "experiment show"),
    "fsck": ("fsck", "fsck --repair", "fsck --remote NAME --repair"),
    "gc": ("gc", "gc --remote NAME"),
    "init": ("init", "init --git-diff"),
    "import": ("import", "import --experiment", "import --folders"),
    "log": ("log", "log --count"),
    "ls": ("ls", "ls --no-index"),
    "merge": ("merge", "merge --continue", "merge --abort"),
    "models": ("models", "models rename"),
    "op": ("op` and `mvc op log", "op show", "op restore"),
    "policy": ("policy` and `mvc policy show", "policy check"),
    "publish": ("publish", "publish URL"),
    "record": ("record", "record -n"),
    "remote": ("remote", "remote add`, `set-url`, `rename`, `rm` and `trust", "remote show", "remote check` of a registry",
               "remote check` of any other remote", "remote upgrade", "remote policy"),
    "revert": ("revert", "revert --continue", "revert --abort"),
    "show": ("show", "show --curve"),
    "source": ("source` and `mvc source show", "source check"),
    "stash": ("stash`, `mvc stash push` and `mvc stash save", "stash list", "stash show",
              "stash pop`, `mvc stash apply` and `mvc stash branch", "stash drop` and `mvc stash clear"),
    "tag": ("tag", "tag NAME", "tag -d"),
    "ui": ("ui", "ui --export` and `mvc ui --single"),
}  # fmt: skip
"""The commands that answer with each shape, of verbs with several."""
ALSO = {"alias": ["", "`mvc alias log` answers with [mvc.reflog/1](#mvcreflog1)."]}
"""What else is to be said of a verb."""
_WORDS = {str: "text", int: "number", float: "number", bool: "true or false", type(None): "null", Any: "any",
          Timestamp: "time"}  # fmt: skip
_VALUES = {"text": str, "time": str, "id": str, "number": (int, float), "true or false": bool, "object": dict}


# --- types


def fields(shape: Any) -> dict[str, Field]:
    """The keys of an object: of a class, or of a shape that is written down above or in a class's keys."""
    if not isinstance(shape, dict):
        return document.schema(shape)
    found: dict[str, Field] = {}
    for key, type_ in shape.items():
        found |= fields(type_) if key == "*" else {key: type_ if isinstance(type_, Field) else Field(type_)}
    return found


def parts(type_: Any) -> tuple[Any, ...]:
    """The alternatives of a type: `str | None`; an object or null."""
    if isinstance(type_, tuple):
        return type_[0], type(None)
    return get_args(type_) if get_origin(type_) in (Union, types.UnionType) else (type_,)


def item(type_: Any) -> Any:
    """The type of the elements of a list; None if it is not one."""
    if isinstance(type_, list):
        return type_[0]
    inner = get_args(type_)
    if get_origin(type_) is tuple:
        return inner[0] if inner[1:] == (...,) else functools.reduce(operator.or_, inner)
    origin = get_origin(type_)
    listed = isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping)
    return inner[0] if listed else None


def is_object(type_: Any) -> bool:
    """Whether a type is an object of known keys: a class with a schema, or a shape."""
    if isinstance(type_, dict):
        return True
    plain = type_ in _WORDS or get_origin(type_) is not None or not isinstance(type_, type)
    return not plain and not issubclass(type_, enum.Enum | os.PathLike)


def word(type_: Any) -> str:
    """A type that is neither a list nor an object of known keys."""
    if getattr(type_, "__name__", "").endswith("Id"):
        return "id"
    if isinstance(get_origin(type_), type) and issubclass(get_origin(type_), Mapping):
        value = get_args(type_)[1]
        return "object" if value is Any else f"object of {text(value)}"
    return _WORDS.get(type_) or "text"


@functools.cache
def reached() -> dict[type, str]:
    """Every class that a document is made of, with its name; of two with one name, both are named for their modules."""
    todo, done = list(_classes(list(DOCUMENTS.values()))), set[type]()
    while todo:
        class_ = todo.pop()
        if class_ not in done:
            done.add(class_)
            todo += _classes([field.type for field in fields(class_).values()])
    names = [class_.__name__ for class_ in done]
    return {class_: class_.__name__ if names.count(class_.__name__) == 1 else _long(class_) for class_ in done}


def _classes(type_: Any) -> Iterator[type]:
    """The classes with a schema that a type is made of."""
    if isinstance(type_, list | dict):
        for part in type_.values() if isinstance(type_, dict) else type_:
            yield from _classes(part.type if isinstance(part, Field) else part)
    elif item(type_) is not None or len(parts(type_)) > 1:
        yield from _classes([part for part in (item(type_), *parts(type_)) if part is not None and part is not type_])
    elif is_object(type_):
        yield type_


def _long(class_: type) -> str:
    return class_.__module__.rpartition(".")[2].title().replace("_", "") + class_.__name__


# --- the page


def text(type_: Any) -> str:
    """A type as the page writes it."""
    each = item(type_)
    if each is not None:
        inner = text(each)
        return f"list of {f'({inner})' if ' or ' in inner and '{' not in inner else inner}"
    alternatives = parts(type_)
    if len(alternatives) > 1:
        return " or ".join(dict.fromkeys(text(part) for part in alternatives))
    if isinstance(type_, dict):
        return "{" + ", ".join(f"`{key}`: {text(field.type)}" for key, field in fields(type_).items()) + "}"
    return f"[{reached()[type_]}](#{reached()[type_].lower()})" if is_object(type_) else word(type_)


def page() -> str:
    """docs/reference/json.md."""
    lines = [
        "# JSON\n",
        pages.NOTE + "\n",
        "With `--json` each verb answers with one document on one line; its first key is `schema`,",
        "`mvc.<verb>/1`, or that of the verb whose document it gives. From Python, `to_json()` of a result",
        "gives the same without `schema`. One thing has one key everywhere: `time` (RFC 3339 in UTC), `by`,",
        "`message`; bytes are `bytes_total` (all files), `bytes_new` (what their content adds),",
        "`bytes_stored` (what they took in the store), `bytes_sent`, `bytes_received`, `bytes_freed`. An `id`",
        "is 64 hex digits. Fields may be added; none changes its meaning without another number in `schema`;",
        "an optional one may be absent. Errors are [a document of their own](exit-codes.md).\n",
        "## Documents\n",
    ]
    for verb, shapes in DOCUMENTS.items():
        lines += [f"### mvc.{verb}/1\n", *_shapes(verb, shapes), *ALSO.get(verb, ()), ""]
    lines.append("## Objects\n")
    for class_, name in sorted(reached().items(), key=lambda each: each[1]):
        lines += [f"### {name}\n", *_meaning(class_), *_keys(class_), ""]
    return "\n".join(lines)


def _shapes(verb: str, shapes: list[Any]) -> Iterator[str]:
    for number, shape in enumerate(shapes):
        if number:
            yield ""
        if verb in COMMANDS:
            command = COMMANDS[verb][number]
            yield f"`mvc {command}{'' if '` of ' in command else '`'}:\n"
        if not isinstance(shape, dict):
            yield text(shape)
            continue
        if "*" in shape:
            yield f"{text(shape['*'])}, and\n"
        yield from _keys({key: type_ for key, type_ in shape.items() if key != "*"})


def _meaning(class_: type) -> Iterator[str]:
    """The docstring of a class, which explains those of its keys whose names do not."""
    for paragraph in (inspect.getdoc(class_) or "").split("\n\n"):
        if paragraph and not paragraph.startswith(" "):
            yield textwrap.fill(paragraph, 100) + "\n"


def _keys(shape: Any) -> Iterator[str]:
    for key, field in fields(shape).items():
        yield f"- `{key}`{' (optional)' if field.optional else ''}: {text(field.type)}"


# --- a document against what the page says


def faults(verb: str, found: dict[str, Any]) -> list[str]:
    """What differs between a real document and the shape of its verb that is nearest to it."""
    given = {key: value for key, value in found.items() if key != "schema"}
    return min((list(_differences(shape, given, "")) for shape in DOCUMENTS[verb]), key=len)


def _differences(type_: Any, value: Any, at: str) -> Iterator[str]:
    each, alternatives = item(type_), parts(type_)
    if each is not None and isinstance(value, list):
        for part in value:
            yield from _differences(each, part, f"{at}[]")
    elif len(alternatives) > 1:
        yield from min((list(_differences(part, value, at)) for part in alternatives), key=len)
    elif each is None and is_object(type_) and isinstance(value, dict):
        yield from _unlike(fields(type_), value, at)
    elif each is not None or is_object(type_) or not _fits(word(type_), value):
        yield f"{at} is {type(value).__name__}, not {text(type_)}"


def _unlike(known: dict[str, Field], value: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}.{key} is missing" for key in known if key not in value and not known[key].optional)
    for key, part in value.items():
        if key in known or OTHERS in known:
            yield from _differences(known.get(key, known.get(OTHERS, Field(Any))).type, part, f"{at}.{key}")
        else:
            yield f"{at}.{key} is not on the page"


def _fits(name: str, value: Any) -> bool:
    if name in ("any", "null"):
        return name == "any" or value is None
    return isinstance(value, _VALUES[name.partition(" of ")[0]]) and (name != "number" or not isinstance(value, bool))  # type: ignore[arg-type]
