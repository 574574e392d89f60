"""A real sshd on 127.0.0.1: a port, a host key and a user key of its own, and only SFTP."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
MaxSessions 100
Subsystem sftp {sftp}
"""


@dataclass(frozen=True)
class Sshd:
    port: int
    folder: Path

    @property
    def options(self) -> dict[str, str]:
        return {"key-file": str(self.folder / "user"), "known-hosts": str(self.folder / "known_hosts")}

    @property
    def host(self) -> str:
        """As known_hosts names it."""
        return f"[127.0.0.1]:{self.port}"

    def url(self, path: Path) -> str:
        return f"sftp://{getpass.getuser() if os.getuid() else 'root'}@127.0.0.1:{self.port}{path}"


@contextlib.contextmanager
def serve(program: str, folder: Path, sftp: str = "internal-sftp") -> Iterator[Sshd]:
    """Run sshd with all it needs in `folder`, and stop it; `sftp` is the command that serves SFTP."""
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd of root insists to lock itself in
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    server = Sshd(_free_port(), folder)
    (folder / "config").write_text(CONFIG.format(port=server.port, folder=folder, sftp=sftp))
    (folder / "known_hosts").write_text(f"{server.host} {(folder / 'host.pub').read_text()}")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stderr=log) as process,
    ):
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(server: Sshd, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError((server.folder / "log").read_text())
