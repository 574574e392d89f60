"""The options of a run: a value, which can be pickled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypedDict

from mvc.api.session import PathLike, Who
from mvc.deferred import dataclass

Every = Literal["end", "best"] | int
"""When versions are recorded: once at the end, also at each improvement, or also every so many epochs."""
Keep = Literal["finished", "failed"]
"""Which runs are recorded: those that finish, or also those that fail."""
SECTIONS = ("parameters", "metrics", "labelmap", "about", "docker", "source", "intent")
"""The sections of values, in the order and by the names of `Model.record`."""
OPTIMIZER = "optimizer"
"""The role of the optimizer's state, which is recorded only if that is asked for."""
Report = Callable[[str], object]
_MAX_NAME = 100


class Options(TypedDict, total=False):
    """The options of `mvc.run` but for the parameters of the training."""

    path: PathLike
    name: str
    labelmap: Any
    branch: str
    alias: str | Iterable[str]
    tag: str | Iterable[str]
    every: Every
    optimizer: bool
    strict: bool
    push: str
    message: str
    keep: Keep
    actor: Who
    environment: bool
    output: PathLike
    role: str
    report: Report


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a run; `mvc.training.run.run` describes them. `folder` and `path` are absolute."""

    model: str | None
    path: str
    name: str
    branch: str | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    every: Every
    optimizer: bool
    strict: bool
    push: str | None
    message: str | None
    keep: Keep
    actor: Who | None
    environment: bool
    folder: str
    is_own_folder: bool
    role: str
    report: Report | None
    command: tuple[str, ...] = ()
    """The arguments of mvc that `mvc op log` shows; none in a training that uses mvc as a library."""

    @property
    def own_branch(self) -> str:
        """The branch of the run's own versions."""
        return f"run/{file_name(self.name)}"


def file_name(name: str) -> str:
    """Return the name of a run as a part of a path or a branch."""
    plain = re.sub(r"\.{2,}|[^A-Za-z0-9._-]+", "-", name)[:_MAX_NAME].strip("-.")
    return plain.removesuffix(".lock") or "run"
