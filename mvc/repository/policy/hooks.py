"""Hooks: programs of the user's own settings that are asked before a version, a move or a push, or run after a move.

    hooks.pre-commit = ["/home/ana/bin/check", "--strict"]

    policy ─► hook (JSON on stdin) ─ exit 0 ─► the move
                                   └ otherwise, or after hooks.timeout ─► HookRefused, and nothing was moved

No repository names a hook: one that comes from elsewhere would run its author's program. For the same reason a hook runs in
the folder of the user's settings, and its program is an absolute path, or found in an absolute folder of PATH.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from mvc import errors
from mvc.model.ids import VersionId
from mvc.storage.records.config import HOOK_TIMEOUT, HOOKS, command_of
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository.parts import Parts
    from mvc.repository.policy.candidate import Candidate

PRE_COMMIT, PRE_MOVE, PRE_PUSH, POST_MOVE = HOOKS
TIMEOUT = 60.0
"""Seconds that a hook may run by default."""
RUNNING = "MVC_HOOK"
"""The environment variable with the name of the hook, for the program; a `mvc` in it asks no hooks."""
SCHEMA = "mvc.hook/1"
_NOTHING = "it printed nothing on stderr"
KINDS = (HEADS, TAGS, ALIASES)
_SHOWN = 4096
"""Bytes of a hook's stderr that are shown, the first ones."""


class MovedRef(NamedTuple):
    """A move of a ref, as hooks read it: from version `old` to `new`, None for none, or for one that is not made yet.

    `seq` is the number of its entry, `remote` where it is, None for here.
    """

    ref: RefName
    seq: int
    old: VersionId | None
    new: VersionId | None
    is_deleted: bool
    reason: str
    remote: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the object in the document of a hook."""
        return {
            "model": self.ref.model,
            "ref": self.ref.text,
            "seq": self.seq,
            "old": self.old,
            "new": self.new,
            "deleted": self.is_deleted,
            "reason": self.reason,
            "remote": self.remote,
        }


class Hooks:
    """The hooks of the user, for one repository."""

    def __init__(self, repository: Parts) -> None:
        """Read them from the settings when they are asked."""
        self._repository = repository

    def has(self, *names: str) -> bool:
        """Return whether one of these hooks is to be asked. Raises BadSetting."""
        return any(self._command(name) for name in names)

    def commit(
        self, model: str, branch: str, candidate: Candidate, tags: Sequence[str], aliases: Sequence[str]
    ) -> None:
        """Ask pre-commit whether a version may be made. Raises HookRefused, BadSetting."""
        if self.has(PRE_COMMIT):
            files = [
                {"role": entry.role, "path": entry.path, "size": entry.size, "file": entry.file or None}
                for entry in candidate.tree.entries
            ]
            about = {"model": model, "branch": branch, "parents": candidate.parents, "tags": tags, "aliases": aliases}
            self._ask(PRE_COMMIT, {**about, "files": files}, f"a new version of {model}")

    def move(self, moves: Sequence[MovedRef]) -> None:
        """Ask pre-move whether refs may move, once for each move of a command. Raises HookRefused, BadSetting."""
        passed = self._repository.hooks_passed
        asked = [each for each in moves if each not in passed]
        if asked and self.has(PRE_MOVE):
            self._ask(PRE_MOVE, {"moves": [each.to_json() for each in asked]}, _named(asked))
            passed.update(asked)

    def push(self, remote: str, model: str, moves: Sequence[MovedRef], versions: Sequence[VersionId]) -> None:
        """Ask pre-push whether versions may be sent, and refs of a remote moved, once for the same push. Raises HookRefused, BadSetting."""
        asked = (remote, model, *moves, *versions)
        if asked not in self._repository.hooks_passed and self.has(PRE_PUSH):
            listed = [each.to_json() for each in moves]
            about = {"remote": remote, "model": model, "moves": listed, "versions": list(versions)}
            self._ask(PRE_PUSH, about, f"a push to {remote}")
            self._repository.hooks_passed.add(asked)

    def moved(self, entries: Iterable[tuple[RefName, RefEntry, str | None]]) -> str | None:
        """Run post-move for refs that moved; return what went wrong, None for nothing. Refuses nothing."""
        moves = [
            MovedRef(ref, entry.seq, entry.old, entry.new, entry.new is None, entry.move.reason, remote)
            for ref, entry, remote in entries
            if ref.kind in KINDS
        ]
        try:
            if moves and self.has(POST_MOVE):
                self._run(POST_MOVE, {"moves": [each.to_json() for each in moves]})
        except errors.BadSetting as error:
            return error.message
        except _FailedError as error:
            return f"the hook {POST_MOVE} {error.reason}: {' '.join(error.lines) or _NOTHING}"
        return None

    # --- inside

    def _ask(self, name: str, about: Mapping[str, Any], what: str) -> None:
        """Run a hook; raise HookRefused unless it passes."""
        try:
            self._run(name, about)
        except _FailedError as error:
            output = "\n".join(f"    {line}" for line in error.lines or [_NOTHING])
            raise errors.HookRefused(hook=name, what=what, reason=error.reason, output=output) from None

    def _command(self, name: str) -> list[str]:
        """Return the program of a hook with its arguments, [] for none. Raises BadSetting."""
        if self._repository.no_verify:
            return []
        key = f"hooks.{name}"
        value = self._repository.config.get(key)
        return [] if value is None else list(command_of(key, value))

    def _run(self, name: str, about: Mapping[str, Any]) -> None:
        """Run a hook to its end. Raises _FailedError unless it exits with 0 in time."""
        command = self._command(name)
        program = _program(command[0])
        document = {"schema": SCHEMA, "hook": name, "repository": os.path.abspath(self._repository.root), **about}
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(json.dumps(document).encode())
            given.seek(0)
            try:
                self._wait([program, *command[1:]], name, given, said)
            except _FailedError as error:
                said.seek(0)
                error.lines = _lines(said.read(_SHOWN + 1))
                raise

    def _wait(self, command: Sequence[str], name: str, given: IO[bytes], said: IO[bytes]) -> None:
        limit = self._repository.config.get(HOOK_TIMEOUT)
        seconds = TIMEOUT if limit is None else float(limit) or None
        try:
            process = subprocess.Popen(
                command,
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=self._folder(),
                env={**os.environ, RUNNING: name},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _FailedError(f"cannot be run ({getattr(error, 'strerror', None) or error})") from None
        try:
            code = process.wait(seconds)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _FailedError(f"did not end within {seconds:g} seconds") from None
            raise
        if code:
            raise _FailedError(f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}")

    def _folder(self) -> Path | None:
        """Return the folder that hooks run in: that of the user's settings, which have them."""
        own = self._repository.user_config
        return Path(os.path.realpath(own)).parent if own is not None else None


class _FailedError(Exception):
    """A hook did not pass; `reason` is a clause, `lines` are what it wrote to stderr."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lines: list[str] = []


def _program(text: str) -> str:
    """Return the absolute path of a program. Raises _FailedError for a relative one, and for none."""
    folders = [] if os.sep in text else os.environ.get("PATH", os.defpath).split(os.pathsep)
    paths = [text, *(os.path.join(folder, text) for folder in folders)]
    for path in filter(os.path.isabs, paths):
        if path == text or (os.path.isfile(path) and os.access(path, os.X_OK)):
            return path
    raise _FailedError(f"cannot be run ({text} is neither an absolute path nor in an absolute folder of PATH)")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a hook with the programs that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()
    process.wait()


def _lines(data: bytes) -> list[str]:
    """Return what a hook wrote as lines, the first ones."""
    lines = data[:_SHOWN].decode("utf-8", "replace").strip().splitlines()
    return [*lines, "..."] if len(data) > _SHOWN else lines


def _named(moves: Sequence[MovedRef]) -> str:
    named = {f"{each.ref.text} of {each.ref.model}{f' on {each.remote}' if each.remote else ''}" for each in moves}
    return f"the move of {' and '.join(sorted(named))}"
