"""What `--small` leaves out: tests that take ten seconds each, beside others of the same kind."""

from __future__ import annotations

import os

import pytest

from tests.integrations import main

slow = pytest.mark.skipif(main.SMALL in os.environ, reason="--small leaves it out")
