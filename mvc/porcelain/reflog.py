"""`mvc reflog`: every move of a name, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.repository.repository import Repository
from mvc.storage.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of one name; `moves[n]` is what `NAME@{n}` stands for."""

    ref: RefName
    moves: tuple[RefEntry, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "model": self.ref.model,
            "ref": self.ref.text,
            "moves": [
                {
                    "old": entry.old,
                    "new": entry.new,
                    "by": entry.move.by,
                    "at": entry.move.at.utc(),
                    "reason": entry.move.reason,
                }
                for entry in self.moves
            ],
        }


def reflog(repository: Repository, model: str, name: str | None = None, *, kind: str | None = None) -> Moves:
    """The log of a branch, tag or alias, deleted ones included; of the current branch without `name`.

    Raises NoSuchName, Detached, Damaged.
    """
    if name is None:
        head = repository.head(model)
        if head.branch is None:
            version = f"v{repository.objects.version(head.at()).number}"
            raise errors.Detached(model=model, version=version)
        name, kind = head.branch, HEADS
    given, _, rest = name.partition("/")
    candidates = [RefName(model, given, rest)] if given in (HEADS, TAGS, ALIASES) and rest else []
    candidates += [RefName(model, each, name) for each in ([kind] if kind else [HEADS, TAGS, ALIASES])]
    logs = [ref for ref in candidates if repository.refs.numbers(ref)]
    if not logs:
        raise errors.NoSuchName(kind="name" if kind is None else {ALIASES: "alias", TAGS: "tag"}.get(kind, "branch"),
                                name=name, model=model)
    return Moves(logs[0], tuple(reversed(repository.refs.entries(logs[0]))))
