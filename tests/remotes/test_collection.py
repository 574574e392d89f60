"""A collection beside those who push: much is removed, and nothing that is needed."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain import gc_remote as verb
from mvc.porcelain.fsck_remote import survey
from mvc.remotes import upload
from mvc.remotes.gc_session import UNFINISHED, Ages, GcSession
from mvc.remotes.remote import Remote
from tests.cli.shell import Shell, begin
from tests.remotes.clones import MAIN, WEIGHTS, clone, folder, origin, push_and_delete, push_main, set_origin
from tests.servers.sshd import Sshd

PUSHERS = 2


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository with one version, which the folder origin has."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"begin")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("begin")
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    shell.ok("push")
    return shell


@pytest.fixture(autouse=True)
def _logs_keep_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(verb, "ENTRIES", 0)
    monkeypatch.setattr(verb, "DAYS", -1)


def test_much_is_removed_beside_pushes_and_nothing_that_is_needed(
    shell: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random, *, deep: bool
) -> None:
    names = [f"p{number}" for number in range(PUSHERS)]
    for name in [*names, "gc"]:
        clone(tmp_path, monkeypatch, name)
    count, seed = (400 if deep else 25), rng.getrandbits(32)
    python = [sys.executable, "-m"]
    pushing = [
        subprocess.Popen([*python, "tests.remotes.churner", str(tmp_path), name, str(count), str(seed)])
        for name in names
    ]
    collecting = subprocess.Popen(
        [*python, "tests.remotes.collector", str(tmp_path), "gc", "600"], stdout=subprocess.PIPE, text=True
    )
    codes = [process.wait() for process in pushing]
    collecting.kill()
    said = collecting.communicate()[0].splitlines()
    removed = sum(int(line.split()[1]) for line in said if line.startswith("removed"))
    assert codes == [0] * PUSHERS
    with origin(shell) as remote:
        report = survey(shell.repository, remote, read_data=True)
        assert not report.findings
        assert report.counts["versions"] == 1 + PUSHERS
        for _ in range(2):  # one that was killed leaves its flag; and what it left goes now
            removed += len(verb.gc_remote(shell.repository, remote, shell.actor, grace=0, abandoned=0).removed)
        assert not survey(shell.repository, remote, read_data=True).findings
    assert removed >= 2 * count


def _dead_weights(shell: Shell, remote: Remote, rng: random.Random) -> None:
    """Leave marked weights on the remote that no ref reaches, and the same ones in the working tree, to be pushed."""
    push_and_delete(shell, rng)
    verb.gc_remote(shell.repository, remote, shell.actor, grace=0)
    shell.ok("switch", "main")
    shell.ok("restore", "--source", "night", WEIGHTS)
    shell.ok("add", WEIGHTS, "--as", "more")
    shell.commit("the same weights again")


def _collect_when_about_to_send(monkeypatch: Any, collect: Callable[[], object]) -> None:
    """Collect when a push has looked at what is there, and has not sent anything yet."""
    send = upload.Uploader.send

    def with_collection(self: upload.Uploader, *arguments: Any) -> int:
        collect()
        return send(self, *arguments)

    monkeypatch.setattr(upload.Uploader, "send", with_collection)


def test_who_collects_sees_who_is_about_to_send(
    shell: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    remote = folder(tmp_path / "origin")
    _dead_weights(shell, remote, rng)
    seen = []

    def collect() -> None:
        with pytest.raises(errors.SomebodySends, match="Ana"):
            verb.gc_remote(shell.repository, remote, shell.actor, grace=0)
        seen.append(1)

    _collect_when_about_to_send(monkeypatch, collect)
    push_main(shell, remote)
    assert seen
    assert not survey(shell.repository, remote, read_data=True).findings


def test_without_the_look_for_senders_something_is_lost(
    shell: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    """That it takes that look: what the tests above would not notice if nothing could be lost anyway."""
    remote = folder(tmp_path / "origin")
    _dead_weights(shell, remote, rng)
    monkeypatch.setattr(GcSession, "_check_intents", lambda _: None)
    _collect_when_about_to_send(monkeypatch, lambda: verb.gc_remote(shell.repository, remote, shell.actor, grace=0))
    push_main(shell, remote)
    assert survey(shell.repository, remote, read_data=True).findings


def test_who_sends_sees_who_collects(shell: Shell, tmp_path: Path) -> None:
    remote = folder(tmp_path / "origin")
    shell.set(parameters__lr=1)
    shell.commit("more")
    ages = Ages(0, 0)
    with GcSession(remote.backend, shell.actor.move("gc"), ages), pytest.raises(errors.RemoteBusy):
        push_main(shell, remote)
    push_main(shell, remote)
    assert not survey(shell.repository, remote, read_data=True).findings


def test_a_push_whose_intent_was_dropped_sends_again_what_was_removed(
    shell: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    remote = folder(tmp_path / "origin")
    _dead_weights(shell, remote, rng)
    _collect_when_about_to_send(
        monkeypatch, _once(lambda: verb.gc_remote(shell.repository, remote, shell.actor, grace=0, abandoned=0))
    )
    push_main(shell, remote)
    assert not survey(shell.repository, remote, read_data=True).findings


def _once(collect: Callable[[], object]) -> Callable[[], object]:
    left = [collect]
    return lambda: left.pop()() if left else None


def test_what_is_condemned_goes_only_when_it_was_condemned_before(
    shell: Shell, tmp_path: Path, rng: random.Random
) -> None:
    remote = folder(tmp_path / "origin")
    push_and_delete(shell, rng)
    first = verb.gc_remote(shell.repository, remote, shell.actor, grace=0)
    assert not first.removed
    assert first.condemned
    assert first.waiting > 300_000
    assert first.due is not None
    assert first.due.seconds - time.time() < 60
    young = verb.gc_remote(shell.repository, remote, shell.actor, grace=3600)
    assert not young.removed
    assert verb.gc_remote(shell.repository, remote, shell.actor, grace=0).removed


def test_what_is_marked_is_said_with_its_date(shell: Shell, tmp_path: Path, rng: random.Random) -> None:
    """Unreachable packs go a seventh of the grace period after the mark, and a grace period after they were written."""
    remote, day = folder(tmp_path / "origin"), 86_400
    push_and_delete(shell, rng)
    said = shell.ok("gc", "--remote", "origin")
    assert re.search(
        r"^Marked \d packs?, 29\d\.\d KiB: the next `mvc gc --remote origin` after \d{4}-\d\d-\d\d",
        said.out,
        re.MULTILINE,
    )
    again = shell.ok("gc", "--remote", "origin", "--grace", "7h")
    assert re.search(r"the next `mvc gc --remote origin --grace 7h` after .* UTC deletes", again.out)
    now = time.time()
    for path in (*(tmp_path / "origin" / "packs").rglob("*"), *(tmp_path / "origin" / "meta").rglob("*")):
        os.utime(path, (now - 10 * day, now - 10 * day))
    due = shell.ok("gc", "--remote", "origin", "--json").json["due"]
    assert abs(datetime.fromisoformat(due).timestamp() - now - day) < 60  # a day after the first mark
    for path in (tmp_path / "origin" / "gc" / "condemned").iterdir():
        os.utime(path, (now - 2 * day, now - 2 * day))
    assert verb.gc_remote(shell.repository, remote, shell.actor).removed


def test_nothing_is_removed_once_a_name_has_moved(
    shell: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    remote = folder(tmp_path / "origin")
    _dead_weights(shell, remote, rng)
    marked = GcSession.marked

    def late(self: GcSession) -> set[str]:
        entry = remote.refs.move(MAIN, remote.refs.tip(MAIN), None, shell.actor.move("by one whose intent was dropped"))
        assert entry.new is None
        return marked(self)

    monkeypatch.setattr(GcSession, "marked", late)
    assert not verb.gc_remote(shell.repository, remote, shell.actor, grace=0).removed


def test_two_collect_one_after_the_other(shell: Shell, tmp_path: Path) -> None:
    remote = folder(tmp_path / "origin")
    with GcSession(remote.backend, shell.actor.move("gc"), Ages(0, 0)), pytest.raises(errors.RemoteBusy):
        verb.gc_remote(shell.repository, remote, shell.actor, grace=0)


def test_a_killed_push_holds_a_collection_up_until_somebody_says_otherwise(shell: Shell, tmp_path: Path) -> None:
    remote = folder(tmp_path / "origin")
    remote.backend.create("intents/" + "a" * 32, (tmp_path / "origin" / "format").read_bytes())
    with pytest.raises(errors.SomebodySends):
        verb.gc_remote(shell.repository, remote, shell.actor, grace=0)
    verb.gc_remote(shell.repository, remote, shell.actor, grace=0, abandoned=0)


def test_a_collection_of_a_remote_that_lacks_something_removes_nothing(shell: Shell, tmp_path: Path) -> None:
    remote = folder(tmp_path / "origin")
    for path in (tmp_path / "origin" / "meta").iterdir():
        path.unlink()
    before = _files(tmp_path / "origin")
    with pytest.raises(errors.MissingThere):
        verb.gc_remote(shell.repository, remote, shell.actor, grace=0)
    assert _files(tmp_path / "origin") == before


@pytest.mark.parametrize("lost", ["*", "*/heads/main"])
def test_a_collection_of_a_remote_that_lost_names_condemns_nothing(shell: Shell, tmp_path: Path, lost: str) -> None:
    origin = tmp_path / "origin"
    for path in list((origin / "refs").glob(lost)):
        shutil.rmtree(path)
    before = _files(origin)
    for dry_run in (True, False):
        with pytest.raises(errors.RemoteRewritten, match="is gone"):
            verb.gc_remote(shell.repository, folder(origin), shell.actor, grace=0, dry_run=dry_run)
    assert [path for path in _files(origin) if path.parent.name not in ("gc", "intents")] == [
        path for path in before if path.parent.name not in ("gc", "intents")
    ]


@pytest.mark.parametrize("kind", ["file", "sftp"])
def test_what_killed_commands_left_unfinished_goes_when_it_is_old(
    shell: Shell, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    if kind == "sftp":
        server: Sshd = request.getfixturevalue("sshd")
        set_origin(shell, (server.url(tmp_path / "origin"), server.options))
    old, young = time.time() - 2 * UNFINISHED, time.time() - UNFINISHED / 2
    for name, written in {"tmp/a": old, "probe/77/race-0": old, "tmp/b": young, "probe/ok-77": old}.items():
        path = tmp_path / "origin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        os.utime(path, (written, written))
    before = _files(tmp_path / "origin")
    shell.ok("gc", "--remote", "origin", "--grace", "7d")
    assert {*before} <= {*_files(tmp_path / "origin")}, "all that is younger than the grace period stays"
    said = shell.ok("gc", "--remote", "origin", "--grace", "0")
    assert "2 incomplete uploads" in said.out
    gone = {path.relative_to(tmp_path / "origin").as_posix() for path in {*before} - {*_files(tmp_path / "origin")}}
    assert {"tmp/a", "probe/77/race-0"} <= gone
    assert not gone & {"tmp/b", "probe/ok-77"}
    assert shell("fsck", "--remote", "origin", "--read-data").code == 0


def _files(top: Path) -> list[Path]:
    return sorted(path for path in top.rglob("*") if path.is_file())
