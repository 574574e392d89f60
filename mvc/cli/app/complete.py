"""Shell completion: each argument is completed by the words of its metavar, `[REV]... [[--] PATH...]`.

mvc source check pr<TAB>   →   mvc source check prod
mvc log --sort met<TAB>    →   mvc log --sort metrics.mAP50
mvc push or<TAB>           →   mvc push origin
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from mvc import errors, lazy
from mvc.cli.app import options
from mvc.cli.app.invocation import Invocation
from mvc.model.toml import schema
from mvc.model.toml.schema import dotted
from mvc.repository import refnames, revisions
from mvc.repository.model import Model

if TYPE_CHECKING:
    from click import shell_completion
    from click.shell_completion import CompletionItem

    from mvc.porcelain import edit, stash
    from mvc.repository.query import select
    from mvc.storage.records import config
else:
    shell_completion = lazy.Module("click.shell_completion")
    config = lazy.Module("mvc.storage.records.config")
    edit = lazy.Module("mvc.porcelain.edit")
    stash = lazy.Module("mvc.porcelain.stash")
    select = lazy.Module("mvc.repository.query.select")

_LAST_KEY = re.compile(r"(?s)(.*[\s(,]|-)?(.*)")
"""What precedes the last key of an expression, a list or an order, and that key."""
_WORD = re.compile(r"[A-Z]{3,}")
_OF_VERSION = re.compile(r":(?:ROLE|PATH)(?:\|PATH)?")
"""The part of a metavar that names a file of a version, as in `REV:PATH`."""
_SETTINGS = "KEY=VALUE"
"""The metavar of the settings of a remote, which are no keys of model.toml."""
NAMED = {
    **dict.fromkeys(("alias set name", "alias rm name", "alias log name", "alias rollback name"), "ALIAS"),
    **dict.fromkeys(("add paths", "mv paths", "clean paths"), "PATH"),
    **dict.fromkeys(("get key", "get_ key"), "KEY"),
    "config key": "SETTING",
    "record assignments": "KEY",
    "remote rename old": "REMOTE",
    **{f"remote {verb} name": "REMOTE" for verb in ("set-url", "trust", "rm", "show", "check")},
    **dict.fromkeys(
        ("fetch remote", "pull remote", "push remote", "fsck remote", "fsck sources", "gc remote", "prune remote"),
        "REMOTE",
    ),
    **dict.fromkeys(("fetch refs", "push refs", "pull branch", "reflog name", "tag names", "branch names"), "REV"),
    "models rename old": "MODEL",
    "drift registry": "REMOTE",
}
"""The words of parameters whose metavar does not say what they name."""


def words(path: str, parameter: click.Parameter) -> set[str]:
    """Return the words that say what a parameter of the verb `path` takes, such as REV and PATH."""
    named = NAMED.get(f"{path} {parameter.name}")
    metavar = "" if parameter.metavar == _SETTINGS else _OF_VERSION.sub("", parameter.metavar or "")
    terms = {named} if named else set(_WORD.findall(metavar))
    return terms & SOURCES.keys() | ({"PATH"} if terms & _FILES else set())


def items(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what may follow `incomplete`; nothing where that cannot be read, since a shell shows no errors."""
    item = shell_completion.CompletionItem
    path = context.command_path.partition(" ")[2]
    named = words(path, parameter)
    before, dots, begun = incomplete.rpartition("..") if "REV" in named else ("", "", incomplete)
    if ":" in begun and _OF_VERSION.search(parameter.metavar or ""):
        return [item(name) for name in _of_version(context, begun) if name.startswith(begun)]
    offered: dict[str, None] = {}
    for word in sorted(named - {"PATH"}):
        names = SOURCES[word](context)
        offered |= dict.fromkeys(f"{before}{dots}{name}" for name in names if name.startswith(begun))
    completed = [item(name) for name in offered]
    # click's script for bash drops what it has when it meets a file
    return [item(incomplete, type="file"), *completed] if "PATH" in named else completed


def _of_version(context: click.Context, text: str) -> list[str]:
    """Return `REV:ROLE` and `REV:PATH` for each file of a version."""

    def names(invocation: Invocation) -> Iterator[str]:
        model, revision = _model(invocation), text.partition(":")[0]
        objects = model.repository.objects
        version = objects.version(revisions.resolve(model, revision))
        for entry in objects.tree(version.tree).entries:
            yield from (f"{revision}:{entry.role}", f"{revision}:{entry.path}")

    return list(dict.fromkeys(_quiet(names)(context)))


def query_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return `incomplete` with its last key completed to each key that a version at a ref has."""
    match = _LAST_KEY.match(incomplete)
    before, begun = (match[1] or "", match[2]) if match else ("", incomplete)
    return [f"{before}{name}" for name in _recorded_keys(context) if name.startswith(begun)]


def stashes(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the stashes that begin with `incomplete`."""
    return [name for name in _stashes(context) if name.startswith(incomplete)]


def _quiet(names: Callable[[Invocation], Iterable[str]]) -> Callable[[click.Context], list[str]]:
    """Return the names that `names` finds for a run; none if that fails."""

    def source(context: click.Context) -> list[str]:
        try:
            return list(names(options.run_of(context)))
        except (errors.MvcError, click.UsageError, OSError):
            return []

    return source


def _model(invocation: Invocation) -> Model:
    return Model(invocation.repository(), invocation.model())


def _refs(*kinds: str) -> Callable[[Invocation], Iterator[str]]:
    return lambda invocation: (name for kind in kinds for name in _model(invocation).names(kind))


def _revisions(invocation: Invocation) -> list[str]:
    model, remotes = _model(invocation), list(_remotes(invocation))
    shown = (refnames.shown(model.ref(kind, name), remotes) for kind in refnames.KINDS for name in model.names(kind))
    return list(dict.fromkeys(["HEAD", *shown]))


def _remotes(invocation: Invocation) -> Iterable[str]:
    remotes: Mapping[str, Any] = invocation.repository().config.remotes()
    return remotes


def _keys(invocation: Invocation) -> Iterator[str]:
    """Yield the keys of model.toml, and those that it may have."""
    yield from (dotted(path) for path in _leaves(edit.get(_model(invocation), None), ()))
    for section, type_ in schema.MODEL_TOML.keys.items():
        yield from (dotted((section, name)) for name in getattr(type_, "keys", ()))


def _leaves(values: Any, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _leaves(value, (*above, str(name)))
    else:
        yield above


def _roles(invocation: Invocation) -> Iterable[str]:
    values = edit.get(_model(invocation), None)
    return list(values.get("files", ()))


_recorded_keys = _quiet(lambda invocation: map(dotted, select.known_keys(_model(invocation))))
_stashes = _quiet(lambda invocation: [entry.name for entry in stash.stashes(_model(invocation))])
_FILES = {"FILE", "DIR", "PATHS"}
SOURCES: dict[str, Callable[[click.Context], list[str]]] = {
    "REV": _quiet(_revisions),
    "BRANCH": _quiet(_refs("heads")),
    "TAG": _quiet(_refs("tags")),
    "ALIAS": _quiet(_refs("aliases")),
    "ROLE": _quiet(_roles),
    "KEY": _quiet(_keys),
    "REMOTE": _quiet(_remotes),
    "REGISTRY": _quiet(_remotes),
    "MODEL": _quiet(lambda invocation: invocation.repository().heads.models()),
    "SETTING": _quiet(lambda _: config.KEYS),
    "USE": _quiet(lambda _: schema.USES),
    "PATH": lambda _: [],
}
"""What each word of a metavar is completed to; PATH and the like are left to the shell."""
