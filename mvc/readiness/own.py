"""A team's own rules, which lie in `model.toml` and so are versioned with the model.

[[intent.require]]
use = "deployment"            of a use that is known, of one of its profiles, or of one that the team makes up
metric = "mAP50"              or  role = "onnx"  or  format = "safetensors"
min = 0.6
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mvc.model.manifest import Manifest
from mvc.model.toml.schema import dotted
from mvc.readiness.conditions import Elsewhere
from mvc.readiness.files import HasFormat, HasRole, add
from mvc.readiness.rule import Need, Rule
from mvc.readiness.values import MetricAtLeast

_KNOWN = ({"use", "role"}, {"use", "format"}, {"use", "metric", "min"})


def rules(manifest: Manifest) -> Iterator[Rule]:
    """The rules of `[[intent.require]]`, all required; one that this release does not know cannot be checked."""
    for number, require in enumerate(manifest.intent.get("require", ())):
        if "use" in require:
            yield _rule(f"require.{number}", require)


def _rule(name: str, require: Mapping[str, Any]) -> Rule:
    use = require["use"]
    if set(require) not in _KNOWN:
        return Rule(name, use, "what a later release knows", Need.REQUIRED, Elsewhere("a later release of mvc"))
    if "role" in require:
        role = require["role"]
        return Rule(name, use, f"a file {role}", Need.REQUIRED, HasRole(role), add(role))
    if "format" in require:
        format_ = require["format"]
        return Rule(name, use, f"a file in {format_} format", Need.REQUIRED, HasFormat(format_), "mvc add FILE")
    metric, least = require["metric"], require["min"]
    fix = f"mvc set {shlex.quote(dotted(('metrics', metric)))}=VALUE"
    return Rule(name, use, f"{metric} of at least {least}", Need.REQUIRED, MetricAtLeast(metric, least), fix)
