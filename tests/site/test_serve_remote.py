"""`mvc ui --remote`: a remote without a clone."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

from tests.cli.shell import Shell
from tests.site.documents import documents, files, of_schema, read
from tests.site.server import serving
from tests.weights import safetensors


def _remote(shell: Shell) -> Path:
    """A folder with what the repository has."""
    remote = shell.folder.parent / "shared"
    shell.ok("remote", "add", "origin", "../shared")
    shell.ok("push", "origin", "--all", "--tags")
    return remote


def test_a_remote_is_served_and_its_files_are_fetched_when_they_are_read(shell: Shell) -> None:
    large = safetensors({"conv.weight": ("F32", (128, 128), random.Random(7).randbytes(1 << 16))})
    shell.write("best.safetensors", large)
    shell.commit("More channels")
    remote, temporary = _remote(shell), shell.folder.parent / "tmp"
    shell.ok("alias", "set", "prod", "side", "-m", "a trial")
    shell.ok("push", "origin", "prod")
    shutil.rmtree(shell.folder)
    temporary.mkdir()
    with serving(
        shell.folder.parent, "--files", "--remote", str(remote), environ=os.environ | {"TMPDIR": str(temporary)}
    ) as served:
        index = served.get("").body.decode()
        name = index.partition('src="data/')[2].partition('"')[0]
        [site] = documents(served.get(f"data/{name}").body.decode()).values()
        assert site["title"] == "shared"
        [model] = documents(served.get(f"{site['models'][0]['file']}.js").body.decode()).values()
        assert sorted(ref["name"] for ref in model["refs"]["branches"]) == ["main", "side"]
        assert [move["reason"] for move in model["aliases"]["prod"]] == ["a trial", "passed the night test"]
        newest = model["versions"]["id"][0]
        [version] = documents(served.get(f"{site['folders']['versions']}/{newest}.js").body.decode()).values()
        [file] = version["files"]
        assert file["state"] == "promised"
        assert not any(large[-64:] in data for data in files(temporary).values())
        assert served.get(f"files/{file['file']}/best.safetensors", Range="bytes=4-9").body == large[4:10]
        assert list(temporary.iterdir()) != []
        assert served.stop(signal.SIGHUP) == (143, "mvc: stopping\n")
    assert list(temporary.iterdir()) == []


def test_a_configured_remote_is_exported_by_its_name(shell: Shell) -> None:
    _remote(shell)
    shell.ok("ui", "--remote", "origin", "--export", "../out")
    shell.ok("ui", "--remote", "../shared", "--export", "../again")
    assert files(shell.folder.parent / "out") == files(shell.folder.parent / "again")
    [site] = of_schema(read(shell.folder.parent / "out"), "site")
    assert (site["title"], site["models"][0]["versions"]) == ("shared", 3)


def test_a_remote_that_cannot_be_read_is_named(shell: Shell) -> None:
    _remote(shell)
    for remote, code in (("backup", 2), ("../nothing", 2), ("s3://bucket/models", 15)):
        said = shell("--offline", "ui", "--remote", remote, "--export", "../out")
        assert (said.code, "Traceback" in said.err) == (code, False), said
    assert shell("ui", "--remote", "origin", "--model", "vests", "--export", "../out").code != 0
    assert not (shell.folder.parent / "out").exists()


def test_settings_of_a_repository_reach_no_host_that_was_not_approved(shell: Shell) -> None:
    with (shell.folder / ".mvc" / "config.toml").open("a") as config:
        config.write('\n[remote.origin]\nurl = "s3://bucket/models"\nendpoint = "https://evil.example"\n')
    said = shell("ui", "--remote", "origin", "--export", "../out")
    assert (said.code, "evil.example" in said.err) == (12, True), said
