"""Whole pages in Markdown: a difference, a changelog, a report for CI."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from mvc.cli.app.table import ABSENT
from mvc.cli.app.terminal import date, short
from mvc.cli.output.markdown import text
from mvc.cli.review import sections
from mvc.cli.review.page import Section, page
from mvc.display import changed
from mvc.model import names
from mvc.porcelain.changelog import Changelog, ChangelogVersion
from mvc.porcelain.ci import CiReport, ReadyChange
from mvc.porcelain.diff import Diff

_READY = {True: "ready", False: "not ready"}
_IN_URL = "-._~:/?#@!$&'*+,;=%"
"""Characters of an address that are written as they are: not those that end a link."""


def difference(diff: Diff) -> Iterator[str]:
    """Yield the page of a difference."""
    return _page(diff, (), ())


def changelog(log: Changelog) -> Iterator[str]:
    """Yield the page of a changelog."""
    return _page(log.diff, (), [_versions(log.versions)], log=log, extra=[_evaluations(log)])


def report(result: CiReport, link: str | None = None) -> Iterator[str]:
    """Yield the page of a report, after the line that marks the comment of this model; `link` is an exported page."""
    diff = result.changes.diff
    is_changed = diff.differs or bool(result.changes.evaluations or result.uncommitted)
    mark = [f"<!-- mvc:{names.encode_component(diff.model)} -->", *([] if is_changed else ["<!-- unchanged -->"])]
    links = ["", f"[All about these versions]({_address(diff, link)})"] if link else []
    if result.uncommitted:
        lacking = ", ".join(result.uncommitted)
        links += ["", f"**model.toml in Git has values that no version has: {lacking}. Run `mvc commit`.**"]
    failed = tuple((failure.condition, sections.cut(failure.reason)) for failure in result.failures)
    ready = tuple(map(_readiness, result.readiness))
    return _page(
        diff,
        mark,
        [_versions(result.changes.versions)],
        log=result.changes,
        links=links,
        first=[Section("Failed", ("condition", "reason"), failed, important=True)],
        extra=[_evaluations(result.changes), Section("Ready for", ("use", "before", "now", "lacks"), ready)],
    )


def _address(diff: Diff, link: str) -> str:
    """Return the address of both versions on a page of `mvc ui --export`; `link` itself if it names a part of a page."""
    address = quote(link, safe=_IN_URL)
    if "#" in link:
        return address
    ids = "...".join(dict.fromkeys(short(side) for side in (diff.old, diff.new) if side is not None))
    return f"{address}#/{quote(diff.model, safe='')}/{ids}"


def _evaluations(log: Changelog) -> Section:
    return sections.evaluations(log.evaluations, *_sides(log.diff))


def _readiness(change: ReadyChange) -> tuple[str, ...]:
    before = ABSENT if change.before is None else _READY[change.before]
    return change.use, before, _READY[change.ready], sections.cut(", ".join(change.lacks))


def _page(
    diff: Diff,
    top: Sequence[str],
    last: Sequence[Section],
    *,
    log: Changelog | None = None,
    links: Sequence[str] = (),
    first: Sequence[Section] = (),
    extra: Sequence[Section] = (),
) -> Iterator[str]:
    old, new = _sides(diff)
    title = text(new if diff.old == diff.new else f"{old}..{new}")
    evaluated = ("evaluations",) if log is not None and log.evaluations else ()
    head = [*top, f"## {text(diff.model)} {title}", "", text(changed(diff.difference, evaluated)), *links]
    changes = sections.of(diff.difference, old, new, diff.tensors or (), graph_changes=diff.onnx or (), extra=extra)
    return page(head, [*first, *changes, *last], _whole(diff))


def _sides(diff: Diff) -> tuple[str, str]:
    """Return the names of both sides, the same in every clone: `v6`, `v7`; with ids for the same number on two branches."""
    old = f"v{diff.old_number}" if diff.old is not None else "nothing"
    new = f"v{diff.new_number}" if diff.new is not None else "working tree"
    if old == new and diff.old != diff.new:
        return f"{old} {short(diff.old or '')}", f"{new} {short(diff.new or '')}"
    return old, new


def _whole(diff: Diff) -> str:
    """Return the command that prints a difference in full."""
    sides = [short(side) for side in (diff.old, diff.new) if side is not None]
    return shlex.join(["mvc", "--model", diff.model, "show" if diff.old is None else "diff", *sides])


def _versions(listed: Sequence[ChangelogVersion]) -> Section:
    """Return the section of versions: what, who, when, and the tags and aliases that are there."""
    rows = tuple(map(_version, listed))
    return Section("Versions", ("version", "date", "author", "names", "message"), rows)


def _version(entry: ChangelogVersion) -> tuple[str, ...]:
    version = entry.version
    names = ", ".join(name for kind, name in entry.names if kind in ("tag", "alias"))
    texts = map(sections.cut, (version.author.name, names, version.subject))
    return (f"v{version.number} {short(entry.id)}", date(version.time), *texts)
