"""The program ssh-keygen, which signs and verifies: with keys in files, in ssh-agent, or on a FIDO device.

Messages go through its standard input, and signatures through a pipe, so that no temporary file is written;
keys that the user gives through a pipe are the exception.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.repository.signatures import sshsig
from mvc.repository.signatures.sshsig import SshSignature
from mvc.repository.signatures.trust import Signers

PROGRAM = "ssh-keygen"
_SECONDS = 120
"""Seconds after which a verification is ended. Signing has no limit: it may wait for a passphrase or a touch."""
_NO_SSH_KEY = "Couldn't load public key"
"""What it says of a file that is neither a key of OpenSSH, which has its public key, nor one with a .pub file beside it."""
_PROMPT = "Enter passphrase: "
"""What it writes to stderr, before the answer, where there is no terminal."""
_REPAIRS = {
    "are too open": "Make the file readable for you only, `chmod 600 {key}`",
    "incorrect passphrase": "Type its passphrase in a terminal, or add the key to ssh-agent, `ssh-add {key}`",
    "No private key found for public key": (
        "Add its private key to ssh-agent, `ssh-add FILE` (`ssh-add -l` lists the keys there), or name the file of that"
    ),
}
"""The next step by what it says; else `_REPAIR`."""
_REPAIR = "Check the file and its passphrase, and that ssh-agent has the key (`ssh-add -l`)"
_OLD = (
    "unknown option",
    "illegal option",
    "Unsupported operation for -Y",
    "Unsupported verify option",
    "Invalid option",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature with the namespace, the message and the time, in seconds since 1970, that it has to be of."""

    signature: SshSignature
    namespace: str
    message: bytes
    seconds: int


class Verified(NamedTuple):
    """The answer of a verification: whether the signature is valid, and otherwise the reason."""

    ok: bool
    reason: str


def sign(key: Path, namespace: str, message: bytes) -> SshSignature:
    """Sign a message with the key in a file, or with that of a `.pub` file by ssh-agent.

    Raises SigningFailed, NotSshKey, NoSshKeygen.
    """
    done = _run(["-Y", "sign", "-n", namespace, "-f", os.fspath(key)], message, seconds=None)
    if done.code != 0 and _NO_SSH_KEY in done.messages:
        raise errors.NotSshKey(key=key)
    if done.code != 0:
        raise _failed(key, done.messages)
    try:
        made = sshsig.of_armored(done.output)
    except ValueError as error:
        raise _failed(key, f"{PROGRAM} returned no signature: {error}") from error
    if made.namespace != namespace:
        raise _failed(key, f"{PROGRAM} signed for another namespace")
    return made


def matches(claim: Claim) -> bool:
    """Return whether the signature is one of the message, by the key in it. Raises NoSshKeygen."""
    return _run(["-Y", "check-novalidate", "-n", claim.namespace], claim.message, claim.signature).code == 0


def principals(signers: Signers, claim: Claim) -> list[str]:
    """Return the names that the allowed signers have for the key at that time. Raises NoSshKeygen."""
    with _files(signers) as (allowed, _):
        done = _run(["-Y", "find-principals", *allowed, _at(claim)], b"", claim.signature)
    return [line for line in done.output.splitlines() if line] if done.code == 0 else []


def verify(signers: Signers, principal: str, claim: Claim) -> Verified:
    """Return whether the allowed signers trust the signature, by `principal` at that time. Raises NoSshKeygen."""
    with _files(signers) as (allowed, revoked):
        arguments = ["-Y", "verify", *allowed, "-I", principal, "-n", claim.namespace, _at(claim), *revoked]
        done = _run(arguments, claim.message, claim.signature)
    path = os.fspath(signers.allowed.path) if signers.allowed is not None else allowed[-1]
    return Verified(done.code == 0, _last(done.messages).replace(allowed[-1], path))


class _Done(NamedTuple):
    code: int
    output: str
    messages: str


@contextlib.contextmanager
def _files(signers: Signers) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the options for the allowed and the revoked keys."""
    with contextlib.ExitStack() as stack:
        allowed = stack.enter_context(signers.allowed.on_disk()) if signers.allowed is not None else os.devnull
        revoked = ["-r", stack.enter_context(signers.revoked.on_disk())] if signers.revoked is not None else []
        yield ["-f", allowed], revoked


def _at(claim: Claim) -> str:
    """Return the option for the time of a verification: as the dates of allowed signers, it is local time."""
    moment = datetime.fromtimestamp(claim.seconds, UTC).astimezone()
    return f"-Overify-time={moment:%Y%m%d%H%M%S}"


def _run(
    arguments: list[str], message: bytes, signature: SshSignature | None = None, *, seconds: float | None = _SECONDS
) -> _Done:
    """Run the program; `signature` is its argument `-s`. Raises NoSshKeygen."""
    with contextlib.ExitStack() as stack:
        pipe: list[int] = []
        if signature is not None:
            pipe = [stack.enter_context(_pipe(signature.armored))]
            arguments = [*arguments, "-s", f"/dev/fd/{pipe[0]}"]
        try:
            done = subprocess.run(
                [PROGRAM, *arguments],
                input=message,
                capture_output=True,
                pass_fds=pipe,
                timeout=seconds,
                check=False,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise errors.NoSshKeygen(reason=reason) from error
    messages = os.fsdecode(done.stderr)
    if done.returncode != 0 and any(word in messages for word in _OLD):
        raise errors.NoSshKeygen(reason=f"this version is too old: {_last(messages)}")
    return _Done(done.returncode, os.fsdecode(done.stdout), messages)


@contextlib.contextmanager
def _pipe(data: bytes) -> Iterator[int]:
    """Yield the number of a pipe that has `data`. Raises NoSshKeygen if it does not fit."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with os.fdopen(writing, "wb", buffering=0) as sink:
            if sink.write(data) != len(data):
                raise errors.NoSshKeygen(reason="the signature does not fit into a pipe")
        yield reading
    finally:
        os.close(reading)


def _failed(key: Path, messages: str) -> errors.SigningFailed:
    """Return the error for a key that did not sign, with the line of ssh-keygen that says why, and the next step."""
    lines = [line.strip().removeprefix(_PROMPT) for line in messages.splitlines()]
    for words, fix in _REPAIRS.items():
        if reason := next((line for line in lines if words in line), None):
            fix = fix.format(key=shlex.quote(os.fspath(key)))
            return errors.SigningFailed(key=key, reason=reason.rstrip("."), fix=fix)
    return errors.SigningFailed(key=key, reason=_last(messages), fix=_REPAIR)


def _last(messages: str) -> str:
    """Return the last message that says why."""
    lines = [line.strip() for line in messages.splitlines() if line.strip() and "No principal matched" not in line]
    return lines[-1].rstrip(".") if lines else f"{PROGRAM} gave no reason"
