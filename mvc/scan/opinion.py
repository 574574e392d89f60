"""The answer of another program about a file, as a finding: what it reports, or that it cannot answer."""

from __future__ import annotations

from mvc.scan.verdict import Finding, Report, Rule, Verdict, clean, worst

FOUND = Rule("second-opinion", Verdict.HOSTILE, "The program of scan.command reports it: {}.")
FAILED = Rule("second-opinion-failed", Verdict.UNREADABLE, "The program of scan.command cannot answer: {}.")
RULES = (FOUND, FAILED)


def finding(rule: Rule, detail: str) -> Finding:
    """Return a finding in a whole file."""
    return Finding(rule.id, rule.verdict, "", -1, rule.message.replace("{}", clean(detail)))


def joined(report: Report, answer: Finding | None) -> Report:
    """Return a report with one more finding, the worst ones first; None adds nothing."""
    if answer is None:
        return report
    findings = sorted((*report.findings, answer), key=lambda one: -one.verdict)
    return Report(worst([report.verdict, answer.verdict]), report.formats, tuple(findings), report.is_unknown)
