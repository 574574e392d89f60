"""`mvc status` in Git's short formats.

 M weights/best.onnx       -s, --porcelain
1 .M N... 100644 100644 100644 ID ID weights/best.onnx      --porcelain=v2
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.cli.app.terminal import escape
from mvc.model.compare.files import FileChange
from mvc.model.compare.narrow import changed_names
from mvc.porcelain.status import Status

_STATES = {"A": "A ", "M": " M", "D": " D", "R": "R "}
_NONE = "0" * 64


def lines(result: Status, *, branch: bool, untracked: bool) -> Iterator[str]:
    """Yield the short format: two columns of state, and the path. Values and classes are changes of model.toml."""
    if branch:
        yield _branch(result)
    conflicts = {"model.toml"} if result.conflicts else set()
    yield from (f"UU {path}" for path in sorted(conflicts))
    for kind, *paths in changed_names(result.difference):
        if paths[-1] not in conflicts:
            yield f"{_STATES[kind]} {' -> '.join(map(escape, paths))}"
    if untracked:
        yield from (f"?? {escape(path)}" for path in result.untracked)


def second(result: Status, *, branch: bool, untracked: bool) -> Iterator[str]:
    """Yield version 2 of the format for scripts."""
    if branch:
        yield f"# branch.oid {result.base or '(initial)'}"
        yield f"# branch.head {escape(result.branch) if result.branch else '(detached)'}"
        if result.upstream is not None:
            yield f"# branch.upstream {escape(f'{result.upstream.remote}/{result.upstream.name}')}"
            yield f"# branch.ab +{result.upstream.ahead} -{result.upstream.behind}"
    by_path = {change.entry.path: change for change in result.difference.files}
    for kind, *paths in changed_names(result.difference):
        yield _second(kind, paths, by_path.get(paths[-1]))
    if untracked:
        yield from (f"? {escape(path)}" for path in result.untracked)


def _second(kind: str, paths: list[str], change: FileChange | None) -> str:
    state = _STATES[kind].replace(" ", ".")
    old, new = (change.old, change.new) if change else (None, None)
    modes = ["000000" if side is None and change else _mode(bool(side and side.exec)) for side in (old, new, new)]
    ids = [(side.file if side else "") or _NONE for side in (old, new)]
    head = f"{'2' if kind == 'R' else '1'} {state} N... {' '.join(modes)} {' '.join(ids)}"
    if kind == "R":
        return f"{head} R100 {escape(paths[-1])}\t{escape(paths[0])}"
    return f"{head} {escape(paths[-1])}"


def _mode(executable: bool) -> str:
    return "100755" if executable else "100644"


def _branch(result: Status) -> str:
    if result.branch is None:
        return "## HEAD (no branch)"
    if result.base is None:
        return f"## No commits yet on {escape(result.branch)}"
    upstream = result.upstream
    if upstream is None:
        return f"## {escape(result.branch)}"
    far = [f"{word} {number}" for word, number in (("ahead", upstream.ahead), ("behind", upstream.behind)) if number]
    theirs = escape(f"{upstream.remote}/{upstream.name}")
    apart = f" [{', '.join(far)}]" if far else ""
    return f"## {escape(result.branch)}...{theirs}{apart}"
