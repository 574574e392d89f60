"""A command that runs as if mvc were not there: its streams, its terminal, its signals and its end are its own.

    signal ─┬─ from the terminal, which the command has, too ─► nothing: the command got it already
            └─ from a process (`kill`, a scheduler) ─► sent on to the command
    end of the command ─► its exit code, or the signal that ended it

The signals are blocked while mvc waits, and taken one by one; a thread waits for the end of the command.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from shutil import which

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.paths import escape_name

PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that end or instruct a program."""
_BY_TERMINAL = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_RESET = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that Python ignores, and programs do not expect to be ignored."""
_SHELL = "/bin/sh"
EXAMPLE = "mvc run -- python train.py"
"""A command that can run, for hints."""
_INTERVAL = 1.0
"""Seconds between two looks at what happens beside the command."""
SIGNALLED = 128
"""What a shell adds to the number of a signal."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: with the exit code `code`, or by `signal`; `heard` is the first signal that mvc got meanwhile."""

    code: int
    signal: int | None = None
    heard: int | None = None

    @property
    def failed(self) -> bool:
        """True unless it ended with 0."""
        return self.exit_code != 0

    @property
    def exit_code(self) -> int:
        """The exit code that a shell shows."""
        return self.code if self.signal is None else SIGNALLED + self.signal

    def __str__(self) -> str:
        if self.signal is None:
            return f"exit code {self.code}"
        try:
            return signal.Signals(self.signal).name
        except ValueError:  # a real-time signal
            return f"signal {self.signal}"


def call(
    command: Sequence[str],
    variables: Mapping[str, str],
    meanwhile: Callable[[], object] | None = None,
    *,
    example: str = EXAMPLE,
) -> Ending:
    """Run a command to its end, in the current folder, and `meanwhile` every second, in a thread.

    Raises CommandNotFound, CommandNotExecutable, before it begins; their hints say `example`.
    """
    with _blocked() as before:
        child = _spawn(command, variables, before, example)
        statuses: list[int] = []
        heard: list[int] = []
        waiter = threading.Thread(target=_wait, args=(child, statuses, threading.get_ident()), daemon=True)
        waiter.start()
        with _repeated(meanwhile):
            while not statuses:
                number, is_of_terminal = _next()
                heard += (number,) if number != signal.SIGCHLD else ()
                if number != signal.SIGCHLD and not is_of_terminal and not statuses:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, number)
        waiter.join()
        heard += sorted(signal.sigpending() & set(PASSED_ON))  # those that came with the end of the command
        return replace(_ending(statuses[0]), heard=next(iter(heard), None))


def _wait(child: int, statuses: list[int], thread: int) -> None:
    """Wait for the end of the command; then wake `thread`."""
    statuses.append(os.waitpid(child, 0)[1])
    signal.pthread_kill(thread, signal.SIGCHLD)


@contextlib.contextmanager
def _repeated(action: Callable[[], object] | None) -> Iterator[None]:
    """Call `action` every second, in a thread, while the block runs."""
    ended = threading.Event()

    def repeat() -> None:
        while action is not None and not ended.wait(_INTERVAL):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def has_own_python(name: str) -> bool:
    """Return whether a program is beside the Python that runs mvc, whose packages it then has."""
    found = which(name)
    return found is not None and os.path.dirname(os.path.abspath(found)) == os.path.dirname(sys.executable)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block at the first signal that ends programs; others are ignored then."""

    def interrupt(_: int, __: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in ending if signal.getsignal(number) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _blocked() -> Iterator[set[int]]:
    """Block the signals that are waited for; the block gets the mask of before."""
    children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored by a parent: no end of a child would be known
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*PASSED_ON, signal.SIGCHLD))
    try:
        yield set(before)
    finally:
        while signal.sigpending() & set(PASSED_ON):  # a second Ctrl-C, meant for the command
            signal.sigwait(PASSED_ON)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, children)


def _next() -> tuple[int, bool]:
    """Wait for a signal; return its number, and True if the terminal sent it to the command as well."""
    awaited = (*PASSED_ON, signal.SIGCHLD)
    if sys.platform == "linux":
        found = signal.sigwaitinfo(awaited)
        return found.si_signo, found.si_code > 0  # SI_KERNEL; kill() has SI_USER, 0
    number = signal.sigwait(awaited)
    return number, number in _BY_TERMINAL and _has_terminal()


def _has_terminal() -> bool:
    """Return whether this process is in the foreground of a terminal."""
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False


def _spawn(command: Sequence[str], variables: Mapping[str, str], mask: set[int], example: str) -> int:
    """Start the program; return its process id."""
    path = _program(command[0], variables, example)
    for program, arguments in ((path, [*command]), (_SHELL, [_SHELL, path, *command[1:]])):
        try:
            return os.posix_spawn(program, arguments, variables, setsigmask=mask, setsigdef=_RESET)
        except OSError as error:
            if error.errno != errno.ENOEXEC or program == _SHELL:  # a script without `#!` is one of the shell's
                raise _refusal(command[0], error, example) from error
    raise AssertionError


def _program(name: str, variables: Mapping[str, str], example: str) -> str:
    """Return the path of a program, found as a shell finds it. Raises CommandNotFound."""
    if "/" in name:
        return name
    found = which(name, path=variables.get("PATH", os.defpath))
    if found is None:
        reason = "no program on PATH has this name"
        raise errors.CommandNotFound(name=escape_name(name), reason=reason, example=example)
    return found


def _refusal(name: str, error: OSError, example: str) -> errors.MvcError:
    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    kind = errors.CommandNotFound if is_missing else errors.CommandNotExecutable
    return kind(name=escape_name(name), reason=error.strerror or str(error), example=example)


def _ending(status: int) -> Ending:
    if os.WIFSIGNALED(status):
        return Ending(0, os.WTERMSIG(status))
    return Ending(os.WEXITSTATUS(status))
