"""The commands of `mvc remote policy --print unix`, run on a real folder behind a real sshd with two real users."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell
from tests.conftest import absent
from tests.remotes.clones import ana, clone, set_origin
from tests.servers.sshd import Sshd, serve

PROD = "refs/helmets/aliases/prod"


@dataclass(frozen=True)
class Server:
    """A folder on a server: `a` is in both groups, `b` only pushes."""

    sshd: Sshd
    place: Path
    users: dict[str, str]
    pushers: str
    role: str

    def at(self, who: str) -> tuple[str, dict[str, str]]:
        return f"sftp://{self.users[who]}@127.0.0.1:{self.sshd.port}{self.place}", self.sshd.options

    def run(self, who: str, command: str) -> int:
        """Run a shell command on the server in the remote's folder, as a user with a shell there would."""
        user = pwd.getpwnam(self.users[who])
        groups = os.getgrouplist(user.pw_name, user.pw_gid)
        return subprocess.run(
            ["sh", "-c", command], cwd=self.place, user=user.pw_uid, group=user.pw_gid, extra_groups=groups,
            stderr=subprocess.DEVNULL, check=False,
        ).returncode  # fmt: skip


@pytest.fixture
def server(requires: Callable[[str], str]) -> Iterator[Server]:
    if os.geteuid() != 0:
        pytest.skip("only root makes users")
    program = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or requires("sshd")
    if not (shutil.which("useradd") and shutil.which("groupadd")):
        absent("useradd is not installed")
    names = {name: f"mvct{os.getpid()}{name}" for name in ("a", "b", "pushers", "role")}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))  # users can reach it
        folder.chmod(0o755)
        for name in ("pushers", "role"):
            subprocess.run(["groupadd", names[name]], check=True)
            stack.callback(subprocess.run, ["groupdel", names[name]], check=True)
        for name, groups in (("a", "pushers role"), ("b", "pushers")):
            listed = ",".join(names[each] for each in groups.split())
            subprocess.run(["useradd", "-M", "-g", "nogroup", "-G", listed, "-p", "*", names[name]], check=True)
            stack.callback(subprocess.run, ["userdel", "-f", names[name]], check=True, stderr=subprocess.DEVNULL)
        sshd = stack.enter_context(serve(program, folder, "internal-sftp -u 0022"))
        yield Server(sshd, folder / "place", names, names["pushers"], names["role"])


def lock(shell: Shell, server: Server) -> subprocess.CompletedProcess[str]:
    """Print the commands, and run them as root."""
    groups = ["--role", server.role, "--pusher", server.pushers]
    printed = shell.ok("remote", "policy", "origin", "--print", "unix", "--protect", "alias:prod", *groups)
    assert printed.err == ""
    return subprocess.run(["sh", "-s"], input=printed.out, text=True, capture_output=True, check=False)


def state(folder: Path) -> dict[str, tuple[Any, ...]]:
    """The owner, group, mode and bytes of everything below a folder."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_uid, status.st_gid, status.st_mode, content)
    return found


def test_two_users_of_a_server(server: Server, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    hers, weights = ana(tmp_path, monkeypatch, rng)
    set_origin(hers, server.at("a"))
    assert lock(hers, server).returncode == 0
    hers.ok("push")
    assert lock(hers, server).returncode == 0  # again, as the model is new
    hers.ok("alias", "set", "prod", "v1")
    hers.ok("push", "origin", "prod")
    os.chown(server.place / PROD / "0000000001", pwd.getpwnam(server.users["b"]).pw_uid, -1)  # as of before the lock
    assert lock(hers, server).returncode == 0
    before = state(server.place / PROD)

    his = clone(tmp_path, monkeypatch, "ben", place=server.at("b"))
    his.set(parameters__epochs=2)
    his.commit("his")
    his.ok("push")  # into folders that she made
    his.ok("alias", "set", "prod", "HEAD")
    said = his("push", "origin", "prod")
    assert said.code == 12, said
    assert "does not let you move" in said.err
    assert his("push", "origin", "main:prod").code == 13  # mvc refuses it by itself: the name is an alias there
    his.ok("alias", "set", "other", "HEAD")
    his.ok("push", "origin", "other")
    his.ok("branch", "night")
    his.ok("push", "origin", "night")
    assert state(server.place / PROD) == before
    assert not list((server.place / "refs/helmets/heads/prod").iterdir())

    hers.ok("pull")
    hers.ok("alias", "set", "prod", "HEAD")
    hers.ok("push", "origin", "prod")
    weights.train()
    hers.commit("hers")
    hers.ok("push")
    hers.ok("push", "origin", "main:night")
    hers.ok("fsck", "--remote", "origin")
    assert len(list((server.place / PROD).iterdir())) == 2
    _files_resist(server)
    _links_lead_nowhere(hers, server, tmp_path)


def test_folders_that_root_made_before_are_given_to_those_who_push(
    server: Server, tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    hers, _ = ana(tmp_path, monkeypatch, rng)
    before = os.umask(0o022)
    try:
        set_origin(hers, (str(server.place), {}))
        hers.ok("notes", "add", "-m", "from root")
        hers.ok("push")
        hers.ok("alias", "set", "prod", "v1")
        hers.ok("push", "origin", "prod")
    finally:
        os.umask(before)
    assert lock(hers, server).returncode == 0
    resisting = state(server.place / PROD)

    his = clone(tmp_path, monkeypatch, "ben", place=server.at("b"))
    his.ok("notes", "append", "-m", "from ben")  # in the folder of the version's notes
    his.set(parameters__epochs=2)
    his.commit("his")
    his.ok("push")
    his.ok("alias", "set", "prod", "HEAD")
    assert his("push", "origin", "prod").code == 12
    assert state(server.place / PROD) == resisting
    assert len(list((server.place / "refs/helmets/heads/main").iterdir())) == 2
    assert [len(list(log.iterdir())) for log in (server.place / "refs/helmets/remarks").iterdir()] == [2]
    assert server.run("b", f"touch {PROD}/0000000003") != 0


def _files_resist(server: Server) -> None:
    """With a shell on the server, b cannot change a move, nor put another folder in the place of one above it."""
    before = state(server.place / PROD)
    for command in (
        f"echo x > {PROD}/0000000003",
        f"echo x > {PROD}/0000000002",
        f"chmod u+w {PROD}/0000000001",
        f"rm -f {PROD}/0000000002",
        f"chmod u+w {PROD}/0000000002",
        f"ln -s /etc/passwd {PROD}/0000000003",
        f"mv {PROD} {PROD}-old",
        "mv refs/helmets/aliases refs/helmets/old",
        "mv refs/helmets refs/old",
        "mv refs old",
        "rm -rf refs/helmets/tags && test ! -e refs/helmets/tags",
    ):
        assert server.run("b", command) != 0, command
    assert state(server.place / PROD) == before
    own = grp.getgrnam(server.role).gr_gid
    assert (before[str(server.place / PROD)][:2], before[str(server.place / PROD)][2] & 0o7777) == ((0, own), 0o3775)
    assert server.run("b", "touch refs/helmets/heads/mine && rm refs/helmets/heads/mine") == 0


def _links_lead_nowhere(hers: Shell, server: Server, tmp_path: Path) -> None:
    """The commands are run by root in folders that others write to: a link of b does not lead them elsewhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    before = state(outside)
    assert server.run("b", f"ln -s {outside} refs/model") == 0
    done = lock(hers, server)
    assert (done.returncode, "is a link; nothing was changed there" in done.stderr) == (1, True), done
    assert state(outside) == before
