"""What the documentation tells a newcomer to type works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mvc
from tests.docs import forks, pasted


@pytest.mark.parametrize(
    "page",
    [
        pasted.TOUR,
        pasted.TUTORIAL,
        pasted.SEVERAL_MODELS,
        pasted.RECORD,
        pasted.RUN,
        pasted.EVALUATE,
        pasted.COMPARE_FILES,
    ],
    ids=["README", "tutorial", "models", "record", "run", "evaluate", "files"],
)
def test_every_line_works_as_it_stands(page: str, tmp_path: Path) -> None:
    with forks.program(tmp_path / "bin") as program:
        _check(page, tmp_path, program)


def _check(page: str, tmp_path: Path, program: Path) -> None:
    done = pasted.paste(page, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    said = {_without_ids(line) for line in (done.stdout + done.stderr).splitlines()}
    shown = "".join(pasted.blocks("text", page)).splitlines()
    assert [line for line in shown if _without_ids(line) not in said and line.strip() != "…"] == []


def test_a_month_of_training(tmp_path: Path) -> None:
    with forks.program(tmp_path / "bin") as program:
        done = pasted.paste(pasted.MONTH, tmp_path, program)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "a" / "b" / "helmets"
    model = mvc.open(folder).model("helmet-detector")
    assert (sorted(model.branches), sorted(model.aliases)) == (["main", "small"], ["candidate", "edge", "prod"])
    history = list(model.log(all_refs=True))
    assert len(history) == 13
    assert all(version.parameters["lr0"] for version in history), "what was dropped has its record"
    assert sorted(note.text for note in model.notes) == [
        "false alarms on lamps",
        "misses helmets in rain",
        "the camera team is happy",
    ]
    kept = ["main", "main~1", "2026.1", "edge"]
    assert all(model[name].files["model-latest"].read() for name in kept)
    with pytest.raises(mvc.errors.MvcError, match="dropped its bytes"):
        model["v3"].files["model-latest"].read()


def _without_ids(line: str) -> str:
    return re.sub(r"\b[0-9a-f]{10}\b", "ID", line).rstrip()


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
    assert all(word in typed for word in ("model.parent", ".mvcignore", "from.labelmap", "--json", "@git", "add --run"))


def test_the_tour_of_the_readme_begins_with_a_training_run() -> None:
    typed = [line for line in pasted.blocks("sh", pasted.TOUR)[0].splitlines() if line.startswith("mvc ")]
    assert typed[1].startswith("mvc add --run")


def test_the_readme_has_the_lines_that_make_a_yolo_training_a_version() -> None:
    """`tests/integrations` runs them, as those of the page of Ultralytics."""
    (shown,) = pasted.blocks("python", pasted.README)
    page = (pasted.TOP / "docs" / "how-to" / "trainers" / "ultralytics.md").read_text(encoding="utf-8")
    assert shown == pasted.blocks("python", page)[0]
    lines = [line for line in shown.splitlines() if line and "import" not in line]
    assert [line.partition("(")[0] for line in lines] == ["yolo = YOLO", "attach", "yolo.train"]
