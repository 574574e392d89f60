"""Hypothesis prints how to repeat a failure, keeps nothing on disk, and does not mind a busy machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mvc", print_blob=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mvc")
