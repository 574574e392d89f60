"""Rules of a policy, and the events that they are about.

commit             a version is made, or becomes reachable from a ref for the first time here
branch:NAME        a branch moves, is created or deleted; likewise tag:NAME and alias:NAME
push:REMOTE        versions and refs are sent to a remote
publish:REGISTRY   a version is published
take:branch:NAME   this client takes a branch from another store; likewise take:tag:NAME and take:alias:NAME
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import field

from mvc.deferred import dataclass
from mvc.scan.verdict import Verdict

COMMIT, BRANCH, TAG, ALIAS, PUSH, PUBLISH = "commit", "branch", "tag", "alias", "push", "publish"
NAMED = (BRANCH, TAG, ALIAS, PUSH, PUBLISH)
"""The events that have a name after a colon."""
TAKE = "take"
"""The first word of events that have the kind of a ref and its name, as `take:alias:prod`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]`: the events it is `on`, and what it requires; None and () require nothing.

    `file` is its file as messages show it, `line` that of its table, `lines` those of its keys. `roll_back` False refuses
    moves back, `force` lets `--force-policy` pass the rule.
    """

    file: str
    line: int
    on: tuple[str, ...]
    formats: tuple[str, ...] | None = None
    scan: Verdict | None = None
    """The worst verdict that a file may have, where findings about `classes` are left out."""
    classes: tuple[str, ...] = ()
    max_file: int | None = None
    max_version: int | None = None
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    ready_for: tuple[str, ...] = ()
    source: str | None = None
    """The ref `from` which alone a version may come, as `alias:staging`."""
    roll_back: bool = True
    reason: bool = False
    signed_by: tuple[str, ...] = ()
    """The principals of allowed signers, of whom `signers` different ones have signed the version."""
    signers: int = 1
    force: bool = False
    lines: Mapping[str, int] | None = field(default=None, compare=False)

    def is_on(self, event: str) -> bool:
        """Return whether the rule is about an event, such as `alias:prod`."""
        return any(fnmatch.fnmatchcase(event, pattern) for pattern in self.on)

    def at(self, key: str) -> str:
        """Return the place of one of its keys, as `policy.toml, line 4`."""
        return f"{self.file}, line {(self.lines or {}).get(key, self.line)}"
