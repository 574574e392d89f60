"""The container, the CI templates and the citation agree with the project."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import mvc
from mvc import lazy
from tests.release.dist import TOP
from tests.release.test_install_commands import EXTRAS, PROJECT

CI = TOP / "docs" / "ci"
CLAIMED = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)


def _yaml(path: Path) -> Any:
    return lazy.load("yaml").safe_load(path.read_text(encoding="utf-8"))


def _steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def _dockerfile() -> dict[str, list[str]]:
    """The arguments of each instruction of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", (TOP / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    instructions: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line:
            instruction, _, rest = line.partition(" ")
            instructions.setdefault(instruction, []).append(rest)
    return instructions


def test_the_oldest_python_is_claimed() -> None:
    assert PROJECT["requires-python"] == f">={CLAIMED[0]}"


def test_ci_runs_each_python_that_is_claimed_and_both_systems() -> None:
    jobs = _yaml(CI / "github-ci.yml")["jobs"]
    assert set(CLAIMED) <= set(jobs["linux"]["strategy"]["matrix"]["python"])
    assert {job["runs-on"] for job in jobs.values()} == {"ubuntu-latest", "macos-latest"}


def test_the_workflows_run_what_the_project_has() -> None:
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    runs = [step["run"] for path in CI.glob("github-*.yml") for step in _steps(_yaml(path)) if "run" in step]
    called = {target for run in runs for target in re.findall(r"\bmake ([a-z]+)", run)}
    assert called == {"coverage", "dist", "test"}
    assert called <= targets
    assert ".ci/run" in runs
    assert (TOP / ".ci" / "run").is_file()


def test_only_the_upload_gets_an_identity() -> None:
    workflow = _yaml(CI / "github-release.yml")
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert [name for name, job in workflow["jobs"].items() if "permissions" in job] == ["publish"]
    assert [step["run"] for step in workflow["jobs"]["publish"]["steps"] if "run" in step] == []
    assert f"dist/{PROJECT['name']}-${{GITHUB_REF_NAME#v}}.tar.gz" in str(workflow)


def test_the_image_runs_mvc_from_the_wheel_as_a_user_without_privileges(wheel: Path) -> None:
    lines = _dockerfile()
    (base,) = lines["FROM"]
    (extras,) = lines["ARG"]
    (copied,) = lines["COPY"]
    assert base.removeprefix("python:").removesuffix("-slim") in CLAIMED
    assert set(extras.removeprefix("EXTRAS=").split(",")) == EXTRAS
    assert fnmatch(wheel.name, copied.split()[0])
    assert lines["USER"] == ["mvc"]
    assert "useradd --create-home mvc" in lines["RUN"][0]
    assert json.loads(lines["ENTRYPOINT"][0]) == ["mvc"]


def test_the_citation_is_of_this_version() -> None:
    citation = _yaml(TOP / "CITATION.cff")
    assert (citation["version"], citation["license"]) == (mvc.__version__, PROJECT["license"])
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
