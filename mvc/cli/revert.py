"""`mvc revert`: its options, arguments and output."""

from __future__ import annotations

from typing import Any

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.cli.cherry_pick import picking, run
from mvc.storage.records.merges import REVERT


@verb("revert")
@picking
def command(invocation: Invocation, **given: Any) -> int:
    """Undo the changes of versions by new versions.

    The history is kept: each REV, or each version of a range A..B, is compared with its parent, and the opposite
    change is merged into the current branch, as by `mvc merge`. Resolve conflicts in the same way, then run `mvc
    revert --continue`.
    """
    return run(invocation, REVERT, **given)
