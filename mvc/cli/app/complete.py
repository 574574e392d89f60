"""Shell completion: revisions, which are HEAD, branches, tags and aliases of the current model; and keys of values.

mvc source check pr<TAB>   →   mvc source check prod
mvc log --sort met<TAB>    →   mvc log --sort metrics.mAP50
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from mvc import errors, lazy
from mvc.cli.app import options
from mvc.model.toml.schema import dotted
from mvc.repository import refnames
from mvc.repository.model import Model

if TYPE_CHECKING:
    from mvc.porcelain import stash
    from mvc.repository.query import select
else:
    stash = lazy.Module("mvc.porcelain.stash")
    select = lazy.Module("mvc.repository.query.select")

_LAST_KEY = re.compile(r"(?s)(.*[\s(,]|-)?(.*)")
"""What precedes the last key of an expression, a list or an order, and that key."""


def revisions(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names that begin with `incomplete`; none outside of a repository, since a shell shows no errors."""
    try:
        invocation = options.run_of(context)
        model = Model(invocation.repository(), invocation.model())
        names = [name for kind in refnames.KINDS for name in model.names(kind)]
    except (errors.MvcError, click.UsageError, OSError):
        return []
    return [name for name in dict.fromkeys(["HEAD", *names]) if name.startswith(incomplete)]


def stashes(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the stashes that begin with `incomplete`."""
    try:
        invocation = options.run_of(context)
        names = [entry.name for entry in stash.stashes(Model(invocation.repository(), invocation.model()))]
    except (errors.MvcError, click.UsageError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def query_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return `incomplete` with its last key completed to each key that a version at a ref has."""
    try:
        invocation = options.run_of(context)
        keys = select.known_keys(Model(invocation.repository(), invocation.model()))
    except (errors.MvcError, click.UsageError, OSError):
        return []
    match = _LAST_KEY.match(incomplete)
    before, begun = (match[1] or "", match[2]) if match else ("", incomplete)
    return [f"{before}{name}" for name in map(dotted, keys) if name.startswith(begun)]
