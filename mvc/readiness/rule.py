"""Rules: what a use needs, when, how much, how it is told, what mends it, and who says so."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from mvc.readiness.conditions import Condition
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Result, Verdict


class Need(enum.Enum):
    """How much a use needs it: only a breach of what is required makes a version not ready."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    UNVERIFIED = "unverified"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a use.

    `use` is of one of its profiles (`pre-annotation/legacy`), or of all. `when` limits the rule: where that is no, it is
    passed over; where that is unknown, so is the rule. `fix` is the command that mends it, its capitals to be filled in, and
    empty where no command does. `sources` are addresses of public pages.
    """

    name: str
    use: str
    what: str
    need: Need
    test: Condition
    fix: str = ""
    when: Condition | None = None
    sources: tuple[str, ...] = ()

    def is_of(self, use: str) -> bool:
        """Whether it is one of the rules of `use`, which names a profile where the use has some."""
        return self.use in (use, use.partition("/")[0])

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "rule": self.name,
            "use": self.use,
            "what": self.what,
            "need": self.need.value,
            "fix": self.fix,
            "sources": list(self.sources),
        }

    def judge(self, subject: Subject) -> Verdict | None:
        """The verdict on `subject`; None when the rule is not about it."""
        limit = self.when(subject) if self.when is not None else OK
        if limit.result is Result.NO:
            return None
        found = self.test(subject)
        return found if limit.result is Result.OK or found.result is Result.OK else limit
