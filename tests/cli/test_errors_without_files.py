"""An error where no file can be opened any more, a module of mvc neither, is one line without a traceback."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mvc import lazy
from mvc.cli.app import main


def test_an_error_is_reported_without_the_module_for_it(
    tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(_: str) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lazy, "load", load)
    assert main.run(["status"]) == 128
    said = capsys.readouterr().err
    assert said.startswith("mvc: Too many open files")
    assert said.count("\n") == 1
