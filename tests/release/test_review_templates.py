"""The templates for reviews: valid for their hosts, and their scripts keep one comment up to date."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc import lazy
from tests.cli.shell import begin
from tests.docs import forks
from tests.release.dist import TOP

CI = TOP / "docs" / "ci"
ACTION = CI / "action" / "action.yml"
COMPONENT = CI / "gitlab" / "templates" / "report.yml"
AZURE = CI / "azure-pipelines.yml"
BIN = Path(sys.executable).parent
BOT, PERSON = "github-actions[bot]", "ana"
GH = f'''#!{sys.executable}
"""A stand-in of `gh api`: comments in a file, a page of two at a time; each call that writes is recorded."""
import json, os, subprocess, sys
from pathlib import Path

args, state = sys.argv[1:], Path(os.environ["GH_STATE"])
assert args.pop(0) == "api" and os.environ["GH_TOKEN"] == "secret"
if os.environ.get("GH_FAILS"):
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
known = json.loads(state.read_text())
method = args[args.index("--method") + 1] if "--method" in args else "GET"
path = next(each for each in args if each.startswith("repos/"))
if method == "GET":
    assert "--paginate" in args and path == "repos/acme/vision/issues/7/comments"
    for at in range(0, len(known["comments"]), 2):
        page = json.dumps(known["comments"][at : at + 2])
        subprocess.run(["jq", "-r", args[args.index("--jq") + 1]], input=page, text=True, check=True)
    sys.exit()
field = args[args.index("-F") + 1]
assert field.startswith("body=@")
body = Path(field.removeprefix("body=@")).read_text()
if method == "POST":
    assert path == "repos/acme/vision/issues/7/comments"
    known["comments"].append({{"id": 100 + len(known["comments"]), "user": {{"login": "{BOT}"}}, "body": body}})
else:
    assert method == "PATCH"
    [comment] = [each for each in known["comments"] if path == f"repos/acme/vision/issues/comments/{{each['id']}}"]
    comment["body"] = body
known["calls"].append(method)
state.write_text(json.dumps(known))
'''


def _yaml(text: str) -> list[Any]:
    return list(lazy.load("yaml").safe_load_all(text))


def _valid(schema: str, path: Path, *more: str) -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, *more, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_action_and_the_workflows_are_valid(tmp_path: Path) -> None:
    _valid("vendor.github-actions", ACTION)
    page = (TOP / "docs" / "how-to" / "ci.md").read_text(encoding="utf-8")
    (workflow,) = re.findall(r"^```yaml\n(name: Review\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "review.yml").write_text(workflow, encoding="utf-8")
    _valid("vendor.github-workflows", tmp_path / "review.yml")
    (step,) = [each for each in _yaml(workflow)[0]["jobs"]["report"]["steps"] if "mvc" in each["uses"]]
    assert step["with"].keys() <= _yaml(ACTION.read_text(encoding="utf-8"))[0]["inputs"].keys()


def test_the_component_is_valid(tmp_path: Path) -> None:
    """Its first document says its inputs, which the schema of .gitlab-ci.yml does not know."""
    text = COMPONENT.read_text(encoding="utf-8")
    spec, _ = _yaml(text)
    (tmp_path / "job.yml").write_text(text.partition("\n---\n")[2], encoding="utf-8")
    _valid("vendor.gitlab-ci", tmp_path / "job.yml", "--data-transform", "gitlab-ci")
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", text)) == spec["spec"]["inputs"].keys()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A checkout of Git with two models on a remote: `helmets` has another version on the branch, `caps` not."""
    top = tmp_path_factory.mktemp("project")
    env = {
        "HOME": str(top / "home"),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }
    for name in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{name}_NAME": "Ana", f"GIT_{name}_EMAIL": "a@x.y"}
    folder = top / "checkout"
    folder.mkdir()

    def git(script: str) -> str:
        done = subprocess.run(["bash", "-ec", script], cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", env["HOME"])
        git("git init -q -b main; echo .mvc > .gitignore; git add .; git commit -q -m Code")
        shell = begin(folder, patch)
        (folder / "caps").mkdir()
        shell.ok("init", "caps", "--model", "caps")
        shell.ok("--model", "caps", "commit", "-m", "First")
        shell.set(labelmap__0="a", labelmap__1="b", metrics__mAP50=0.5)
        shell.commit("First")
        git("git add .; git commit -q -m Models; git switch -q -c feature")
        shell.set(labelmap__0="b", labelmap__1="a", metrics__mAP50=0.7)
        shell.commit("Second")
        shell.ok("remote", "add", "origin", "../remote")
        for model in ("helmets", "caps"):
            shell.ok("--model", model, "push", "origin", "main")
    base, head = git("git commit -q -a -m Better; git rev-parse main feature").split()
    with forks.program(top / "bin") as program:
        path = f"{program.parent}:{env['PATH']}"
        yield {**env, "PATH": path, "TOP": str(top), "BASE_SHA": base, "HEAD_SHA": head}


def _run_action(
    project: dict[str, str], folder: Path, *, steps: slice = slice(None), **inputs: str
) -> subprocess.CompletedProcess[str]:
    """Run `steps` of the action as GitHub does, with stand-ins of `gh` and `pipx`."""
    runner = folder / "runner"
    if steps == slice(None):
        shutil.rmtree(runner, ignore_errors=True)
        runner.mkdir()
    (folder / "bin").mkdir(exist_ok=True)
    for name, text in {"gh": GH, "pipx": '#!/bin/sh\necho "$*" > "$RUNNER_TEMP/installed"\n'}.items():
        (folder / "bin" / name).write_text(text, encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    context = {
        "github.event.pull_request.base.sha": project["BASE_SHA"],
        "github.event.pull_request.head.sha": project["HEAD_SHA"],
        "github.event.pull_request.number": "7",
        "github.token": "secret",
    }
    action = _yaml(ACTION.read_text(encoding="utf-8"))[0]

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: context[match[1]], text)

    given = {
        name: inputs.get(name.replace("-", "_"), filled(spec.get("default", "")))
        for name, spec in action["inputs"].items()
    }
    context |= {f"inputs.{name}": value for name, value in given.items()}
    env = {**project, "PATH": f"{folder / 'bin'}:{project['PATH']}", "RUNNER_TEMP": str(runner), "GH_STATE": str(folder / "state.json"),
           "GITHUB_WORKSPACE": f"{project['TOP']}/checkout", "GITHUB_REPOSITORY": "acme/vision", "GITHUB_ACTION_PATH": str(ACTION.parent),
           "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), **({"GH_FAILS": "1"} if "fails" in inputs else {})}  # fmt: skip
    done = None
    for step in action["runs"]["steps"][steps]:
        assert "${{" not in step["run"]  # what an input says is never part of a script
        step_env = env | {name: filled(value) for name, value in step["env"].items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(command, cwd=folder, env=step_env, capture_output=True, text=True, check=False)
        if done.returncode:
            break
    assert done is not None
    assert (runner / "installed").read_text(encoding="utf-8") == f"install {given['package']}\n"
    return done


def test_the_action_keeps_one_comment_a_model(
    project: dict[str, str], tmp_path: Path, requires: Callable[[str], str]
) -> None:
    requires("jq")
    state = tmp_path / "state.json"
    forged = "<!-- mvc:helmets -->\nmine"
    comments = [{"id": at, "user": {"login": PERSON}, "body": forged} for at in range(3)]
    state.write_text(json.dumps({"comments": comments, "calls": []}), encoding="utf-8")
    remote = f"{project['TOP']}/remote"
    first = _run_action(project, tmp_path, remote=remote, fail_on="breaking\nmetric:mAP50:-0.01\n")
    assert (first.returncode, "failed: breaking: classes are re-indexed" in first.stderr) == (1, True), first.stderr
    known = json.loads(state.read_text(encoding="utf-8"))
    assert known["calls"] == ["POST"]  # caps did not change
    assert known["comments"][3]["body"].startswith("<!-- mvc:helmets -->\n## helmets v1..v2\n")
    assert "<!-- mvc:caps -->\n<!-- unchanged -->\n" in (tmp_path / "summary.md").read_text(encoding="utf-8")

    second = _run_action(project, tmp_path, remote=remote, base=project["HEAD_SHA"], models="helmets")  # undone since
    assert second.returncode == 0, second.stderr
    known = json.loads(state.read_text(encoding="utf-8"))
    assert known["calls"] == ["POST", "PATCH"]
    assert known["comments"][3]["body"].startswith("<!-- mvc:helmets -->\n<!-- unchanged -->\n")
    assert [comment["body"] for comment in known["comments"][:3]] == [forged] * 3

    report = slice(2, 3)
    link = "https://x.example/$(id)`id`"
    third = _run_action(project, tmp_path, steps=report, models="helmets", fails="1", link=link)
    assert (third.returncode, "::warning::The comment was not written" in third.stdout) == (0, True), third.stderr
    assert "(https://x.example/$%28id%29%60id%60#/helmets/" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    for wrong in ({"models": "none"}, {"fail_on": "break"}):
        assert _run_action(project, tmp_path, steps=report, **wrong).returncode == 2


class _Notes(http.server.BaseHTTPRequestHandler):
    """A stand-in of the notes of a merge request on GitLab."""

    notes: list[dict[str, Any]]
    calls: list[str]

    def _answer(self, value: Any, **headers: str) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        for name, text in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "secret"
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/user":
            return self._answer({"id": 1})
        page = int(urllib.parse.parse_qs(url.query)["page"][0])
        more = str(page + 1) if page * 2 < len(self.notes) else ""
        return self._answer(self.notes[page * 2 - 2 : page * 2], **{"x-next-page": more})

    def _write(self) -> None:
        body = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["body"][0]
        self.calls.append(f"{self.command} {self.path}")
        if self.command == "POST":
            self.notes.append({"id": len(self.notes), "author": {"id": 1}, "body": body})
        else:
            self.notes[int(self.path.rpartition("/")[2])]["body"] = body
        self._answer({})

    do_POST = _write  # noqa: N815 - the name that http.server calls
    do_PUT = _write  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gitlab() -> Iterator[tuple[str, type[_Notes]]]:
    notes = [{"id": at, "author": {"id": 2}, "body": "<!-- mvc:helmets -->\nmine"} for at in range(3)]
    handler = type("Handler", (_Notes,), {"notes": notes, "calls": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()


def test_the_component_keeps_one_note_a_model(
    project: dict[str, str], tmp_path: Path, gitlab: tuple[str, type[_Notes]]
) -> None:
    url, server = gitlab
    inputs = {
        name: spec.get("default", "")
        for name, spec in _yaml(COMPONENT.read_text(encoding="utf-8"))[0]["spec"]["inputs"].items()
    }
    (job,) = _yaml(COMPONENT.read_text(encoding="utf-8"))[1].values()
    inputs |= {"remote": f"{project['TOP']}/remote", "fail-on": "breaking"}
    variables = {
        name: re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda match: inputs[match[1]], value)
        for name, value in job["variables"].items()
    }
    env = {**project, **variables, "CI_API_V4_URL": url, "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "9", "REPORT_TOKEN": "secret",
           "CI_MERGE_REQUEST_DIFF_BASE_SHA": project["BASE_SHA"], "CI_COMMIT_SHA": project["HEAD_SHA"], "no_proxy": "127.0.0.1",
           "CI_PROJECT_DIR": f"{project['TOP']}/checkout"}  # fmt: skip
    assert job["script"][0] == 'python3 -m pip install --quiet "$REPORT_PACKAGE"'
    assert job["script"][1] == 'mvc clone --meta "$REPORT_REMOTE" mvc-clone'
    for again, script in ((False, "\n".join(job["script"][1:])), (True, job["script"][2])):
        env["REPORT_MODELS"] = "helmets" if again else ""
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "failed: breaking" in done.stderr) == (1, True), done.stderr
        assert server.calls[again:] == [
            f"{'PUT' if again else 'POST'} /projects/5/merge_requests/9/notes{'/3' if again else ''}"
        ]
        assert [note["body"].split("\n")[1] for note in server.notes] == [*["mine"] * 3, "## helmets v1..v2"]
        marks = [
            path.read_text(encoding="utf-8").split("\n")[0] for path in sorted((tmp_path / "mvc-report").iterdir())
        ]
        assert marks == ["<!-- mvc:helmets -->" if again else "<!-- mvc:caps -->", "<!-- mvc:helmets -->"]


def test_the_template_for_azure_writes_a_report_a_model(project: dict[str, str], tmp_path: Path) -> None:
    _valid("vendor.azure-pipelines", AZURE, "--data-transform", "azure-pipelines")
    (template,) = _yaml(AZURE.read_text(encoding="utf-8"))
    (job,) = template["jobs"]
    scripts = [step for step in job["steps"] if "bash" in step]
    names = {parameter["name"] for parameter in template["parameters"]}
    given = {"remote": f"{project['TOP']}/remote", "failOn": "breaking"}
    values = {name: given.get(name, "") for name in names}
    used: set[str] = set()
    said: list[str] = []
    env = {
        **project,
        "AGENT_TEMPDIRECTORY": str(tmp_path),
        "BUILD_ARTIFACTSTAGINGDIRECTORY": str(tmp_path / "staging"),
        "BUILD_SOURCESDIRECTORY": f"{project['TOP']}/checkout",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID": project["HEAD_SHA"],
        "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
    }
    checkout = Path(env["BUILD_SOURCESDIRECTORY"])
    subprocess.run(["git", "update-ref", "refs/remotes/origin/main", env["BASE_SHA"]], cwd=checkout, check=True)
    for number, step in enumerate(scripts):
        assert "${{" not in step["bash"]  # what a parameter says is never part of a script
        for name, text in step["env"].items():
            used |= {*re.findall(r"parameters\.(\w+)", text)}
            env[name] = re.sub(r"\$\{\{ parameters\.(\w+) \}\}", lambda match: values[match[1]], text)
        script = step["bash"].replace('python -m pip install --quiet "$REPORT_PACKAGE"\n', "")
        command = ["bash", "--noprofile", "--norc", "-c", script]
        done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == number, done.stderr
        said += done.stdout.splitlines()
    reports = sorted((tmp_path / "staging").iterdir())
    assert [line for line in said if line.startswith("##")] == [f"##vso[task.uploadsummary]{path}" for path in reports]
    assert [path.read_text(encoding="utf-8").split("\n")[0] for path in reports] == [
        "<!-- mvc:caps -->", "<!-- mvc:helmets -->",
    ]  # fmt: skip
    assert used | {"python"} == names
