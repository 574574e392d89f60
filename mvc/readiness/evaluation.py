"""Evaluation of rules: the findings on a version for a use, and the command that fixes each."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.manifest import Manifest
from mvc.model.toml import schema
from mvc.readiness import team_rules
from mvc.readiness.conditions import External
from mvc.readiness.files import weights_are_valid
from mvc.readiness.rule import Need, Rule
from mvc.readiness.subject import Subject
from mvc.readiness.table import RULES
from mvc.readiness.verdict import Result, Verdict, no


@dataclass(frozen=True, slots=True)
class Finding(Document):
    """A rule and the verdict on it."""

    KEYS = keys("*rule result=verdict.result why=verdict.why fix")

    rule: Rule
    verdict: Verdict

    @property
    def ok(self) -> bool:
        """True if nothing is left to do."""
        return self.verdict.result is Result.OK

    @property
    def fix(self) -> str:
        """The command that fixes a breach; empty if there is no breach or no such command."""
        return (self.verdict.fix or self.rule.fix) if self.verdict.result is Result.NO else ""

    def blocks(self, *, strict: bool) -> bool:
        """Return whether a version with this finding is not ready.

        A breach of a required rule blocks. With `strict`, so does every result but ok, except for optional rules.
        """
        if strict:
            return not self.ok and self.rule.need is not Need.OPTIONAL
        return self.verdict.result is Result.NO and self.rule.need is Need.REQUIRED


@dataclass(frozen=True, slots=True)
class Readiness(Document):
    """The findings for `use`, which includes the profile if the use has profiles (`deployment/serving`)."""

    KEYS = keys("use ready findings")

    use: str
    findings: tuple[Finding, ...]
    strict: bool = False

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """The findings that keep the version from being ready."""
        return tuple(finding for finding in self.findings if finding.blocks(strict=self.strict))

    @property
    def ready(self) -> bool:
        """True if there are no blockers."""
        return not self.blockers


def evaluate(subject: Subject, use: str, *, strict: bool = False) -> Readiness:
    """Evaluate every rule of `use` that applies to `subject`; raise UnknownUse.

    A weight file that is empty, truncated or malformed is a finding of every use.
    """
    profile = with_profile(use, subject.manifest)
    own = [rule for rule in team_rules.rules(subject.manifest) if rule.is_of(profile)]
    verdicts = ((rule, rule.evaluate(subject)) for rule in (*_built_in(profile), *own))
    findings = [Finding(rule, verdict) for rule, verdict in verdicts if verdict is not None]
    return Readiness(profile, (*_invalid_weights(subject, profile), *findings), strict)


def evaluate_intent(subject: Subject, *, strict: bool = False) -> tuple[Readiness, ...]:
    """Evaluate each use of the manifest's `intent.ready_for`; a use without rules is never ready."""
    uses = dict.fromkeys(subject.manifest.intent.get("ready_for", ()))
    results = (_evaluate_or_block(subject, use, strict=strict) for use in uses)
    return tuple({result.use: result for result in results}.values())


def all_uses(manifest: Manifest) -> tuple[str, ...]:
    """Return every use, by profile if it has profiles, and the uses named by the rules of `manifest`."""
    built_in = [
        f"{use}/{profile}" if profile else use
        for use, profiles in schema.PROFILES.items()
        for profile in profiles or ("",)
    ]
    return tuple(dict.fromkeys([*built_in, *_team_uses(manifest)]))


def with_profile(use: str, manifest: Manifest | None = None) -> str:
    """Return `use` with its profile, by default the first: `deployment` becomes `deployment/serving`.

    A use named by the rules of `manifest` is returned as it is. Raises UnknownUse.
    """
    if use in schema.PROFILES:
        return "/".join((use, *schema.PROFILES[use][:1]))
    known = [
        name
        for use_, profiles in schema.PROFILES.items()
        for name in (use_, *(f"{use_}/{profile}" for profile in profiles))
    ]
    known += _team_uses(manifest) if manifest is not None else ()
    if use not in known:
        raise errors.UnknownUse(use=use, known=", ".join(dict.fromkeys(known)))
    return use


def rules_for(uses: Iterable[str], manifest: Manifest | None = None) -> tuple[Rule, ...]:
    """Return the rules for any of `uses` (none: for every use), with those of `manifest`; raise UnknownUse."""
    profiles = [with_profile(use, manifest) for use in uses]
    rules = _rules(manifest) if manifest is not None else RULES
    return tuple(rule for rule in rules if not profiles or any(rule.is_of(profile) for profile in profiles))


@functools.cache
def _built_in(use: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.is_of(use))


def _rules(manifest: Manifest) -> tuple[Rule, ...]:
    return (*RULES, *team_rules.rules(manifest))


def _invalid_weights(subject: Subject, use: str) -> Iterator[Finding]:
    verdict = weights_are_valid(subject)
    if verdict.result is Result.NO:
        yield Finding(Rule("weight-files", use, "valid weight files", Need.REQUIRED, weights_are_valid), verdict)


def _team_uses(manifest: Manifest) -> list[str]:
    """Return the uses that the rules of `manifest` add; `deployment` is none, since its profiles are listed instead."""
    return [rule.use for rule in team_rules.rules(manifest) if rule.use not in schema.PROFILES]


def _evaluate_or_block(subject: Subject, use: str, *, strict: bool) -> Readiness:
    try:
        return evaluate(subject, use, strict=strict)
    except errors.UnknownUse:
        fix = "mvc set intent.ready_for=USE"
        rule = Rule("use", use, "a use that has rules", Need.REQUIRED, External("rules"), fix)
        return Readiness(use, (Finding(rule, no(f"the use {use!r} has no rules")),), strict)
