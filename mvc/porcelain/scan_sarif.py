"""`mvc scan --format sarif`: findings as a document of SARIF 2.1.0, which code hosts show beside a change.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import mvc
from mvc.porcelain.scan import Scanned, ScannedFile
from mvc.scan.scan import rules
from mvc.scan.verdict import Finding, Verdict

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Verdict.HOSTILE: "error", Verdict.UNREADABLE: "error", Verdict.CODE: "warning"}


def sarif(scanned: Scanned) -> dict[str, Any]:
    """Return the document of some findings."""
    used = {finding.rule for file in scanned.files for finding in file.findings}
    driver = {
        "name": "mvc",
        "semanticVersion": mvc.__version__,
        "rules": [
            {
                "id": rule.id,
                "shortDescription": {"text": rule.message.replace("{}", "…")},
                "defaultConfiguration": {"level": _level(rule.verdict)},
            }
            for rule in rules()
            if rule.id in used
        ],
    }
    results = [result for file in scanned.files for result in _results(file)]
    run = {"tool": {"driver": driver}, "invocations": [_invocation(scanned)], "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(scanned: Scanned) -> dict[str, Any]:
    """Return the files that were not scanned, as notifications."""
    absent = [(file.path, file.reason or file.absent) for file in scanned.files if file.report is None]
    notifications = [
        {
            "level": level,
            "message": {"text": f"Not scanned: {reason}"},
            "locations": [{"physicalLocation": _artifact(path)}],
        }
        for level, paths in (("error", absent), ("warning", scanned.left_out))
        for path, reason in paths
    ]
    return {"executionSuccessful": not absent, "toolExecutionNotifications": notifications}


def _results(file: ScannedFile) -> Iterator[dict[str, Any]]:
    for finding in file.findings:
        names = f" {', '.join(finding.names)}" if finding.names else ""
        result = {
            "ruleId": finding.rule,
            "level": _level(finding.verdict),
            "message": {"text": "\n".join([finding.message + names, *(f"    {call}" for call in finding.calls)])},
            "locations": [_location(file, finding)],
        }
        yield {**result, "properties": {"calls": [*finding.calls]}} if finding.calls else result


def _location(file: ScannedFile, finding: Finding) -> dict[str, Any]:
    physical = _artifact(file.path)
    if finding.place:
        return {
            "physicalLocation": physical,
            "logicalLocations": [{"fullyQualifiedName": finding.place, "kind": "member"}],
        }
    if finding.offset >= 0:
        physical["region"] = {"byteOffset": finding.offset}
    return {"physicalLocation": physical}


def _artifact(path: str) -> dict[str, Any]:
    """Return the location of a file: a relative path, or a URL of an absolute one, with other characters as `%20`."""
    return {"artifactLocation": {"uri": f"{'file://' if path.startswith('/') else ''}{quote(path)}"}}


def _level(verdict: Verdict) -> str:
    return _LEVELS.get(verdict, "note")
