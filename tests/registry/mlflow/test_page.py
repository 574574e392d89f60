"""The page about MLflow, as a person types it: against the stand-in."""

from __future__ import annotations

from pathlib import Path

from tests.docs import forks, pasted
from tests.servers import picsellia
from tests.servers.mlflow import Tracking

PAGE = (pasted.TOP / "docs" / "how-to" / "mlflow.md").read_text(encoding="utf-8")


def test_every_line_of_the_page_works(tmp_path: Path) -> None:
    tracking = Tracking()
    with picsellia.serve(tracking) as server, forks.program(tmp_path / "bin") as program:
        page = PAGE.replace("mlflow.example.org", server.removeprefix("http://"))
        done = pasted.paste(page, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[new]" in done.stdout
    assert "Created model helmet with 1 version." in done.stdout
    assert [version["version"] for version in tracking.versions] == ["1"]
