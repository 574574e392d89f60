"""The two files `policy.toml`: that of the repository, beside `.mvc`, and the user's own, beside their settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import errors
from mvc.storage.disk import confined

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

NAME = "policy.toml"
MAX_BYTES = 1 << 20
"""The largest file, in bytes."""


def read(root: Path | None, user_config: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of each file that there is, after how messages call it; that of the repository at `root` first.

    If the settings of the user are a link, their policy is beside it, beside its target, or both.

    Raises UnreadablePolicy.
    """
    owns = [of_user(user_config), of_user(Path(os.path.realpath(user_config)))] if user_config is not None else []
    places = [(root / NAME, NAME)] if root is not None else []
    places += [(own, str(own)) for own in owns if own is not None]
    seen: set[str] = set()
    for path, shown in places:
        real = os.path.realpath(path)
        data = _bytes(path, real, shown) if real not in seen else None
        seen.add(real)
        if data is not None:
            yield shown, data


def of_user(user_config: Path | None) -> Path | None:
    """Return the place of the user's own file, which need not exist; None without settings of a user."""
    return user_config.parent / NAME if user_config is not None else None


def of(repository: Repository) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of each file that applies to a repository, as `read`."""
    return read(repository.root, repository.user_config)


def _bytes(path: Path, real: str, shown: str) -> bytes | None:
    """Return the bytes of a policy.toml whose path without links is `real`, None if there is none. Raises UnreadablePolicy."""
    try:
        return confined.read_regular(real, MAX_BYTES)
    except FileNotFoundError:
        link = _broken(path)
        if link is None:
            return None
        raise errors.UnreadablePolicy(path=shown, reason=f"{link} is a link to nothing") from None
    except OSError as error:
        raise errors.UnreadablePolicy(path=shown, reason=error.strerror or str(error)) from None
    except errors.IrregularFile as error:
        raise errors.UnreadablePolicy(path=shown, reason=error.message.rstrip(".")) from None
    except errors.Damaged:
        raise errors.UnreadablePolicy(path=shown, reason=f"it is larger than {MAX_BYTES >> 20} MiB") from None


def _broken(path: Path) -> Path | None:
    """Return the link without a target that keeps `path` from being found: itself, or a folder above it; None for none.

    A policy on a disk that is not mounted is not the absence of one.
    """
    nearest = next((each for each in (path, *path.parents) if os.path.lexists(each)), None)
    return nearest if nearest is not None and not os.path.exists(nearest) else None
