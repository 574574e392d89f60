"""Completion: each argument that names something here is completed, in bash, zsh and fish themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from mvc import lazy
from mvc.cli.app import complete
from mvc.cli.app.main import VERBS
from mvc.cli.app.options import NAMES
from mvc.cli.app.program import make
from tests.cli.conftest import History
from tests.cli.shell import Shell

NAMING = {"REV", "ROLE", "KEY", "REMOTE", "MODEL", "FILE", "PATH", "DIR", "BRANCH", "ALIAS", "TAG", "REGISTRY", "USE"}
"""Words of metavars that name something that is known here."""
NEW = {"init key", "import branch", "clone revision"}
"""Parameters whose name is that of something new, or of something that only a remote knows."""


def parameters() -> Iterator[tuple[str, click.Parameter]]:
    """Every parameter that takes a text, with the path of its verb."""

    def below(path: str, command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
        for name, inner in command.commands.items() if isinstance(command, click.Group) else ():
            yield from below(f"{path} {name}", inner)
        for parameter in command.params:
            is_flag = isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count)
            if not is_flag and parameter.name not in NAMES and not getattr(parameter, "hidden", False):
                yield path, parameter

    for verb, (module, _) in VERBS.items():
        yield from below(verb, lazy.load(f"mvc.cli.{module}").command)


def named(parameter: click.Parameter) -> set[str]:
    text = "" if parameter.metavar == "KEY=VALUE" else parameter.metavar or ""
    return {word for word in complete._WORD.findall(text) if word in NAMING}


def test_each_parameter_that_names_something_is_completed() -> None:
    wrong = [
        f"{path} {parameter.name}"
        for path, parameter in parameters()
        if named(parameter)
        and not complete.words(path, parameter)
        and not isinstance(parameter.type, click.Path)
        and parameter._custom_shell_complete in (None, complete.items)
    ]
    assert wrong == []


def test_each_argument_named_after_something_is_completed() -> None:
    """Arguments without a metavar, and options that take a NAME: their own name says what they take."""
    known = {
        "remote",
        "registry",
        "model",
        "revision",
        "revisions",
        "branch",
        "key",
        "keys",
        "role",
        "path",
        "paths",
        "alias",
    }
    wrong = [
        f"{path} {parameter.name}"
        for path, parameter in parameters()
        if parameter.metavar in (None, "NAME", "[NAME]", "[NAME]...")
        and parameter.name in known
        and not complete.words(path, parameter)
    ]
    assert set(wrong) <= NEW


CASES = [
    ("mvc switch si", {"side"}),
    ("mvc show 20", {"2026.1"}),
    ("mvc log main..si", {"main..side"}),
    ("mvc alias rollback pro", {"prod"}),
    ("mvc rm wei", {"weights"}),
    ("mvc clone --only wei", set()),
    ("mvc pull --only wei", {"weights"}),
    ("mvc get metrics.mA", {"metrics.mAP50"}),
    ("mvc unset model.fra", {"model.framework"}),
    ("mvc log --sort metrics.mA", {"metrics.mAP50"}),
    ("mvc push ori", {"origin"}),
    ("mvc push origin mai", {"main"}),
    ("mvc remote show ori", {"origin"}),
    ("mvc fsck --remote ori", {"origin"}),
    ("mvc --model hel", {"helmets"}),
    ("mvc status --model hel", {"helmets"}),
    ("mvc models rename hel", {"helmets"}),
    ("mvc check --for train", {"training"}),
    ("mvc config user.na", {"user.name"}),
    ("mvc stat", {"status"}),
    ("mvc log --first-p", {"--first-parent"}),
]


@pytest.fixture
def completed(shell: Shell, history: History) -> Shell:
    """Branches, a tag, an alias, a remote, and a file."""
    shell.ok("alias", "set", "prod", "v1", "--force")
    shell.ok("remote", "add", "origin", f"{shell.folder}/there")
    return shell


@pytest.mark.parametrize(("line", "names"), CASES, ids=[line for line, _ in CASES])
def test_what_is_offered(completed: Shell, line: str, names: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(completed.folder)
    _, *arguments = line.split()
    found = ShellComplete(make(), {}, "mvc", "_MVC_COMPLETE").get_completions(arguments[:-1], arguments[-1])
    offered = {item.value for item in found if item.type == "plain"}
    assert names <= offered
    assert all(name.startswith(arguments[-1]) for name in offered)


BASH = """
compopt() { :; }; source <(mvc completion bash)
line=$1; COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_mvc_completion mvc; printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { : }; _describe() { print -l ${(P)3%%:*} }; compadd() { print -l ${completions[@]} }; _path_files() { print -l FILES }
eval "$(mvc completion zsh)"
words=(${=1}); CURRENT=${#words}
(( $+commands[mvc] )); _mvc_completion
"""
FISH = "mvc completion fish | source; complete -C $argv[1]"
REAL = [
    ("mvc switch si", "side"),
    ("mvc push ori", "origin"),
    ("mvc get metrics.mA", "metrics.mAP50"),
    ("mvc rm wei", "weights"),
]


@pytest.mark.parametrize(
    ("program", "script"), [("bash", BASH), ("zsh", ZSH), ("fish", FISH)], ids=["bash", "zsh", "fish"]
)
def test_a_real_shell_completes(completed: Shell, program: str, script: str) -> None:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line, name in REAL:
        words = [path, "-c", script, line] if program == "fish" else [path, "-c", script, program, line]
        done = subprocess.run(words, cwd=completed.folder, env=environment, capture_output=True, text=True, check=False)
        assert name in [text.split("\t")[0] for text in done.stdout.splitlines()], (done.stdout, done.stderr)
