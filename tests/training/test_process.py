"""A command under mvc behaves as alone: its end, its streams, its signals, its terminal and its variables."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors
from mvc.training import process
from mvc.training.process import Ending

COMMAND = """
import os, sys
from mvc.training import process
kill, sent = os.kill, []
os.kill = lambda pid, number: (sent.append(number), kill(pid, number))
end = process.call(sys.argv[1:], os.environ)
print(f"{end}, {len(sent)} sent", flush=True)
sys.exit(end.exit_code)
"""
"""A program that runs its arguments as mvc does, and prints how they ended and how many signals it sent on."""


def called(*command: str, **options: object) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", COMMAND, *command]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload, no-any-return]


def waiting(number: signal.Signals) -> str:
    """A Python program that ends with a signal, and prints it."""
    return (
        f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}]); print('ready', flush=True); "
        f"print(signal.sigwait([{int(number)}]).name, flush=True)"
    )


@pytest.mark.parametrize("code", [0, 1, 3, 77, 255])
def test_the_exit_code_is_that_of_the_command(code: int) -> None:
    assert process.call(["sh", "-c", f"exit {code}"], os.environ) == Ending(code)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT])
def test_a_signal_that_ends_the_command_is_known(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a script ignores it
    try:
        _check_signal(number)
    finally:
        signal.signal(signal.SIGINT, before)


def _check_signal(number: signal.Signals) -> None:
    ending = process.call(["sh", "-c", f"ulimit -c 0; kill -{int(number)} $$"], os.environ)
    assert ending == Ending(0, number)
    assert (ending.exit_code, str(ending), ending.failed) == (128 + number, number.name, True)


def test_streams_are_those_of_the_caller() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "sh", "-c", "cat; echo error >&2; exit 4"],
        input="given", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (4, "givenexit code 4, 0 sent\n", "error\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_to_mvc_is_sent_on_to_the_command(number: signal.Signals) -> None:
    child = called(sys.executable, "-c", waiting(number))
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    assert child.communicate()[0] == f"{number.name}\nexit code 0, 1 sent\n"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal: what a person types and reads, and what programs have."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def test_ctrl_c_of_the_terminal_is_not_sent_on_since_the_command_has_it(terminal: tuple[int, int]) -> None:
    person, end = terminal
    program = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        f"os.execv(sys.executable, [sys.executable, '-c', {COMMAND!r}, sys.executable, '-c', {waiting(signal.SIGINT)!r}])"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdin=end, stdout=end, stderr=end)
    read_until(person, b"ready")
    os.write(person, b"\x03")
    assert b"SIGINT\r\nexit code 0, 0 sent" in read_until(person, b"sent")
    assert child.wait() == 0


def read_until(fd: int, text: bytes) -> bytes:
    found = b""
    while text not in found:
        found += os.read(fd, 1000)
    return found


def test_the_command_gets_the_signal_mask_and_handlers_of_a_fresh_program() -> None:
    program = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    child = called(sys.executable, "-c", program)
    assert child.communicate()[0] == "set() True\nexit code 0, 0 sent\n"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process.call(["true"], os.environ)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_script_without_a_first_line_is_run_by_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "train"
    script.write_text("exit 5\n", encoding="ascii")
    script.chmod(0o755)
    assert process.call([str(script)], os.environ) == Ending(5)


def test_what_cannot_be_run_has_the_exit_codes_of_a_shell(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("no program", encoding="ascii")
    for name, kind in (
        ("no-such-program-at-all", errors.CommandNotFound),
        (str(tmp_path / "absent"), errors.CommandNotFound),
        (str(tmp_path / "data.txt"), errors.CommandNotExecutable),
        (str(tmp_path), errors.CommandNotExecutable),
    ):
        with pytest.raises(kind) as caught:
            process.call([name], os.environ)
        shell = subprocess.run(["sh", "-c", '"$0"', name], stderr=subprocess.DEVNULL, check=False).returncode
        assert caught.value.exit_code == shell
