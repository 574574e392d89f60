"""Refusals: which breaches a reason passes, and the others as lines of a message, each with its repair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mvc.repository.policy.checks import Breach

FORCE = "Follow the rules, or pass them with `--force-policy REASON`, which is recorded."
"""How a rule with `force` is passed."""
AGAIN = "`mvc policy` shows the rules in effect."
"""What follows after the repairs of rules that are not passed."""
_MOST = 100
"""Breaches that one error lists, at most."""


def is_passed(breach: Breach, why: str) -> bool:
    """Return whether a breach is passed; `why` is the reason for which rules are to be passed, "" for none."""
    return breach.rule.force and bool(why)


def listed(found: Iterable[Breach]) -> str:
    """Return breaches as lines of a message: each once, and below those with the same repair the repair."""
    unique = list({breach.line: breach for breach in found}.values())[:_MOST]
    rows = list[str]()
    for number, breach in enumerate(unique, 1):
        rows.append(f"  {breach.line}")
        if number == len(unique) or unique[number].fix != breach.fix:
            rows.append(f"      {breach.fix}")
    return "\n".join(rows)


def next_step(found: Sequence[Breach], why: str) -> str:
    """Return what follows after the repairs; `why` is as for `is_passed`."""
    firm = dict.fromkeys(breach.rule.at(breach.key) for breach in found if not breach.rule.force)
    if not firm:
        return FORCE
    if why:
        return f"--force-policy passes only rules with force = true, unlike {' and '.join(firm)}."
    return AGAIN
