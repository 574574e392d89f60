"""Every target by name."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    caches,
    grammars,
    histories,
    images,
    objects,
    packs,
    pages,
    registries,
    remotes,
    scans,
    values,
    weights,
)

_MODULES = (weights, scans, objects, packs, caches, values, histories, registries, remotes, images, pages, grammars)
TARGETS: dict[str, Target] = {target.name: target for module in _MODULES for target in module.TARGETS}
MODULES: dict[str, str] = {target.name: module.__name__ for module in _MODULES for target in module.TARGETS}
"""The full name of the module of each target."""
