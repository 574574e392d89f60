"""`mvc schema`: its output."""

from __future__ import annotations

import json

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.model.toml import json_schema


@verb("schema")
def command(invocation: Invocation) -> None:
    """Print the JSON schema of model.toml, for editors.

    Example: mvc schema > model.schema.json

    An editor with Taplo (Even Better TOML) reads it if the first line of model.toml is `#:schema ./model.schema.json`.
    It then completes keys, explains them and marks errors. With --json, it is the `document` of an answer like any other.
    """
    document = json_schema.document()
    if invocation.json:
        invocation.emit("schema", {"document": document}, tuple)
    else:
        click.echo(json.dumps(document, indent=2))
