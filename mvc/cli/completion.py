"""`mvc completion`: its options, arguments and output."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb


@verb("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(invocation: Invocation, shell: str) -> None:
    """Print the completion script for a shell.

    Activate it with: eval "$(mvc completion bash)"
    """
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    program = click.get_current_context().find_root().command
    script = made(program, {}, "mvc", "_MVC_COMPLETE").source()
    if invocation.json:
        invocation.emit("completion", {"shell": shell, "script": script}, tuple)
    else:
        click.echo(script)
