"""Whether a version is ready for a use: its rules judged, each breach with what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model import schema
from mvc.model.manifest import Manifest
from mvc.readiness import own
from mvc.readiness.rule import Need, Rule
from mvc.readiness.subject import Subject
from mvc.readiness.table import RULES
from mvc.readiness.verdict import Result, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule, and the verdict on it."""

    rule: Rule
    verdict: Verdict

    @property
    def ok(self) -> bool:
        """Whether there is nothing to do."""
        return self.verdict.result is Result.OK

    def hinders(self, *, strict: bool) -> bool:
        """Whether a version with it is not ready.

        What is required and is not so hinders. With `strict` all does that is not ok, but for what is optional.
        """
        if strict:
            return not self.ok and self.rule.need is not Need.OPTIONAL
        return self.verdict.result is Result.NO and self.rule.need is Need.REQUIRED

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {**self.rule.to_json(), "result": self.verdict.result.value, "why": self.verdict.why}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found for `use`, which names a profile where the use has some (`deployment/serving`)."""

    use: str
    findings: tuple[Finding, ...]
    strict: bool = False

    @property
    def hindrances(self) -> tuple[Finding, ...]:
        """What keeps it from being ready."""
        return tuple(finding for finding in self.findings if finding.hinders(strict=self.strict))

    @property
    def ready(self) -> bool:
        """Whether nothing does."""
        return not self.hindrances

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"use": self.use, "ready": self.ready, "findings": [finding.to_json() for finding in self.findings]}


def judge(subject: Subject, use: str, *, strict: bool = False) -> Readiness:
    """Judge every rule of `use` that is about `subject`; raises UnknownUse."""
    whole = full(use, subject.manifest)
    judged = ((rule, rule.judge(subject)) for rule in (*RULES, *own.rules(subject.manifest)) if rule.is_of(whole))
    return Readiness(whole, tuple(Finding(rule, verdict) for rule, verdict in judged if verdict is not None), strict)


def full(use: str, manifest: Manifest | None = None) -> str:
    """`use` with its profile, the first where none is named: `deployment` is `deployment/serving`.

    A use that the rules of `manifest` name is one too. Raises UnknownUse.
    """
    if use in schema.PROFILES:
        return "/".join((use, *schema.PROFILES[use][:1]))
    known = [*_all_uses(), *(rule.use for rule in (own.rules(manifest) if manifest is not None else ()))]
    if use not in known:
        raise errors.UnknownUse(use=use, known=", ".join(dict.fromkeys(known)))
    return use


def rules_for(uses: Iterable[str]) -> tuple[Rule, ...]:
    """Picsellia's rules for any of `uses`, or all of them; raises UnknownUse."""
    wanted = [full(use) for use in uses]
    return tuple(rule for rule in RULES if not wanted or any(rule.is_of(use) for use in wanted))


def _all_uses() -> list[str]:
    return [
        text for use, profiles in schema.PROFILES.items() for text in (use, *(f"{use}/{each}" for each in profiles))
    ]
