"""Git's verbs that mvc has under another name: each runs a command of mvc.

ls-tree -r HEAD      mvc ls HEAD
help commit          mvc commit --help
remote remove NAME   mvc remote rm NAME
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class _Form(NamedTuple):
    """The words of mvc's command, and Git's options that it needs not."""

    words: tuple[str, ...]
    dropped: tuple[str, ...] = ()


_FORMS = {
    "annotate": _Form(("blame",)),
    "cat-file": _Form(("show",), ("-p",)),
    "count-objects": _Form(("du",), ("-v", "-H", "-vH", "--verbose", "--human-readable")),
    "difftool": _Form(("diff",), ("-y", "--no-prompt", "-g", "--gui")),
    "lfs ls-files": _Form(("ls",), ("-l", "-s", "--long", "--size")),
    "lfs track": _Form(("add",)),
    "ls-files": _Form(("ls",), ("-c", "--cached", "-t")),
    "ls-remote": _Form(("remote", "show"), ("--heads", "--tags", "-h", "-t", "--refs")),
    "ls-tree": _Form(("ls",), ("-r", "-t", "--name-only", "--full-tree")),
    "maintenance run": _Form(("gc",), ("--auto",)),
    "merge-base": _Form(("rev-parse", "--merge-base")),
    "name-rev": _Form(("log", "-n1", "--format", "{short} {names}"), ("--tags", "--name-only")),
    "notes append": _Form(("notes", "add")),
    "notes list": _Form(("notes", "log")),
    "notes remove": _Form(("notes", "rm")),
    "rebase --abort": _Form(("merge", "--abort")),
    "reflog show": _Form(("reflog",)),
    "remote prune": _Form(("fetch", "--prune")),
    "remote remove": _Form(("remote", "rm")),
    "rev-list": _Form(("log", "-q")),
    "symbolic-ref": _Form(("branch", "--show-current"), ("HEAD", "--short", "-q")),
    "whatchanged": _Form(("log", "--name-status")),
}
"""Verbs, or verbs with a sub-verb, of which the rest of the arguments is the same in mvc."""


def translated(arguments: Sequence[str]) -> list[str] | None:
    """Return mvc's command for a command of Git's; None if there is none."""
    for length in (2, 1):
        name = " ".join(arguments[:length])
        form = _FORMS.get(name) if len(arguments) >= length else None
        if form is not None:
            return [*form.words, *(word for word in arguments[length:] if word not in form.dropped)]
    special = _SPECIAL.get(arguments[0])
    return special(list(arguments[1:])) if special is not None else None


def _help(arguments: list[str]) -> list[str] | None:
    """Return `VERB --help`, for Git's own words of mvc's: `help rev-list` is the help of `log`."""
    words = [word for word in arguments if not word.startswith("-")]
    return [*(translated(words) or words)[:2], "--help"] if words else None


def _update_ref(arguments: list[str]) -> list[str] | None:
    """Return `branch NAME REV` or `tag NAME REV` for `update-ref refs/heads/NAME REV`."""
    if len(arguments) != 2:
        return None
    for prefix, verb in (("refs/heads/", "branch"), ("refs/tags/", "tag")):
        if arguments[0].startswith(prefix):
            return [verb, arguments[0].removeprefix(prefix), arguments[1]]
    return None


_SPECIAL: dict[str, Callable[[list[str]], list[str] | None]] = {"help": _help, "update-ref": _update_ref}
"""Verbs whose arguments are ordered otherwise in mvc."""

NAMES = (*_FORMS, *_SPECIAL)
"""Every verb, or verb with sub-verb, that runs a command of mvc."""
