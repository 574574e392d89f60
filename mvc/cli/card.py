"""`mvc card`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.cli.files import documents
from mvc.porcelain.card import card
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("card")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option(
    "--annex-iv", is_flag=True, help="Order the facts as Annex IV of the EU's AI Act does, and name open points."
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE; of a card that it has, other text stays.")
def command(invocation: Invocation, revision: str, annex_iv: bool, output: str | None) -> None:
    """Write the model card of a version.

    Example: mvc card prod -o README.md

    Prints Markdown with the header of the Hugging Face Hub: description, metrics, classes, datasets, parameters, files,
    and what changed since the nearest tagged ancestor, or since the parent if no ancestor has a tag. In FILE, the part between two comments and the keys of mvc are
    replaced; everything else stays.

    With --annex-iv, the same facts are under points 1, 2 and 6 of Annex IV of Regulation (EU) 2024/1689, and what the
    version does not record is listed as open. It is not a statement of conformity.
    """
    repository = invocation.repository()
    of = Model(repository, revisions.model_of(Model(repository, invocation.model()), revision))
    id_ = revisions.resolve(Model(repository, invocation.model()), revision)
    target = documents.target(invocation, output)
    made = card(of, id_, existing=target, annex=annex_iv)
    documents.write(invocation, "card", made, made.text, output)
