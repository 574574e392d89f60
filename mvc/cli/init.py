"""`mvc init`: its options, arguments and output."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mvc import errors
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.plural import count
from mvc.porcelain import edit
from mvc.porcelain.init import Initialized, init
from mvc.porcelain.init_git import GitDiff, init_git
from mvc.repository import discovery


@verb("init")
@click.argument("directory", required=False)
@click.option("--model", "key", metavar="NAME", help="Name of the model in this folder.")
@click.option("--type", "model_type", metavar="TYPE", help="Type of the model, such as OBJECT_DETECTION.")
@click.option("--framework", metavar="NAME", help="Framework of the model, such as ONNX.")
@click.option("--git-diff", is_flag=True, help="Set Git up to show tensors in `git diff`; create nothing else.")
def command(
    invocation: Invocation,
    directory: str | None,
    key: str | None,
    model_type: str | None,
    framework: str | None,
    git_diff: bool,
) -> None:
    """Create a repository, or a model in an existing one.

    An existing repository at or above DIRECTORY (default: the current folder) is used, otherwise one is created
    there. The model NAME is created in DIRECTORY; without --model, its name is read from an existing model.toml.

    With --git-diff, the Git repository of DIRECTORY shows tensors in `git diff` and `git log -p` instead: lines for weights
    are appended to .gitattributes, and its config names `mvc textconv`. No repository of mvc is needed or created.
    """
    folder = invocation.cwd / directory if directory else invocation.cwd
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    if git_diff:
        if key or model_type or framework:
            raise click.UsageError("--git-diff cannot be combined with --model, --type or --framework")
        _show_tensors_in_git(invocation, folder)
        return
    try:
        root = invocation.root or discovery.find_root(folder)
    except (errors.NoRepository, errors.IncompleteInit):
        root = None
    done = init(
        folder,
        root=root,
        model=key or invocation.model_key,
        model_type=model_type,
        framework=framework,
        user_config=invocation.user_config,
    )
    if "model" in done.created:
        for name, value in (("type", model_type), ("framework", framework)):
            warning = edit.unknown_word(f"model.{name}", value)
            if warning is not None:
                invocation.note(render.problem(warning))
    invocation.emit("init", done, lambda: _lines(done))


def _show_tensors_in_git(invocation: Invocation, folder: Path) -> None:
    installed = shutil.which("mvc")
    program = shlex.quote(os.path.abspath(installed)) if installed else f"{shlex.quote(sys.executable)} -m mvc"
    done = init_git(folder, program)
    invocation.emit("init", done, lambda: _git_lines(done))


def _git_lines(done: GitDiff) -> Iterator[str]:
    path = escape(str(done.attributes))
    yield f"Added {count(len(done.added), 'pattern')} to {path}; commit it" if done.added else f"{path} is up to date"
    for pattern in done.left:
        yield f"Kept {pattern}, which has another diff driver"
    yield "Set diff.mvc.textconv in the config of this Git repository to this mvc; others run this command"


def _lines(done: Initialized) -> Iterator[str]:
    if "repository" in done.created:
        yield f"Created repository in {escape(str(done.root / '.mvc'))}"
    if "settings" in done.created:
        yield f"Completed repository in {escape(str(done.root / '.mvc'))}; its settings are new: add its remotes again"
    if "model" in done.created:
        yield f"Created model {escape(str(done.model))}; next: `mvc add WEIGHTS --as model-latest`, then `mvc commit`"
        yield "(`mvc add --run FOLDER` tracks the files of a training run)"
    elif done.model is None:
        yield "No model yet; create one with `mvc init --model NAME`"
    elif not done.created:
        yield f"Model {escape(str(done.model))} already exists"
