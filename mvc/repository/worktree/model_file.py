"""The model.toml of the working tree or of a version: its path, bytes, and name of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.model.ids import FileId, digest
from mvc.model.toml import parse
from mvc.model.tree import TreeEntry
from mvc.model.version import Version
from mvc.repository.parts import Parts

if TYPE_CHECKING:
    from mvc.model.toml import edit
else:
    edit = lazy.Module("mvc.model.toml.edit")

NAME = "model.toml"


def entry(data: bytes) -> TreeEntry:
    """Return model.toml as a file of the working tree, beside those of a version's tree."""
    return TreeEntry(NAME, NAME, len(data), FileId(digest(data)))


def path(folder: str) -> str:
    """Return the path of the model.toml of the model in `folder`, from the repository's root."""
    return f"{folder}/{NAME}" if folder else NAME


def read(repository: Parts, folder: str) -> bytes | None:
    """Return the bytes of model.toml in the working tree; None if it is absent. Raises NotRegularFile, UnsafePath."""
    try:
        return repository.tree.read(path(folder))
    except FileNotFoundError:
        return None


def of_version(repository: Parts, version: Version, model: str) -> bytes:
    """Return the model.toml of `version`, with the name `model` even if the model was renamed since.

    Raises Damaged for one that cannot be parsed: versions may come from anybody.
    """
    recipe = repository.recipes.best(version.model_toml)
    if recipe is None:
        return _named(parse.render(repository.objects.manifest(version.manifest)), model)
    what = f"the {NAME} of version {version.id()[:10]}"
    if recipe.size > parse.MAX_BYTES:
        raise errors.Damaged(what=what, reason=f"it is larger than {parse.MAX_BYTES >> 20} MiB")
    try:
        return _named(repository.extract.small(version.model_toml), model)
    except (errors.Usage, LookupError, TypeError) as error:
        raise errors.Damaged(what=what, reason=_reason(error)) from error


def set_name(repository: Parts, folder: str, old: str, new: str) -> None:
    """Change the name in the working tree's model.toml from `old` to `new`; do nothing for another name."""
    data = read(repository, folder)
    if data is not None and parse.load(data, where=NAME).get("model", {}).get("name") == old:
        repository.tree.write(path(folder), _named(data, new))
        repository.tree.sync()


def _named(data: bytes, model: str) -> bytes:
    if parse.load(data, where=NAME)["model"]["name"] == model:
        return data
    return edit.set_key(data.decode(), "model.name", model).encode()


def _reason(error: Exception) -> str:
    return error.message.rstrip(".") if isinstance(error, errors.MvcError) else "it does not have the model's name"
