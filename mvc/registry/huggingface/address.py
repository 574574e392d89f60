"""The URL of a repository on the Hugging Face Hub: `hf://ORGANIZATION/NAME[@REVISION]`.

hf://acme/helmet@v1.0      repository acme/helmet, revision v1.0
"""

from __future__ import annotations

import re

from mvc import errors
from mvc.deferred import dataclass
from mvc.registry.hubs.hub import HUBS

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?\Z")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}\Z")
_MAX_PARTS = 2


@dataclass(frozen=True, slots=True)
class Address:
    """A repository, and a branch, tag or commit of it; None for all branches."""

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        """Return the URL."""
        return f"hf://{self.repository}{f'@{self.revision}' if self.revision is not None else ''}"

    @property
    def name(self) -> str:
        """The name of the repository without its organization."""
        return self.repository.rpartition("/")[2]


def parse(url: str) -> Address:
    """Return the address that a URL names. Raises BadHubUrl."""
    repository, separator, revision = url.removeprefix("hf://").partition("@")
    parts = repository.split("/")
    reason = None
    if not url.startswith("hf://") or len(parts) > _MAX_PARTS or not all(map(_NAME.match, parts)) or ".." in repository:
        reason = "it does not name a repository"
    elif separator and (not _REVISION.match(revision) or ".." in revision):
        reason = "its revision is not the name of a branch or tag, or a commit id"
    if reason is not None:
        raise errors.BadHubUrl(url=url, reason=reason, example=HUBS["hf"].example)
    return Address(repository, revision or None)
