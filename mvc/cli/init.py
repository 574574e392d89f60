"""`mvc init`: its options, arguments and output."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mvc import errors
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape
from mvc.cli.app.verb import verb
from mvc.porcelain import edit
from mvc.porcelain.init import Initialized, init
from mvc.repository import discovery


@verb("init")
@click.argument("directory", required=False)
@click.option("--model", "key", metavar="NAME", help="Name of the model in this folder.")
@click.option("--type", "model_type", metavar="TYPE", help="Type of the model, such as OBJECT_DETECTION.")
@click.option("--framework", metavar="NAME", help="Framework of the model, such as ONNX.")
def command(
    invocation: Invocation, directory: str | None, key: str | None, model_type: str | None, framework: str | None
) -> None:
    """Create a repository, or a model in an existing one.

    An existing repository at or above DIRECTORY (default: the current folder) is used, otherwise one is created
    there. The model NAME is created in DIRECTORY; without --model, its name is read from an existing model.toml.
    """
    folder = invocation.cwd / directory if directory else invocation.cwd
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
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
