"""The page about OCI registries works as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import forks, pasted
from tests.registry.oci.test_publish import tags
from tests.servers.registry import Registry

PAGE = (pasted.TOP / "docs" / "how-to" / "publish-oci.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_works(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.replace("registry.example.org/team/helmet", f"{registry.host}/team/page")
    with forks.program(tmp_path / "bin") as program:
        done = pasted.paste(page, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Created model helmet with 1 version." in done.stdout
    assert "prod" in tags(registry, "page")
