"""The rules of the stand-in platform where those of the real one are unknown: a usual and another platform.

Each rule is assumed. Where Picsellia's documentation or its SDK's source decide, there is no rule. A release of the platform may
have any mixture, so what mvc does must hold under both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN = re.compile(r"[a-zA-Z0-9_-]+\Z")
"""Names that Picsellia's own engine accepts for what it stores."""


@dataclass
class Rules:
    """Where the real platform is not known, what this one does."""

    unique: bool = True
    """Names are unique in their scope: a second one is answered with 409."""
    page: int = 100
    """Rows of a listing, if nothing is asked for, and at most."""
    counts: bool = True
    """Whether a listing says how many rows there are in all."""
    pages_files: bool = True
    """Whether the listing of files heeds limit and offset."""
    newest_first: bool = False
    """Whether a listing of versions begins with the highest number."""
    lists_fields: bool = True
    """Whether a listing of versions has all their fields, or only those that the SDK requires of it."""
    client_type: str = "minio"
    """The kind of storage: aws, minio, google or azure."""
    parameters_key: str = "parameters"
    """The key under which a version's parameters are answered; older ones say `base_parameters`."""
    docker_key: str = "docker_image"
    """The same of the image; it may be `docker_image_name`."""
    nulls: bool = False
    """Whether an answer has null for a field without a value; else it lacks the key."""
    dates: bool = False
    """Whether an answer says when a version was created."""
    keeps_order: bool = True
    """Whether a labelmap is answered in the order in which it was sent."""
    first_number: int = 0
    """The number of a model's first version."""
    reuses_numbers: bool = False
    """Whether the number of a deleted version is given again."""
    unnamed: str = "v{number}"
    """The name of a version that was created without one."""
    empty_context: bool = True
    """Whether a version that was not exported has a context, an empty one; else there is none."""
    copies_base: bool = True
    """Whether an experiment begins with copies of its base version's files, and its export with the base's fields."""
    any_name: bool = True
    """Whether a file may have any name; else it consists of letters, digits, - and _, as Picsellia's own engine requires."""
    connector: bool = True
    """Whether the organization has a place for files."""

    def accepts(self, name: str) -> bool:
        """Whether a file may have this name."""
        return self.any_name or PLAIN.match(name) is not None


def usual() -> Rules:
    """The platform that the other tests run against."""
    return Rules()


def other() -> Rules:
    """A platform that decides everything otherwise, except that it has a place for files."""
    return Rules(
        unique=False, page=7, counts=False, pages_files=False, newest_first=True, lists_fields=False,
        client_type="google", parameters_key="base_parameters", docker_key="docker_image_name", nulls=True, dates=True,
        keeps_order=False, first_number=1, reuses_numbers=True, unnamed="Version {number}", empty_context=False,
        copies_base=False, any_name=False,
    )  # fmt: skip


BOTH = (usual, other)
