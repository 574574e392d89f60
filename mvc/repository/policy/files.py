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

    Raises BadPolicy.
    """
    own = user_config.parent / NAME if user_config is not None else None
    places = [*([(root / NAME, NAME)] if root is not None else []), *([(own, str(own))] if own is not None else [])]
    seen: set[str] = set()
    for path, shown in places:
        real = os.path.realpath(path)
        data = _bytes(Path(real), shown) if real not in seen else None
        seen.add(real)
        if data is not None:
            yield shown, data


def of(repository: Repository) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of each file that applies to a repository, as `read`."""
    return read(repository.root, repository.user_config)


def _bytes(path: Path, shown: str) -> bytes | None:
    """Return the bytes of a policy.toml, None if there is none. Raises BadPolicy."""
    try:
        return confined.read_regular(path, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise errors.BadPolicy(path=shown, line=1, reason=error.strerror or str(error)) from None
    except errors.MvcError as error:
        raise errors.BadPolicy(path=shown, line=1, reason=error.message.rstrip(".")) from None
