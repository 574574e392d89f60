"""Ultralytics reads its settings from a folder of the tests, and asks no server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

_settings = tempfile.TemporaryDirectory()
os.environ.update(YOLO_CONFIG_DIR=_settings.name, YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_stay() -> Iterator[None]:
    yield
    _settings.cleanup()
