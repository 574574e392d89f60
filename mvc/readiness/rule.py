"""Rules: a requirement of a use, its test, how much it counts, the command that fixes a breach, and its sources."""

from __future__ import annotations

import enum

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.readiness.conditions import Condition
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Result, Verdict


class Need(enum.Enum):
    """The weight of a rule: only a breach of a required rule makes a version not ready."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    UNVERIFIED = "unverified"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Rule(Document):
    """One rule of a use, or of one of its profiles (`pre-annotation/legacy`).

    `when` limits the rule: it does not apply where `when` is no, and is unknown where `when` is unknown. `fix` is the
    command that fixes a breach, with placeholders in capitals; empty if there is none. `sources` are URLs of public
    pages.
    """

    KEYS = keys("rule=name use what=requirement need fix sources")

    name: str
    use: str
    requirement: str
    need: Need
    test: Condition
    fix: str = ""
    when: Condition | None = None
    sources: tuple[str, ...] = ()

    def is_of(self, use: str) -> bool:
        """Return whether the rule is one of `use`, given with its profile if it has profiles."""
        return self.use in (use, use.partition("/")[0])

    def evaluate(self, subject: Subject) -> Verdict | None:
        """Return the verdict on `subject`; None if the rule does not apply to it."""
        applies = self.when(subject) if self.when is not None else OK
        if applies.result is Result.NO:
            return None
        verdict = self.test(subject)
        return verdict if applies.result is Result.OK or verdict.result is Result.OK else applies
