"""The page about the Hub, as a person types it: against the stand-in."""

from __future__ import annotations

from pathlib import Path

from tests.docs import forks, pasted
from tests.registry.huggingface.published import repository
from tests.servers.huggingface import Hub

PAGE = (pasted.TOP / "docs" / "how-to" / "hugging-face.md").read_text(encoding="utf-8")


def test_every_line_of_the_page_works(tmp_path: Path, hub: Hub) -> None:
    with forks.program(tmp_path / "bin") as program:
        done = pasted.paste(PAGE, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[new]" in done.stdout
    assert "Everything up to date." in done.stdout
    assert "Created model helmet with 1 version." in done.stdout
    assert len(repository(hub).tags) == 2
