"""Git for model versions: immutable, comparable, shareable snapshots of computer-vision models.

    import mvc

    repository = mvc.open(".")
    for entry in mvc.log(repository, "helmet-detector"):
        print(entry.version.number, entry.version.message)

Each verb of the command line is a function here, which returns a value and prints nothing. All is loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc import lazy

if TYPE_CHECKING:
    from mvc import errors
    from mvc.images.registries import Registries as ImageRegistries
    from mvc.model.compare.diff import VersionDiff
    from mvc.model.manifest import Manifest
    from mvc.model.tree import Tree, TreeEntry
    from mvc.model.version import Code, Person, Timestamp, Version
    from mvc.porcelain.add import add
    from mvc.porcelain.alias import aliases
    from mvc.porcelain.alias import assign as set_alias
    from mvc.porcelain.branch import branches
    from mvc.porcelain.branch import create as create_branch
    from mvc.porcelain.cat import cat
    from mvc.porcelain.check import check
    from mvc.porcelain.clone import clone
    from mvc.porcelain.clone_registry import clone_registry
    from mvc.porcelain.commit import Options as CommitOptions
    from mvc.porcelain.commit import commit
    from mvc.porcelain.diff import diff
    from mvc.porcelain.docker import moved as image_drift
    from mvc.porcelain.docker import resolve as resolve_image
    from mvc.porcelain.drift import drift
    from mvc.porcelain.du import du
    from mvc.porcelain.edit import get, remove, set_values, unset
    from mvc.porcelain.export import export
    from mvc.porcelain.fetch import fetch
    from mvc.porcelain.fsck import fsck
    from mvc.porcelain.fsck_remote import survey
    from mvc.porcelain.gc_remote import gc_remote
    from mvc.porcelain.heal import heal
    from mvc.porcelain.import_ import import_model
    from mvc.porcelain.init import init
    from mvc.porcelain.log import log
    from mvc.porcelain.ls import ls
    from mvc.porcelain.merge import Choice as MergeChoice
    from mvc.porcelain.merge import merge
    from mvc.porcelain.merge_continue import abort as abort_merge
    from mvc.porcelain.merge_continue import proceed as continue_merge
    from mvc.porcelain.models import models
    from mvc.porcelain.open import open_repository as open  # noqa: A004 - mvc.open, as io.open and gzip.open
    from mvc.porcelain.publish import publish
    from mvc.porcelain.pull import pull
    from mvc.porcelain.push import push
    from mvc.porcelain.remote import add as add_remote
    from mvc.porcelain.remote import approve as trust_remote
    from mvc.porcelain.remote import remotes
    from mvc.porcelain.remote import remove as remove_remote
    from mvc.porcelain.remote import withdraw as distrust_remote
    from mvc.porcelain.reset import reset
    from mvc.porcelain.restore import restore
    from mvc.porcelain.show import show
    from mvc.porcelain.source import ask as source_of_experiment
    from mvc.porcelain.source import record as record_source
    from mvc.porcelain.source import show as source
    from mvc.porcelain.status import status
    from mvc.porcelain.switch import switch
    from mvc.porcelain.tag import create as create_tag
    from mvc.porcelain.tag import tags
    from mvc.registry.connection import registry as connect_registry
    from mvc.remotes.remote import Remote
    from mvc.repository.repository import Actor, Repository
    from mvc.repository.revisions import resolve
    from mvc.transport.connection import open_remote as connect
    from mvc.transport.refspec import RefUpdate as PushRequest

__version__ = "0.1.0"

_HOMES = {
    "errors": "mvc.errors",
    "Actor": "mvc.repository.repository:Actor",
    "Code": "mvc.model.version:Code",
    "CommitOptions": "mvc.porcelain.commit:Options",
    "ImageRegistries": "mvc.images.registries:Registries",
    "Manifest": "mvc.model.manifest:Manifest",
    "MergeChoice": "mvc.porcelain.merge:Choice",
    "Person": "mvc.model.version:Person",
    "PushRequest": "mvc.transport.refspec:RefUpdate",
    "Remote": "mvc.remotes.remote:Remote",
    "Repository": "mvc.repository.repository:Repository",
    "Timestamp": "mvc.model.version:Timestamp",
    "Tree": "mvc.model.tree:Tree",
    "TreeEntry": "mvc.model.tree:TreeEntry",
    "Version": "mvc.model.version:Version",
    "VersionDiff": "mvc.model.compare.diff:VersionDiff",
    "abort_merge": "mvc.porcelain.merge_continue:abort",
    "add": "mvc.porcelain.add:add",
    "add_remote": "mvc.porcelain.remote:add",
    "aliases": "mvc.porcelain.alias:aliases",
    "branches": "mvc.porcelain.branch:branches",
    "cat": "mvc.porcelain.cat:cat",
    "check": "mvc.porcelain.check:check",
    "clone": "mvc.porcelain.clone:clone",
    "clone_registry": "mvc.porcelain.clone_registry:clone_registry",
    "commit": "mvc.porcelain.commit:commit",
    "connect": "mvc.transport.connection:open_remote",
    "connect_registry": "mvc.registry.connection:registry",
    "continue_merge": "mvc.porcelain.merge_continue:proceed",
    "create_branch": "mvc.porcelain.branch:create",
    "create_tag": "mvc.porcelain.tag:create",
    "diff": "mvc.porcelain.diff:diff",
    "distrust_remote": "mvc.porcelain.remote:withdraw",
    "drift": "mvc.porcelain.drift:drift",
    "du": "mvc.porcelain.du:du",
    "export": "mvc.porcelain.export:export",
    "fetch": "mvc.porcelain.fetch:fetch",
    "fsck": "mvc.porcelain.fsck:fsck",
    "gc": "mvc.porcelain.gc:gc",
    "gc_remote": "mvc.porcelain.gc_remote:gc_remote",
    "get": "mvc.porcelain.edit:get",
    "heal": "mvc.porcelain.heal:heal",
    "image_drift": "mvc.porcelain.docker:moved",
    "import_model": "mvc.porcelain.import_:import_model",
    "init": "mvc.porcelain.init:init",
    "log": "mvc.porcelain.log:log",
    "ls": "mvc.porcelain.ls:ls",
    "merge": "mvc.porcelain.merge:merge",
    "models": "mvc.porcelain.models:models",
    "open": "mvc.porcelain.open:open_repository",
    "publish": "mvc.porcelain.publish:publish",
    "pull": "mvc.porcelain.pull:pull",
    "push": "mvc.porcelain.push:push",
    "record_source": "mvc.porcelain.source:record",
    "remotes": "mvc.porcelain.remote:remotes",
    "remove": "mvc.porcelain.edit:remove",
    "remove_remote": "mvc.porcelain.remote:remove",
    "reset": "mvc.porcelain.reset:reset",
    "resolve": "mvc.repository.revisions:resolve",
    "resolve_image": "mvc.porcelain.docker:resolve",
    "restore": "mvc.porcelain.restore:restore",
    "set_alias": "mvc.porcelain.alias:assign",
    "set_values": "mvc.porcelain.edit:set_values",
    "show": "mvc.porcelain.show:show",
    "source": "mvc.porcelain.source:show",
    "source_of_experiment": "mvc.porcelain.source:ask",
    "status": "mvc.porcelain.status:status",
    "survey": "mvc.porcelain.fsck_remote:survey",
    "switch": "mvc.porcelain.switch:switch",
    "tags": "mvc.porcelain.tag:tags",
    "trust_remote": "mvc.porcelain.remote:approve",
    "unset": "mvc.porcelain.edit:unset",
}
"""Where each public name lives."""

__all__ = [
    "Actor", "Code", "CommitOptions", "ImageRegistries", "Manifest", "MergeChoice", "Person", "PushRequest", "Remote",
    "Repository", "Timestamp", "Tree", "TreeEntry", "Version", "VersionDiff", "abort_merge", "add", "add_remote",
    "aliases", "branches", "cat", "check", "clone", "clone_registry", "commit", "connect", "connect_registry",
    "continue_merge", "create_branch", "create_tag", "diff", "distrust_remote", "drift", "du", "errors", "export", "fetch", "fsck", "gc",
    "gc_remote", "get", "heal", "image_drift", "import_model", "init", "log", "ls", "merge", "models", "open", "publish",
    "pull", "push", "record_source", "remotes", "remove", "remove_remote", "reset", "resolve", "resolve_image",
    "restore", "set_alias", "set_values", "show", "source", "source_of_experiment", "status", "survey", "switch",
    "tags", "trust_remote", "unset",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """A public name, loaded now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mvc' has no attribute {name!r}")
    home = _HOMES[name]
    found = lazy.attribute(home) if ":" in home else lazy.load(home)
    globals()[name] = found
    return found
