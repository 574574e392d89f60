"""`mvc bom`: its options, arguments and output."""

from __future__ import annotations

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.cli.files import documents
from mvc.porcelain.bom import CYCLONEDX, FORMATS, bom
from mvc.repository import revisions
from mvc.repository.model import Model


@verb("bom")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--format", "format_", type=click.Choice(FORMATS), default=CYCLONEDX, help="Format: CycloneDX 1.6 or 1.7, SPDX 3.0.1.")  # fmt: skip
@click.option("--read-data", is_flag=True, help="Also read the files: SHA-256 hashes, and licenses that they name.")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")
def command(invocation: Invocation, revision: str, format_: str, read_data: bool, output: str | None) -> None:
    """Write the bill of materials of a version.

    Example: mvc bom prod --format cyclonedx-1.7 -o helmet.cdx.json

    Lists the model with its license, metrics, parameters and parents, its files with their BLAKE3 hashes, the datasets,
    the docker image and the training. The same version gives the same bytes, on every clone: only what the version
    records is used. With --read-data, files are fetched if needed.
    """
    repository = invocation.repository()
    of = Model(repository, revisions.model_of(Model(repository, invocation.model()), revision))
    id_ = revisions.resolve(Model(repository, invocation.model()), revision)
    documents.target(invocation, output)
    with invocation.progress("Hashing") as progress:
        made = bom(of, id_, format_, read_data=read_data, progress=progress)
    documents.write(invocation, "bom", made, made.text, output)
