"""`mvc init`: create a repository and a model."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model import names, paths
from mvc.model.document import Document, keys
from mvc.repository.parts import DIRECTORY, MAIN
from mvc.repository.repository import Repository
from mvc.repository.worktree import model_file
from mvc.storage.disk import process
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.exportdoor import outside_store
from mvc.storage.disk.outside import discard_folder, make_folder, rename_new_folder
from mvc.storage.disk.temporary import is_old
from mvc.storage.records import clone_source, config
from mvc.storage.records.clone_source import CloneSource
from mvc.storage.records.heads import Head

if TYPE_CHECKING:
    from mvc.model.toml import edit
else:
    edit = lazy.Module("mvc.model.toml.edit")

_BUILDING = f"{DIRECTORY}.init-"
"""The prefix of an unfinished repository's name; the id of the creating process follows."""
_README = b"""This folder is an mvc repository: immutable versions of models, with their whole history.

Do not edit or delete files here; use `mvc`. `cache/` and `tmp/` may be deleted at any time, nothing else may.
The page "The format of a store" of mvc's manual documents it: objects, refs and recipes are JSON that `cat` shows,
and `b3sum` checks every id.
"""
_FOLDERS = ("heads", "refs", "objects", "recipes", "packs", "meta", "expired", "promised", "cache", "tmp")
_OWN = ("heads", "refs", "objects")
"""Folders by which an incomplete repository is recognised."""
_GITIGNORE = b"# Made by mvc: nothing in this folder belongs in Git.\n*\n"


@dataclass(frozen=True, slots=True)
class Initialized(Document):
    """The repository's root and the model; `created` lists which of the two are new.

    "settings" in it means that an incomplete repository was completed, with new settings.
    """

    KEYS = keys("path=root model folder created")

    root: Path
    model: str | None
    folder: str
    created: tuple[str, ...]


def init(
    directory: Path,
    *,
    root: Path | None = None,
    model: str | None = None,
    model_type: str | None = None,
    framework: str | None = None,
    user_config: Path | None = None,
) -> Initialized:
    """Create a repository in `root` (unless `directory` is inside one), and the model `model` in `directory`.

    By default the model's key is the name in `directory`'s model.toml, if there is one. Repeating it changes nothing.
    Raises BadModelKey, TwoFolders, OtherModelHere, and UnsafePath or UnportablePath for a folder that cannot hold a
    model.
    """
    root = root or directory
    folder = "" if directory == root else directory.relative_to(root).as_posix()
    if folder:
        paths.check_path(folder)
    if model is not None:
        names.check_model_key(model)  # before anything is made
    made = make_repository(root)
    created = [made] if made is not None else []
    repository = Repository(root, user_config=user_config)
    repository.roll_forward()
    key = model or _named(repository, folder)
    if key is None:
        return Initialized(root, None, folder, tuple(created))
    names.check_model_key(key)
    if _make_model(repository, key, folder, model_type=model_type, framework=framework):
        created.append("model")
    return Initialized(root, key, folder, tuple(created))


def make_repository(root: Path, source: CloneSource | None = None) -> str | None:
    """Create an empty repository in `root`, an unfinished clone of `source`; return "repository", None if it exists.

    A repository that lost its config.toml gets a new one: "settings". Raises InsideStore, NotEmpty.
    """
    target = root / DIRECTORY
    if (target / config.NAME).exists():
        return None
    outside_store(root)
    if target.is_dir() and os.listdir(target):
        _complete(target)
        return "settings"
    building = root / f"{_BUILDING}{next(process.temporary_names())}"
    try:
        make_folder(building)  # which fails where somebody has put a link
        _fill(building, source)
        rename_new_folder(building, target)
    except BaseException as error:
        with contextlib.suppress(OSError):  # raise the first error
            discard_folder(building)
        if isinstance(error, errors.NotEmpty) and (target / config.NAME).exists():
            return None  # another command has created it meanwhile
        raise
    return "repository"


def _complete(target: Path) -> None:
    """Write what is missing of an incomplete repository, its settings last; raise NotEmpty for another folder."""
    if not any((target / folder).is_dir() for folder in _OWN):
        raise errors.NotEmpty(path=target)
    door = StoreDoor(target)
    _lay_out(door, {"requires": sorted(config.KNOWN_FEATURES)})  # which of them the store uses is not known any more


def is_building(name: str) -> bool:
    """Return whether a file name is that of an unfinished repository, possibly left by an interrupted command."""
    return name.startswith(_BUILDING)


def _fill(building: Path, source: CloneSource | None) -> None:
    """Create the contents of an empty repository, and remove unfinished ones of interrupted commands."""
    door = StoreDoor(building)
    for left in building.parent.glob(f"{_BUILDING}*"):
        gone = process.is_gone(left.name.removeprefix(_BUILDING))
        if gone or (gone is None and is_old(left, building)):
            discard_folder(left)
    _lay_out(door, {})
    if source is not None:
        door.replace(clone_source.NAME, source.encode())


def _lay_out(door: StoreDoor, values: dict[str, Any]) -> None:
    """Create the folders of a repository and its texts; `values` of its settings, which come last."""
    for folder in _FOLDERS:
        door.make_folder(folder)
    door.replace("README", _README)
    door.replace(".gitignore", _GITIGNORE)
    settings = {} if door.keeps_executable_bits() else {"core": {"filemode": False}}
    config.write_repository(door, {**values, **settings})


def _named(repository: Repository, folder: str) -> str | None:
    data = model_file.read(repository, folder)
    if data is None:
        return None
    name = config.parse(data, model_file.path(folder)).get("model", {}).get("name")
    return name if isinstance(name, str) else None


def _make_model(repository: Repository, key: str, folder: str, **about: str | None) -> bool:
    with repository.writing():
        head = repository.heads.get(key)
        data = model_file.read(repository, folder)
        if head is not None and head.folder != folder and model_file.read(repository, head.folder) is not None:
            raise errors.TwoFolders(model=key, first=head.folder or ".", second=folder or ".")
        named = _named(repository, folder)
        if data is not None and named != key:
            raise errors.OtherModelHere(folder=folder or ".", model=named, asked=key)
        if data is None:
            text = edit.new_text(key, model_type=about["model_type"], framework=about["framework"])
            repository.tree.write(model_file.path(folder), text.encode())
            repository.tree.sync()
        if head is not None and head.folder == folder:
            return data is None
        repository.heads.set(key, Head(folder, head.branch, head.version) if head else Head(folder, MAIN))
    return True
