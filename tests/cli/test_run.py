"""One run of the program, as its caller sees it: exit codes, streams, signals, completion, what is loaded."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors, lazy
from mvc.cli import status
from mvc.cli.app import failure
from mvc.cli.app.main import VERBS
from tests.cli.conftest import History
from tests.cli.shell import Shell

MVC = (sys.executable, "-m", "mvc")
SOURCE = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
HEAVY = {"numpy", "git", "fsspec", "tomlkit", "tomli_w", "sqlite3", "pathspec", "pyfastcdc", "backports", "subprocess"}
HEAVY |= {"requests", "picsellia"}
"""What no verb may load before it needs it."""
UNUSED = {
    "click.shell_completion",
    "mvc.spans",
    *(f"mvc.{name}" for name in ("model.compare.text", "model.compare.moves", "repository.compare.texts")),
    *(f"mvc.repository.{name}" for name in ("operations.recorder", "retention.completeness", "stash.stashed")),
    *(f"mvc.repository.{name}" for name in ("record.stale_metrics", "worktree.value_reader", "query.cached")),
    *(
        f"mvc.storage.records.{name}"
        for name in ("operations", "stashes", "annotations.remarks", "annotations.evaluations", "expired")
    ),
}
"""Parts that neither a clean `status` nor a plain `log` uses."""


def process(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`mvc ARGUMENTS` in a process of its own."""
    return subprocess.run(
        [*MVC, *arguments], cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def redirected(folder: Path, command: str) -> tuple[int, str]:
    """The exit code of `mvc` as a shell runs it with a redirection, and what it said on stderr."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m mvc {command}', sys.executable],
        cwd=folder,
        stderr=-1,
        stdin=-3,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


# --- what is loaded


def loaded(folder: Path, *arguments: str) -> set[str]:
    code = f"import sys; from mvc.cli.app.main import run; run({list(arguments)!r}); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_version_loads_nothing_but_itself(tmp_path: Path) -> None:
    found = loaded(tmp_path, "--version")
    assert {name for name in found if name.startswith("mvc")} == {
        *("mvc", "mvc.lazy", "mvc.cli", "mvc.cli.app", "mvc.cli.app.main", "mvc.cli.app.stop")
    }
    assert not found & (HEAVY | {"click", "blake3", "json", "tomllib", "importlib.metadata"})


def test_help_loads_no_verb(tmp_path: Path) -> None:
    found = loaded(tmp_path, "--help")
    assert not found & (HEAVY | {f"mvc.cli.{module}" for module, _ in VERBS.values()})


@pytest.mark.parametrize("arguments", [("status",), ("log",), ("branch",), ("tag",)])
def test_reading_verbs_load_no_heavy_library(shell: Shell, history: History, arguments: tuple[str, ...]) -> None:
    assert not loaded(shell.folder, *arguments) & HEAVY


def test_status_loads_neither_pathspec_nor_what_merges_and_shows_progress(shell: Shell, history: History) -> None:
    found = loaded(shell.folder, "status")
    assert "mvc.porcelain.status" in found
    assert not found & {"pathspec", "difflib", "shutil", "mvc.model.merge.merge", "mvc.cli.app.progress"}


@pytest.mark.parametrize("arguments", [("status",), ("log", "--oneline", "-n", "20")])
def test_plain_verbs_load_no_part_that_they_do_not_use(
    shell: Shell, history: History, arguments: tuple[str, ...]
) -> None:
    used = {"mvc.repository.worktree.value_reader"} if arguments[0] == "status" else set()  # it reads model.toml
    assert not (loaded(shell.folder, *arguments) & UNUSED) - used


def test_status_loads_no_reader_of_packs_when_all_objects_are_loose(shell: Shell, history: History) -> None:
    assert "mvc.storage.packs.metapacks" not in loaded(shell.folder, "status")


@pytest.mark.parametrize("arguments", [("status",), ("log", "-n", "20"), ("show",), ("tag",)])
def test_errors_load_when_one_is_raised(shell: Shell, history: History, arguments: tuple[str, ...]) -> None:
    found = {name for name in loaded(shell.folder, *arguments) if name.startswith("mvc.errors.")}
    assert found == {"mvc.errors.base"}


# --- streams


@pytest.mark.parametrize("command", ["--version", "--help", "log", "log --help", "log --json"])
def test_a_reader_that_went_away_is_told_silently(shell: Shell, history: History, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*MVC, *command.split()], cwd=shell.folder, stdout=writer, stderr=-1, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["--version", "--help", "log"])
def test_an_output_without_room_is_an_error(shell: Shell, history: History, command: str) -> None:
    assert redirected(shell.folder, f"{command} >/dev/full") == (128, "mvc: No space left on device\n")


@pytest.mark.parametrize(
    ("command", "code"),
    [("--version >&-", 0), ("log >&-", 0), ("log --nosuch 2>&-", 2), ("commit -m x <&- >&- 2>&-", 1)],
)
def test_a_closed_stream_leads_nowhere(shell: Shell, history: History, command: str, code: int) -> None:
    assert redirected(shell.folder, command) == (code, "")
    shell.ok("fsck")


def test_an_error_that_nobody_can_read_keeps_its_code(shell: Shell) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*MVC, "nosuch"], cwd=shell.folder, stderr=writer, stdout=-1, check=False)
    os.close(writer)
    assert done.returncode == 2


# --- signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_by_its_code(shell: Shell, number: signal.Signals, code: int) -> None:
    pipe = shell.folder / "message"
    os.mkfifo(pipe)
    with (
        _heard(number),
        subprocess.Popen([*MVC, "commit", "-F", "message"], cwd=shell.folder, stdout=-1, stderr=-1) as running,
        open(pipe, "wb"),  # is open only when the run reads from it
    ):
        running.send_signal(number)
        out, err = running.communicate()
    assert (running.returncode, out, err) == (code, b"", b"mvc: stopping\n")


@pytest.mark.parametrize(("signals", "grace"), [(1, "0.1"), (2, "1000")])
def test_a_run_that_does_not_unwind_ends_soon_or_at_the_second_signal(signals: int, grace: str) -> None:
    code = f"""
import threading
from mvc.cli.app import stop
stop.GRACE = {grace}
ever = threading.Event()
with stop.on_signals([]):
    try:
        print("ready", flush=True)
        ever.wait()
    finally:
        print("unwinding", flush=True)
        while True:
            try:
                ever.wait()
            finally:
                continue
"""
    with (
        _heard(signal.SIGINT),
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stdout=-1, stderr=-1, env=SOURCE) as running,
    ):
        assert running.stdout is not None
        for line in (b"ready\n", b"unwinding\n")[:signals]:
            assert running.stdout.readline() == line
            running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, b"mvc: stopping\n")


def test_json_on_stderr_gets_no_other_line(shell: Shell) -> None:
    pipe = shell.folder / "message"
    os.mkfifo(pipe)
    command = [*MVC, "commit", "--json", "-F", "message"]
    with (
        _heard(signal.SIGINT),
        subprocess.Popen(command, cwd=shell.folder, stdout=-1, stderr=-1) as running,
        open(pipe, "wb"),
    ):
        running.send_signal(signal.SIGINT)
        assert running.communicate() == (b"", b"")
    assert running.returncode == 130


@contextlib.contextmanager
def _heard(number: signal.Signals) -> Iterator[None]:
    """Have programs that are started meanwhile not ignore a signal, as they do where the tests run in the background."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


# --- errors


def test_an_error_of_mvc_itself_is_one_line_and_asks_to_be_reported(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by \x1b[31mnought")

    monkeypatch.setattr(status, "status", broken)
    said = shell("status")
    assert said.code == 128
    assert said.err.startswith("mvc: internal error: ZeroDivisionError: by \\x1b[31mnought\n")
    assert "report" in said.err
    assert "Traceback" not in said.err
    monkeypatch.setenv("MVC_TRACE", "1")
    assert "Traceback" in shell("status").err


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (PermissionError(13, "Permission denied", "x"), 12, "denied"),
        (OSError(28, "No space left on device"), 128, "system"),
        (MemoryError(), 128, "memory"),
        (errors.EmptyMessage(), 2, "empty-message"),
    ],
)
def test_what_an_error_becomes(error: Exception, code: int, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert failure.report(error, ["--json"]) == code
    assert f'"kind": "{kind}"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("comit",), "'commit'"),
        (("--jsno", "status"), "--json"),
        (("status", "--exitcode"), "--exit-code"),
        (("alias", "rolback", "x"), "'alias rollback'"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(shell: Shell, arguments: tuple[str, ...], meant: str) -> None:
    said = shell(*arguments)
    assert said.code == 2
    assert f"Did you mean {meant}?" in said.err
    assert "--help` for usage." in said.err


def test_without_a_verb_there_is_help(shell: Shell) -> None:
    said = shell()
    assert said.code == 2
    assert "mvc init --model NAME" in said.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(shell: Shell, verb: str) -> None:
    assert f"Usage: mvc {verb}" in shell.ok(verb, "--help").out
    assert shell.ok(verb, "-h").out == shell.ok(verb, "--help").out


@pytest.mark.parametrize(
    "arguments",
    [("add", ""), ("init", ""), ("switch", ""), ("get", ""), ("show", ""), ("rm", ""), ("restore", "a", "")],
)
def test_an_empty_argument_stands_for_nothing(shell: Shell, history: History, arguments: tuple[str, ...]) -> None:
    before = (shell.folder / "model.toml").read_bytes()
    said = shell(*arguments)
    assert said.code == 2
    assert "is a shell variable unset?" in said.err
    assert (shell.folder / "model.toml").read_bytes() == before
    assert shell.ok("branch", "--show-current").lines == ["main"]


# --- completion


def complete(folder: Path, words: str) -> list[str]:
    done = process(folder, _MVC_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    assert (done.returncode, done.stderr) == (0, "")
    return [line.removeprefix("plain,") for line in done.stdout.split() if line.startswith("plain,")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("mvc stat", ["status"]),
        ("mvc re", ["record", "restore", "revert", "redo", "reset", "reflog", "rev-parse", "remote"]),
        ("mvc --ver", ["--verbose", "--version"]),
        ("mvc alias r", ["rm", "rollback"]),
        ("mvc commit --allow", ["--allow-empty", "--allow-secret", "--allow-unsafe"]),
        ("mvc nosuch x", []),
    ],
)
def test_a_shell_is_told_what_begins_so(tmp_path: Path, words: str, found: list[str]) -> None:
    assert complete(tmp_path, words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("mvc show ", ["HEAD", "main", "side", "2026.1", "prod"]),
        ("mvc source check p", ["prod"]),
        ("mvc -C .. show p", []),
        ("mvc log nosuch", []),
    ],
)
def test_a_shell_is_told_the_names_of_revisions(history: History, shell: Shell, words: str, found: list[str]) -> None:
    shell.ok("alias", "set", "prod")
    assert complete(shell.folder, words) == found


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell(shell: Shell, shell_name: str) -> None:
    assert f"_MVC_COMPLETE={shell_name}_complete" in shell.ok("completion", shell_name).out


def test_completion_tells_what_each_verb_is_for() -> None:
    program = lazy.load("mvc.cli.app.program").make()
    context = lazy.load("click").Context(program, info_name="mvc")
    items = {item.value: item.help for item in program.shell_complete(context, "")}
    assert {name: text for name, (_, text) in VERBS.items()}.items() <= items.items()
