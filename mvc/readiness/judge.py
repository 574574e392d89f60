"""Whether a version is ready for a use: its rules judged, each breach with what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.manifest import Manifest
from mvc.model.toml import schema
from mvc.readiness import own
from mvc.readiness.conditions import Elsewhere
from mvc.readiness.files import are_sound
from mvc.readiness.rule import Need, Rule
from mvc.readiness.subject import Subject
from mvc.readiness.table import RULES
from mvc.readiness.verdict import Result, Verdict, no


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule, and the verdict on it."""

    rule: Rule
    verdict: Verdict

    @property
    def ok(self) -> bool:
        """Whether there is nothing to do."""
        return self.verdict.result is Result.OK

    @property
    def fix(self) -> str:
        """The command that mends it; empty where nothing is to be mended, or no command does."""
        return (self.verdict.fix or self.rule.fix) if self.verdict.result is Result.NO else ""

    def hinders(self, *, strict: bool) -> bool:
        """Whether a version with it is not ready.

        What is required and is not so hinders. With `strict` all does that is not ok, but for what is optional.
        """
        if strict:
            return not self.ok and self.rule.need is not Need.OPTIONAL
        return self.verdict.result is Result.NO and self.rule.need is Need.REQUIRED

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {**self.rule.to_json(), "result": self.verdict.result.value, "why": self.verdict.why, "fix": self.fix}


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
    """Judge every rule of `use` that is about `subject`; raises UnknownUse.

    A weight file that is empty, truncated or malformed is a finding of every use.
    """
    whole = full(use, subject.manifest)
    judged = ((rule, rule.judge(subject)) for rule in _rules(subject.manifest) if rule.is_of(whole))
    findings = [Finding(rule, verdict) for rule, verdict in judged if verdict is not None]
    return Readiness(whole, (*_unsound(subject, whole), *findings), strict)


def intended(subject: Subject, *, strict: bool = False) -> tuple[Readiness, ...]:
    """What is found for each use of the manifest's `intent.ready_for`; for one that has no rule it cannot be ready."""
    uses = dict.fromkeys(subject.manifest.intent.get("ready_for", ()))
    found = (_judged_or_unknown(subject, use, strict=strict) for use in uses)
    return tuple({each.use: each for each in found}.values())


def all_uses(manifest: Manifest) -> tuple[str, ...]:
    """Every use, with its profiles where it has some, and those that the rules of `manifest` name."""
    known = [
        f"{use}/{each}" if each else use for use, profiles in schema.PROFILES.items() for each in profiles or ("",)
    ]
    return tuple(dict.fromkeys([*known, *_own_uses(manifest)]))


def full(use: str, manifest: Manifest | None = None) -> str:
    """`use` with its profile, the first where none is named: `deployment` is `deployment/serving`.

    A use that the rules of `manifest` name is one too. Raises UnknownUse.
    """
    if use in schema.PROFILES:
        return "/".join((use, *schema.PROFILES[use][:1]))
    known = [
        text for use, profiles in schema.PROFILES.items() for text in (use, *(f"{use}/{each}" for each in profiles))
    ]
    known += _own_uses(manifest) if manifest is not None else ()
    if use not in known:
        raise errors.UnknownUse(use=use, known=", ".join(dict.fromkeys(known)))
    return use


def rules_for(uses: Iterable[str], manifest: Manifest | None = None) -> tuple[Rule, ...]:
    """The rules for any of `uses`, or all of them, those of `manifest` among them; raises UnknownUse."""
    wanted = [full(use, manifest) for use in uses]
    rules = _rules(manifest) if manifest is not None else RULES
    return tuple(rule for rule in rules if not wanted or any(rule.is_of(use) for use in wanted))


def _rules(manifest: Manifest) -> tuple[Rule, ...]:
    return (*RULES, *own.rules(manifest))


def _unsound(subject: Subject, use: str) -> Iterator[Finding]:
    verdict = are_sound(subject)
    if verdict.result is Result.NO:
        yield Finding(Rule("weight-files", use, "whole weight files", Need.REQUIRED, are_sound), verdict)


def _own_uses(manifest: Manifest) -> list[str]:
    """The uses that the rules of `manifest` name, and that are no other's: not `deployment`, which is one of its profiles."""
    return [rule.use for rule in own.rules(manifest) if rule.use not in schema.PROFILES]


def _judged_or_unknown(subject: Subject, use: str, *, strict: bool) -> Readiness:
    try:
        return judge(subject, use, strict=strict)
    except errors.UnknownUse:
        fix = "mvc set intent.ready_for=USE"
        rule = Rule("use", use, "a use that rules are known for", Need.REQUIRED, Elsewhere("rules"), fix)
        return Readiness(use, (Finding(rule, no(f"no rule is known for {use!r}")),), strict)
