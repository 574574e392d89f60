"""Rules by which versions keep their bytes: by age, by rank, by ref, by role.

refs, HEAD, aliases of 90 days, work in progress    always kept
named                                               dropped
--keep-last 5 · --keep-within 90d · …               kept, if one of the rules holds
on no remote                                        kept, unless --unpushed
else                                                dropped
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, spans
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.query import order, parse, suggest
from mvc.model.query.subject import spelled
from mvc.model.toml.schema import Path
from mvc.model.version import Timestamp, Version
from mvc.plural import count
from mvc.repository import history, reachable
from mvc.repository.model import Model
from mvc.repository.query import select
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry

if TYPE_CHECKING:
    from mvc.repository.repository import Repository
    from mvc.storage.records.config import Config

ALIAS_DAYS = 90
"""Days for which a former version of an alias is kept, so that the alias can be rolled back."""
DAY = 86_400
KINDS = {HEADS: "tip of", TAGS: "tag", ALIASES: "alias"}
WITHIN, BEST = "prune.keep-within", "prune.keep-best"
"""The settings whose values have a form of their own."""


class Best(NamedTuple):
    """The rule that keeps the best versions by a key, at most `most`."""

    key: Path
    most: int

    @classmethod
    def parse(cls, text: str) -> Best:
        """Parse `KEY=N`; raise BadQuery."""
        key, _, most = text.rpartition("=")
        if not key or not most.isdecimal() or not 0 < len(most) < 7:
            raise errors.BadQuery(text=text[:80], reason="write KEY=N, as metrics.mAP50=3")
        return cls(parse.parse_key(key.strip()), int(most))


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a prune; `within` is in seconds.

    `roles` are patterns of the roles that are dropped (none: all), `keep_roles` of those that are kept.
    """

    last: int | None = None
    within: float | None = None
    tagged: bool = False
    aliased: bool = False
    best: tuple[Best, ...] = ()
    roles: tuple[str, ...] = ()
    keep_roles: tuple[str, ...] = ()

    @classmethod
    def of_settings(cls, config: Config) -> Rules:
        """Return the rules in `[prune]` of the settings; raise BadSetting, BadQuery."""
        last = config.get("prune.keep-last")
        return cls(
            int(last) if last is not None else None,
            seconds(config.get(WITHIN) or ""),
            bool(config.get("prune.keep-tagged")),
            bool(config.get("prune.keep-aliased")),
            best(config.get(BEST) or ""),
            _texts(config.get("prune.roles")),
            _texts(config.get("prune.keep-role")),
        )

    def filled(self, others: Rules) -> Rules:
        """Return these rules, and those of `others` where nothing is said."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return replace(others, **{name: value for name, value in pairs if value not in (None, False, ())})

    @property
    def is_empty(self) -> bool:
        """True if nothing is said."""
        return self == Rules()

    @property
    def selects(self) -> bool:
        """True if versions that are not named may be dropped, too."""
        return self.last is not None or self.within is not None or self.tagged or self.aliased or bool(self.best)

    def drops(self, role: str) -> bool:
        """Return whether a file of `role` is dropped with its version."""
        return (not self.roles or _matches(role, self.roles)) and not _matches(role, self.keep_roles)

    def __str__(self) -> str:
        """Return the rules as options: `--keep-last 5 --roles 'checkpoint*'`."""
        return " ".join(self._options())

    def _options(self) -> Iterator[str]:
        if self.last is not None:
            yield f"--keep-last {self.last}"
        if self.within is not None:
            days = self.within / DAY
            yield f"--keep-within {days:g}d"
        yield from ["--keep-tagged"] * self.tagged + ["--keep-aliased"] * self.aliased
        yield from (f"--keep-best {spelled(best.key)}={best.most}" for best in self.best)
        yield from (f"--keep-role {role}" for role in self.keep_roles)
        yield from (f"--roles {pattern}" for pattern in self.roles)


def seconds(text: str) -> float | None:
    """Return the seconds of a setting prune.keep-within, None for an empty one. Raises BadSetting."""
    try:
        return spans.parse(text) if text else None
    except ValueError as error:
        raise errors.BadSetting(key=WITHIN, value=text, reason=str(error)) from None


def best(text: str) -> tuple[Best, ...]:
    """Return the rules of a setting prune.keep-best. Raises BadQuery."""
    return tuple(map(Best.parse, _texts(text)))


def _texts(value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


def _matches(role: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(role, each) or role.startswith(f"{each}/") for each in patterns)


def always_kept(repository: Repository, since: int, now: Timestamp) -> dict[VersionId, str]:
    """Return the versions that no prune drops, each with the reason: refs, heads, work in progress, aliases of 90 days.

    `since` is the time up to which ref log entries are expired. Raises Missing, Damaged.
    """
    kept: dict[VersionId, str] = {}
    for name in {*repository.heads.models(), *repository.refs.models()}:
        model = Model(repository, name)
        if repository.heads.get(name) is not None and model.current is not None:
            kept.setdefault(model.current, "checked out")
        for ref, tip in model.targets().items():
            kind, remote = ref.kind.rpartition("/")[2], ref.kind.split("/")[1] if "/" in ref.kind else ""
            if tip is not None:
                named = f"{remote}/{ref.name}" if remote else ref.name
                kept.setdefault(tip, f"{KINDS.get(kind, kind)} {named}")
            if ref.kind == ALIASES:
                for id_, until in former(repository.refs.entries(ref), now):
                    kept.setdefault(id_, f"former alias {ref.name}, until {until.utc()[:10]}")
    for root in reachable.roots(repository, since):
        if root.cause and root.at is None:
            kept.setdefault(root.version, root.cause)
    return kept


def former(entries: list[RefEntry], now: Timestamp) -> Iterator[tuple[VersionId, Timestamp]]:
    """Yield the versions that an alias left in the last 90 days, with the end of 90 days for each."""
    for entry in entries:
        until = entry.move.at.seconds + ALIAS_DAYS * DAY
        if entry.old is not None and now.seconds <= until:
            yield entry.old, Timestamp(until)


def kept_by_rules(
    model: Model,
    versions: Mapping[VersionId, Version],
    rules: Rules,
    branches: Mapping[str, VersionId],
    now: Timestamp,
) -> dict[VersionId, str]:
    """Return the versions that the rules keep, each with the reason. Raises Missing, Damaged, BadQuery."""
    kept: dict[VersionId, str] = {}
    if rules.last is not None:
        for name, tip in branches.items():
            line = history.line(model.repository.objects, tip)
            for (id_, _), _ in zip(line, range(rules.last), strict=False):
                kept.setdefault(id_, f"of the last {rules.last} of {name}")
    if rules.within is not None:
        for id_, version in versions.items():
            if now.seconds - version.time.seconds <= rules.within:
                kept.setdefault(id_, f"younger than {count(int(rules.within / DAY), 'day')}")
    for best in rules.best:
        for id_, reason in _best(model, versions, best):
            kept.setdefault(id_, reason)
    return kept


def _best(model: Model, versions: Mapping[VersionId, Version], best: Best) -> Iterator[tuple[VersionId, str]]:
    """Yield the best versions by a key, and those that do not have it."""
    key, name = best.key, spelled(best.key)
    entries = {id_: select.entry(model, id_) for id_ in versions}
    values = {id_: each.value(key) for id_, each in entries.items()}
    for logs in model.repository.annotations.values():  # what a damaged one says may change which are the best
        logs.require_sound()
    if values and not any(value is not None for value in values.values()):
        known = dict.fromkeys(item for each in entries.values() for item in each.known_keys())
        raise errors.NoVersionHasKey(model=model.key, key=name, suggestion=suggest.suggestion(key, known))
    ranked = order.ordered([id_ for id_, value in values.items() if value is not None], values.get, key)
    for rank, id_ in enumerate(ranked[: best.most], 1):
        yield id_, f"best {rank} of {best.most} by {name}"
    yield from ((id_, f"has no {name}") for id_, value in values.items() if value is None)


def on_remotes(repository: Repository) -> Collection[VersionId]:
    """Return the versions that a remote had at the last fetch or push. Raises Missing, Damaged."""
    tips = [
        target
        for name in repository.refs.models()
        for ref, target in Model(repository, name).targets().items()
        if ref.kind.startswith("remotes/") and target is not None
    ]
    return history.ancestors(repository.objects, tips)
