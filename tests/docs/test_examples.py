"""What the documentation tells a newcomer to type works as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pasted


@pytest.mark.parametrize("page", [pasted.TOUR, pasted.TUTORIAL], ids=["README", "tutorial"])
def test_every_line_works_as_it_stands(page: str, tmp_path: Path) -> None:
    done = pasted.paste(page, tmp_path, pasted.program(tmp_path / "bin"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_tutorial_has_what_it_promises(tmp_path: Path) -> None:
    typed = "\n".join(pasted.blocks("sh", pasted.TUTORIAL))
    verbs = (
        "commit",
        "diff",
        "switch",
        "tag",
        "alias",
        "export",
        "restore",
        "reset",
        "reflog",
        "models",
        "fsck",
        "check",
        "remote",
        "push",
        "clone",
        "fetch",
        "pull",
        "gc",
    )
    assert [verb for verb in verbs if f"mvc {verb}" not in typed] == []
    assert all(word in typed for word in ("model.parent", ".mvcignore", "labelmap.path", "--json", "@git"))
