"""Rules of a team: written in `model.toml`, and so part of each version.

[[intent.require]]
use = "deployment"            a use, one of its profiles, or a use of the team's own
metric = "mAP50"              or  role = "onnx"  or  format = "safetensors"
min = 0.6
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mvc.model.manifest import Manifest
from mvc.model.toml.schema import dotted
from mvc.readiness.conditions import External
from mvc.readiness.files import HasFormat, HasRole
from mvc.readiness.fit import add_command
from mvc.readiness.rule import Need, Rule
from mvc.readiness.values import MetricAtLeast

_KNOWN_KEYS = ({"use", "role"}, {"use", "format"}, {"use", "metric", "min"})


def rules(manifest: Manifest) -> Iterator[Rule]:
    """Yield the rules of `[[intent.require]]`, all required; one with keys of a later release is always unknown."""
    for number, require in enumerate(manifest.intent.get("require", ())):
        if "use" in require:
            yield _rule(f"require.{number}", require)


def _rule(name: str, require: Mapping[str, Any]) -> Rule:
    use = require["use"]
    if set(require) not in _KNOWN_KEYS:
        return Rule(name, use, "a rule of a later release", Need.REQUIRED, External("a later release of mvc"))
    if "role" in require:
        role = require["role"]
        return Rule(name, use, f"a file with role {role}", Need.REQUIRED, HasRole(role), add_command(role))
    if "format" in require:
        format_ = require["format"]
        return Rule(name, use, f"a file in {format_} format", Need.REQUIRED, HasFormat(format_), "mvc add FILE")
    metric, minimum = require["metric"], require["min"]
    fix = f"mvc set {shlex.quote(dotted(('metrics', metric)))}=VALUE"
    return Rule(name, use, f"{metric} of at least {minimum}", Need.REQUIRED, MetricAtLeast(metric, minimum), fix)
