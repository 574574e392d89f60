"""Only verbs that name a hub load its library; if it is not installed, the error names the extra."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mvc import lazy
from tests.cli.shell import Shell
from tests.registry import histories

HEAVY = {"huggingface_hub", "httpx2", "hf_xet", "mlflow", "requests"}
_RUN = "import sys; from mvc.cli.app.main import run; run(sys.argv[1:]); sys.stderr.write(' '.join(sys.modules))"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return histories.small(tmp_path / "ana", monkeypatch)


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("log",),
        ("publish", "--help"),
        ("import", "--help"),
        ("import", "--folders", "."),
        ("export", "HEAD", "x"),
    ],
    ids=" ".join,
)
def test_other_verbs_load_no_library_of_a_hub(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=shell.folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {name.partition(".")[0] for name in done.stderr.split()} & HEAVY


@pytest.mark.parametrize("verb", ["publish", "import"])
@pytest.mark.parametrize("extra", ["hf", "mlflow"])
def test_without_the_library_the_error_names_the_extra(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, verb: str, extra: str
) -> None:
    load = lazy.load

    def missing(name: str) -> object:
        if name.startswith(("mvc.registry.huggingface", "mvc.registry.mlflow")):
            raise ImportError(name="some_library")
        return load(name)

    monkeypatch.setattr(lazy, "load", missing)
    refused = shell(verb, f"{extra}://acme/helmet")
    assert refused.code == 2
    assert "some_library" in refused.err
    assert f"pip install 'modelvc[{extra}]'" in refused.err
