"""An mvc of before, on a remote with signatures, attestations and evaluations, and in a store that needs them.

It is the last commit without signatures, from the history of the project: the tests are skipped in a shallow clone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.storage.records import config
from tests.cli.shell import Shell, begin
from tests.older import REFUSED, Older
from tests.signatures.keys import Keys

BEFORE = "9c352557c689f71abe01320304d256973c66d531"
KINDS = ("signatures", "attestations", "evaluations")


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Older:
    return Older(BEFORE, tmp_path_factory.mktemp("before"))


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requires: Callable[[str], str]) -> Shell:
    """v1 and prod, signed, attested and evaluated, on a remote too."""
    requires("ssh-keygen")
    keys = Keys(tmp_path / "keys")
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", bytes(range(256)) * 200)
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("one", "--alias", "prod")
    shell.ok("config", "--global", "sign.key", str(keys.make("ana")))
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana")))
    shell.ok("sign", "prod")
    shell.ok("attest", "--type", "provenance")
    shell.write("results.json", b'{"mAP50": 0.5}')
    shell.ok("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push", "origin", "main", "prod")
    return shell


def records(remote: Path) -> dict[str, bytes]:
    found = [path for kind in KINDS for path in remote.glob(f"refs/*/{kind}/*/*")]
    return {path.relative_to(remote).as_posix(): path.read_bytes() for path in found}


def test_it_works_on_a_remote_with_all_records(older: Older, ana: Shell, tmp_path: Path) -> None:
    remote, clone = tmp_path / "origin", tmp_path / "clone"
    before = records(remote)
    assert {path.split("/")[2] for path in before} == {*KINDS}
    older.ok("clone", str(remote), str(clone), folder=tmp_path)
    assert (clone / "w.bin").read_bytes() == (ana.folder / "w.bin").read_bytes()
    older.ok("set", "metrics.mAP50=0.7", folder=clone)
    older.ok("commit", "-m", "By the older one", folder=clone)
    older.ok("alias", "set", "prod", "HEAD", "-m", "better", folder=clone)
    for line in (
        ["push", "origin", "main", "prod"],
        ["fetch", "origin"],
        ["gc", "--grace", "0"],
        ["gc", "--remote", "origin", "--grace", "0"],
        ["gc", "--remote", "origin", "--grace", "0"],
        ["fsck", "--remote", "origin", "--read-data"],
    ):
        older.ok(*line, folder=clone)
    assert records(remote) == before
    ana.ok("pull", "origin")
    assert ana.ok("log", "-1", "--format", "{subject}").out == "By the older one\n"
    assert ana("verify", "v1", "--attested", "provenance").code == 0
    assert ana("fsck", "--remote", "origin").code == 0


def test_it_refuses_a_store_by_the_name_of_what_it_needs(older: Older, ana: Shell) -> None:
    refused = older("status", folder=ana.folder)
    assert (refused.returncode, "Traceback" in refused.stderr) == (REFUSED, False), refused.stderr
    required = refused.stderr.partition("requires ")[2].partition(", which")[0].split(", ")
    assert {config.SIGNATURES, config.ATTESTATIONS} <= {*required}
