"""`mvc import`: the kinds of sources outside mvc, and which of them a path or URL is.

    --folders runs/*          by its flag
    hf://ORG/NAME             by its scheme
    ../other                  by its contents: .mvc
    s3://team/models#helmet   another mvc repository: a remote, and a model of it

A kind is a row in KINDS; its module, which has the function `opened`, is loaded when it is chosen.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model import remote_kinds
from mvc.model.paths import escape_name
from mvc.porcelain.import_history import ImportedHistory, import_history
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import SourceHistory


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source: its flag is `--name`, its URLs have `schemes`, its folders all of the names of one of `signs`.

    `help` is its line in the help of the flag. A kind of `several` takes more than one place. A folder with its signs is
    not one of the kinds `within`, whose signs such a folder has, too. `extra` installs what its module imports.
    """

    name: str
    help: str
    module: str
    schemes: tuple[str, ...] = ()
    signs: tuple[tuple[str, ...], ...] = ()
    within: tuple[str, ...] = ()
    several: bool = False
    extra: str = ""


KINDS = (
    Kind(
        "folders",
        "Import folders of training runs, or files of weights, in the order of time.",
        "mvc.intake.histories.folders",
        several=True,
    ),
    Kind(
        "mvc",
        "Import a model of another mvc repository or remote: PLACE#MODEL.",
        "mvc.porcelain.import_repository",
        signs=((".mvc",),),
        within=("git",),
    ),
    Kind(
        "git",
        "Import a Git repository with weights in Git or Git LFS.",
        "mvc.intake.histories.git",
        signs=((".git",), ("HEAD", "objects", "refs")),
        within=("hf",),
    ),
    Kind(
        "dvc",
        "Import a Git repository with weights in DVC, and the tags of GTO.",
        "mvc.intake.histories.dvc",
        signs=((".dvc", ".git"), (".dvc/config",)),
        within=("git",),
    ),
    Kind(
        "oci",
        "Import models of an OCI registry, oci://HOST/PATH[:TAG], or an OCI image layout.",
        "mvc.registry.oci.source",
        schemes=("oci",),
        signs=(("oci-layout", "index.json"),),
    ),
    Kind(
        "hf",
        "Import a repository of the Hugging Face Hub (hf://), or a folder that its library downloaded.",
        "mvc.registry.huggingface.history",
        schemes=("hf",),
        signs=(("snapshots", "blobs"), ("mvc-version.json",), (".cache/huggingface/download",)),
        extra="hf",
    ),
    Kind(
        "mlflow",
        "Import a registered model of an MLflow server or database (mlflow://, mlflow+sqlite://).",
        "mvc.registry.mlflow.history",
        schemes=("mlflow", "mlflow+http", "mlflow+sqlite"),
        extra="mlflow",
    ),
)
_BY_NAME = {kind.name: kind for kind in KINDS}


def of(name: str | None, places: Sequence[str]) -> Kind:
    """Return the kind `name`, else the one that the only place is. Raises UnknownSource, NoSuchKind, NoSuchFile."""
    if name is not None:
        return _BY_NAME[name]
    place = places[0]
    if "://" in place:
        return _of_url(place)
    if "#" in place and not os.path.lexists(place):
        return _BY_NAME["mvc"]
    return _of_folder(Path(place))


@contextlib.contextmanager
def opened(kind: Kind, request: Request) -> Iterator[SourceHistory]:
    """Open the history of a source, whose files may be read until the end. Raises errors of the source."""
    if len(request.places) > 1 and not kind.several:
        raise errors.UnknownSource(
            path=escape_name(request.places[1]), reason=f"--{kind.name} takes one place", flags="--folders for folders"
        )
    try:
        module = lazy.load(kind.module)
    except ImportError as error:
        library = error.name or str(error)
        raise errors.MissingHubExtra(scheme=kind.name, extra=kind.extra, library=library) from error
    with module.opened(request) as history:
        yield history


def import_source(request: Request, name: str | None = None) -> ImportedHistory:
    """Import the history of a source of the kind `name`, else of the kind that its place has. Raises as `import_history`."""
    with opened(of(name, request.places), request) as history:
        return import_history(
            request.repository,
            history,
            request.actor,
            model=request.model,
            dry_run=request.dry_run,
            allow_unsafe=request.allow_unsafe,
            progress=request.progress,
        )


def _of_url(url: str) -> Kind:
    scheme = url.partition("://")[0].lower()
    named = next((kind for kind in KINDS if scheme in kind.schemes), None)
    if named is None and (remote_kinds.spelled(scheme) is None or "#" not in url):
        schemes = ["picsellia", *(each for kind in KINDS for each in kind.schemes)]
        raise errors.NoSuchKind(url=url, known=", ".join(f"{each}://" for each in schemes))
    return named or _BY_NAME["mvc"]


def _of_folder(folder: Path) -> Kind:
    """Return the kind of a folder by its contents."""
    if not os.path.lexists(folder):
        raise errors.NoSuchFile(path=escape_name(os.fspath(folder)))
    signed = [kind for kind in KINDS if any(_has(folder, names) for names in kind.signs)]
    hidden = {name for kind in signed for name in kind.within}
    found = [kind for kind in signed if kind.name not in hidden]
    if len(found) == 1:
        return found[0]
    reason = f"it may be {' or '.join(kind.name for kind in found)}" if found else "it has no sign of a known kind"
    flags = ", ".join(f"--{kind.name}" for kind in (found or KINDS))
    raise errors.UnknownSource(path=escape_name(os.fspath(folder)), reason=reason, flags=flags)


def _has(folder: Path, names: Sequence[str]) -> bool:
    return all((folder / name).exists() for name in names)
