"""Shell completion of revisions: HEAD, branches, tags and aliases of the current model.

mvc source check pr<TAB>   →   mvc source check prod
"""

from __future__ import annotations

import click

from mvc import errors
from mvc.cli.app import options
from mvc.repository import refnames
from mvc.repository.model import Model


def revisions(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the names that begin with `incomplete`; none outside of a repository, since a shell shows no errors."""
    try:
        invocation = options.run_of(context)
        model = Model(invocation.repository(), invocation.model())
        names = [name for kind in refnames.KINDS for name in model.names(kind)]
    except (errors.MvcError, click.UsageError, OSError):
        return []
    return [name for name in dict.fromkeys(["HEAD", *names]) if name.startswith(incomplete)]
