"""The table `[scan]` of a `policy.toml`: the least verdict that a commit refuses, and the classes that files may need.

[scan]
level = "code"
allow = ["ultralytics.nn.tasks.DetectionModel", "torch.nn.modules.*"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.scan import allow as classes
from mvc.scan.policy import positions
from mvc.scan.verdict import Verdict

NAME = "scan"
LEVELS = {word: Verdict[word.upper()] for word in ("code", "unreadable", "hostile")}
"""The values of `level`, the strictest first. None turns the scan off: a policy may only make it stricter."""
VERDICTS = {verdict.word: verdict for verdict in Verdict if verdict is not Verdict.HOSTILE}
"""The values of `scan` in a rule: the worst verdict that it lets pass."""


@dataclass(frozen=True, slots=True)
class ScanTable:
    """The settings of one file, which messages call `file`; `level` is None if it sets none."""

    file: str
    line: int = 1
    level: Verdict | None = None
    allow: tuple[str, ...] = ()


def read(values: Mapping[str, Any], text: str, file: str) -> ScanTable:
    """Return the table among the `values` of a policy.toml with this text. Raises BadPolicy, with the line."""
    table = values.get(NAME, {})
    line = positions.first(text, NAME)
    if not isinstance(table, Mapping):
        raise errors.BadPolicy(path=file, line=line, reason="write the settings of the scan as a table [scan]")
    lines = positions.table(text, NAME)
    for key in table:
        if key not in ("level", "allow"):
            reason = f"{key!r} is not a key of [scan], which has level and allow"
            raise errors.BadPolicy(path=file, line=lines.get(key, line), reason=reason)
    level, allow = table.get("level"), table.get("allow", [])
    if level is not None and (not isinstance(level, str) or level not in LEVELS):
        reason = f"the level of [scan] is one of {', '.join(LEVELS)}; a policy cannot turn the scan off"
        raise errors.BadPolicy(path=file, line=lines.get("level", line), reason=reason)
    if not isinstance(allow, list) or not all(isinstance(name, str) for name in allow):
        reason = 'allow of [scan] is a list of classes, such as ["torch.nn.modules.*"]'
        raise errors.BadPolicy(path=file, line=lines.get("allow", line), reason=reason)
    for name in allow:
        if reason := classes.fault(name):
            raise errors.BadPolicy(
                path=file,
                line=lines.get("allow", line),
                reason=f"allow of [scan] is a list of classes, and {name!r} {reason}",
            )
    return ScanTable(file, line, LEVELS[level] if level is not None else None, tuple(allow))
