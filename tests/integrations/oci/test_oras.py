"""ORAS and mvc read what the other publishes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import oras.client
import pytest

from tests.servers.registry import Registry, serve

FILES = {
    "weights/best.onnx": bytes(range(256)) * 5000,
    "README.md": b"# Helmets",
    "notes/a b.txt": "Größe".encode(),
    "empty.json": b"",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    program = shutil.which("docker-registry")
    if program is None:
        pytest.fail("docker-registry is not installed")
    with serve(program, tmp_path_factory.mktemp("registry")) as running:
        yield running


def mvc(folder: Path, *arguments: str) -> str:
    folder.mkdir(exist_ok=True)
    environ = {**os.environ, "MVC_AUTHOR_NAME": "Ana", "MVC_AUTHOR_EMAIL": "ana@example.org"}
    done = subprocess.run(
        [sys.executable, "-m", "mvc", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_oras_pulls_every_file_under_its_path(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "ana"
    mvc(folder, "init", "--model", "helmet")
    for path, content in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
        mvc(folder, "add", path)
    mvc(folder, "commit", "-m", "First")
    mvc(folder, "publish", f"oci://{registry.host}/team/helmet", "--tag", "prod")
    client = oras.client.OrasClient(insecure=True)
    pulled = client.pull(target=f"{registry.host}/team/helmet:prod", outdir=str(tmp_path / "pulled"))
    found = {str(Path(path).relative_to(tmp_path / "pulled")): Path(path).read_bytes() for path in pulled}
    version = json.loads(found.pop("mvc-version.json"))
    assert version["version"]["message"] == "First"
    assert found.pop("model.toml") == (folder / "model.toml").read_bytes()
    assert found == FILES


def test_mvc_imports_what_oras_pushes(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best.onnx").write_bytes(b"weights of ORAS")
    (tmp_path / "config.json").write_text('{"descriptor":{"name":"helmet"},"config":{},"modelfs":{}}', encoding="utf-8")
    client = oras.client.OrasClient(insecure=True)
    client.push(
        target=f"{registry.host}/team/pushed:v1",
        files=["best.onnx:application/vnd.cncf.model.weight.v1.raw"],
        manifest_config="config.json:application/vnd.cncf.model.config.v1+json",
    )
    ben = tmp_path / "ben"
    mvc(ben, "init")
    mvc(ben, "import", f"oci://{registry.host}/team/pushed:v1")
    assert (ben / "best.onnx").read_bytes() == b"weights of ORAS"
