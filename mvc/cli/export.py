"""`mvc export`: its options, arguments and output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import escape, size
from mvc.cli.app.verb import verb
from mvc.cli.history import notes
from mvc.plural import count
from mvc.porcelain.export import export
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.storage.disk.exportdoor import HARD, REFLINK, Link

if TYPE_CHECKING:
    from mvc.porcelain import export_hub
    from mvc.repository.signatures import oms
else:
    oms = lazy.Module("mvc.repository.signatures.oms")
    export_hub = lazy.Module("mvc.porcelain.export_hub")


@verb("export")
@click.argument("arguments", nargs=-1, required=True, metavar="[REV] DIR")
@click.option(
    "--link",
    type=click.Choice((REFLINK, HARD)),
    is_flag=False,
    flag_value=REFLINK,
    metavar="[=hard]",
    help="Share the bytes of files by reflinks, and with =hard by read-only hard links.",
)
@click.option("--sign", "sign_format", type=click.Choice(("oms",)), help="Sign the files: write model.sig into DIR.")
@click.option("--key", type=click.Path(), metavar="FILE", help="With --sign oms: the private key.")
@click.option("--attestations", is_flag=True, help="Write the attestations of the version into DIR.")
@click.option("--hf", "form", flag_value="hf", help="Write the folder as a repository of the Hugging Face Hub.")
@click.option("--oci", "form", flag_value="oci", help="Write the folder as an OCI image layout (ModelPack).")
def command(
    invocation: Invocation,
    arguments: tuple[str, ...],
    link: Link | None,
    sign_format: str | None,
    key: str | None,
    attestations: bool,
    form: str | None,
) -> None:
    """Export a version to a folder.

    Writes its files and model.toml to DIR, which must be empty or not exist. Every file is verified, and DIR appears
    only when it is complete. With --hf or --oci, REV is HEAD by default, and `mvc import DIR` gives the same version.

    With --sign oms, DIR has model.sig, a signature in the format of OpenSSF Model Signing by the key in FILE: ECDSA
    on the curve P-256, P-384 or P-521, without a passphrase. `model_signing verify key` verifies all files by it, without mvc. Needs modelvc[sign].

    With --attestations, DIR has attestations.intoto.jsonl, an envelope of DSSE a line.

    With --link, files of more than 16 KiB take no space of their own: they share it with a cache in the repository and
    with other exports, until they are changed (reflinks: Btrfs, XFS). Other file systems get copies. With --link=hard
    the files are the cached ones, read-only, on any file system with hard links; exits with 128 if that is another
    one than the repository's. Never change such a file: root, and the owner after chmod, would change it in every
    folder. The next --link replaces it in the cache. `mvc gc` removes cached files unused for gc.cache-expire days.
    """
    if len(arguments) > 2 or (len(arguments) < 2 and form is None):
        raise click.UsageError("name a REV and a DIR")
    if form is not None and (link is not None or attestations):
        raise click.UsageError(f"--{'attestations' if attestations else 'link'} cannot be used with --{form}")
    if form is not None and (sign_format is not None or key is not None):
        raise click.UsageError(f"--sign and --key cannot be used with --{form}")
    if sign_format is not None and key is None:
        raise click.UsageError("--sign oms needs --key FILE, the private key")
    if key is not None and sign_format is None:
        raise click.UsageError("--key FILE needs --sign oms")
    oms_key = oms.OmsKey(invocation.cwd / key) if key is not None else None
    revision, directory = ("HEAD", *arguments)[-2:]
    repository, model = invocation.repository(), invocation.model()
    id_ = take.resolve(Model(repository, model), revision)
    of = Model(repository, revisions.model_of(Model(repository, model), revision))
    entries = repository.objects.tree(repository.objects.version(id_).tree).entries
    with invocation.progress("Exporting", sum(entry.size for entry in entries)) as progress:
        target = invocation.cwd / directory
        if form is None:
            done = export(of, id_, target, link=link, oms=oms_key, attestations=attestations, progress=progress)
        else:
            done = export_hub.export_for_hub(of, id_, target, form, progress=progress)
    notes.warn(invocation, of, id_)
    if done.copied is not None:
        invocation.note(f"Copied: no reflinks from the repository to {directory} ({done.copied}).")
    more = "model.toml" if form is None else "the version's objects"
    line = f"Exported {count(done.files, 'file')}, {size(done.bytes)}, and {more} to {escape(directory)}"
    if done.signature is not None:
        line += f", signed in {done.signature}"
    if done.attestations is not None:
        line += f", with {done.attestations}"
    if done.linked:
        line += f"; {count(done.linked, 'file')} shared with the cache"
    invocation.emit("export", done, lambda: [line], ids=(done.version,))
