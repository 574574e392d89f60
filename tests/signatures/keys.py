"""SSH keys made by the real ssh-keygen, an agent that holds some, and what a person without mvc does with a record."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mvc.model import canonical
from mvc.storage.records import sealed

SECRET = "a passphrase of the tests"


class Keys:
    """Keys by name in a folder, and files of allowed signers."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder

    def make(self, name: str, kind: str = "ed25519", *, bits: int = 0, passphrase: str = "") -> Path:
        path = self.folder / name
        size = ["-b", str(bits)] if bits else []
        run("ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", name, "-f", str(path))
        return path

    def public(self, name: str) -> str:
        """The type and the key, as a line of allowed signers has them."""
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def allowed(self, *lines: str, name: str = "allowed") -> Path:
        """A file of allowed signers; `ana valid-before="2027"` is the key `ana` with options."""
        path = self.folder / name
        found = []
        for line in lines:
            key, _, options = line.partition(" ")
            found.append(" ".join(part for part in (f"{key}@example.org", options, self.public(key)) if part))
        path.write_text("\n".join(["# who may sign", *found, ""]))
        return path


@contextlib.contextmanager
def agent(folder: Path, monkeypatch: Any) -> Iterator[None]:
    """Run ssh-agent, with its socket in the environment."""
    socket = folder / "agent.sock"
    child = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        child.stdout.readline()  # printed once the socket is there
        with monkeypatch.context() as patch:
            patch.setenv("SSH_AUTH_SOCK", str(socket))
            yield
    finally:
        child.terminate()
        child.communicate()


def add_to_agent(path: Path, passphrase: str) -> None:
    """Add a key to the agent of the environment, by a program that knows its passphrase."""
    askpass = path.parent / "askpass"
    askpass.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    askpass.chmod(0o700)
    run("ssh-add", str(path), SSH_ASKPASS=str(askpass), SSH_ASKPASS_REQUIRE="force")


def run(*words: str, data: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its success."""
    return subprocess.run(words, input=data, capture_output=True, check=True, env={**os.environ, **variables})


def statement(record: Mapping[str, Any], model: str) -> bytes:
    """The bytes that a record is a signature of, as docs/reference/format.md says, without mvc."""
    common = {"kind": "statement", "nonce": record["nonce"], "signer": record["by"], "time": record["at"], "v": 1}
    if record["what"] == "ref":
        move = record["move"]
        parts = {key: move[key] for key in ("entry", "model", "ref", "seq")} | {"new": record["version"]}
    else:
        parts = {"id": record["version"], "model": model}
    whole = {**common, **parts, "what": record["what"]}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def armored(record: Mapping[str, Any], path: Path) -> Path:
    """Write the signature of a record as OpenSSH has it."""
    body = "\n".join(textwrap.wrap(record["signature"], 70))
    path.write_text(f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n")
    return path


def of_armored(text: str) -> str:
    """The base64 of an armored signature."""
    found = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    assert base64.b64encode(base64.b64decode(found)).decode() == found
    return found


def read(path: Path) -> dict[str, Any]:
    """The fields of a record, without its checksum."""
    fields = json.loads(path.read_bytes())
    del fields["sum"]
    return dict(fields)


def write(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a record with a right checksum, as an attacker would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sealed.seal(dict(fields)))
    assert canonical.decode(path.read_bytes())
