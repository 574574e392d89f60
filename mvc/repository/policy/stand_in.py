"""Branches and tags that would be read in the place of an alias with rules: they are not created.

on = ["alias:prod"]     mvc branch prod     prod is read as that branch, where there is no alias prod
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.scan.policy.rule import ALIAS, Rule

if TYPE_CHECKING:
    from mvc.repository.policy import checks
    from mvc.repository.policy.checks import Breach
else:
    checks = lazy.Module("mvc.repository.policy.checks")

_WILD = re.compile(r"\[.[^\]]*\]|[*?]")


def breaches(rules: Sequence[Rule], event: str) -> Iterator[Breach]:
    """Yield a breach for each rule on an alias whose name a ref would have that is created, as `branch:prod`.

    A rule that covers the branch or tag as well judges it as such, and one that covers every name is about none of them.
    """
    kind, _, name = event.partition(":")
    if kind == ALIAS or any(event in each.on for each in rules):
        return
    for rule in rules:
        if not rule.is_on(event) and any(_names(pattern, name) for pattern in rule.on):
            reason = f"the rule is for an alias {name}, and a {kind} of that name would be read in its place"
            fix = f"Choose another name for the {kind}, or add {event} to {rule.at('on')}."
            yield checks.Breach(rule, "on", reason, fix)


def _names(pattern: str, name: str) -> bool:
    """Return whether a pattern is about the alias `name`, and not about aliases of every name."""
    kind, _, wanted = pattern.partition(":")
    return kind == ALIAS and bool(_WILD.sub("", wanted)) and Rule("", 0, (pattern,)).is_on(f"{ALIAS}:{name}")
