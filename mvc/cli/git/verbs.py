"""Git's verbs that mvc has under another name: each runs a command of mvc.

ls-tree -r HEAD      mvc ls HEAD
help commit          mvc commit --help
remote remove NAME   mvc remote rm NAME
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mvc.cli.git import forms


class _Form(NamedTuple):
    """The words of mvc's command, and Git's options that it needs not."""

    words: tuple[str, ...]
    dropped: tuple[str, ...] = ()


_FORMS = {
    "verify-commit": _Form(("verify",), ("-v", "--verbose", "--raw")),
    "verify-tag": _Form(("verify",), ("-v", "--verbose", "--raw")),
    "annotate": _Form(("blame",)),
    "br": _Form(("branch",)),
    "cat-file": _Form(("show",), ("-p", "blob", "commit", "tag")),
    "cat-file -e": _Form(("rev-parse", "-q")),
    "checkout-index": _Form(("restore", "."), ("-a", "--all", "-f", "--force", "-u", "-q")),
    "ci": _Form(("commit",)),
    "co": _Form(("checkout",)),
    "config get": _Form(("config",), ("--all",)),
    "config list": _Form(("config", "--list")),
    "config set": _Form(("config",), ("--all",)),
    "config unset": _Form(("config", "--unset"), ("--all",)),
    "count-objects": _Form(("du",), ("-v", "-H", "-vH", "--verbose", "--human-readable")),
    "diff-files": _Form(("diff",), ("-r",)),
    "diff-index": _Form(("diff",), ("-r", "-m")),
    "difftool": _Form(("diff",), ("-y", "--no-prompt", "-g", "--gui", "-d", "--dir-diff")),
    "lfs ls-files": _Form(("ls",), ("-l", "-s", "--long", "--size", "-a", "--all")),
    "lfs fetch": _Form(("fetch",)),
    "lfs pull": _Form(("pull",)),
    "lfs push": _Form(("push",)),
    "lfs status": _Form(("status",)),
    "lfs track": _Form(("add",)),
    "lfs untrack": _Form(("rm", "--cached")),
    "ls-tree": _Form(
        ("ls",), ("-r", "-t", "-d", "-rt", "--name-only", "--name-status", "--full-tree", "--full-name", "--abbrev")
    ),
    "ls-tree -rl": _Form(("ls", "-l")),
    "maintenance run": _Form(("gc",), ("--auto",)),
    "merge-base": _Form(("rev-parse", "--merge-base"), ("-a", "--all")),
    "merge-base --is-ancestor": _Form(("rev-parse", "--is-ancestor")),
    "name-rev": _Form(("log", "-n1", "--format", "{short} {names}"), ("--tags", "--name-only")),
    "notes append": _Form(("notes", "add")),
    "notes list": _Form(("notes", "log")),
    "notes remove": _Form(("notes", "rm")),
    "rebase --abort": _Form(("merge", "--abort")),
    "reflog show": _Form(("reflog",)),
    "remote prune": _Form(("fetch", "--prune")),
    "remote remove": _Form(("remote", "rm")),
    "remote update": _Form(("fetch", "--all")),
    "rev-list": _Form(("log", "-q")),
    "show-branch": _Form(("log", "--oneline", "--graph"), ("-a", "--current", "--list")),
    "st": _Form(("status",)),
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


def _branch(arguments: list[str]) -> list[str] | None:
    """Return `branch NEW OLD` for `branch -c [OLD] NEW`; None for the other forms."""
    if not arguments or arguments[0] not in ("-c", "-C", "--copy") or not 2 <= len(arguments) <= 3:
        return None
    return ["branch", *reversed(arguments[1:])]


def _cherry(arguments: list[str]) -> list[str]:
    """Return `log --oneline UPSTREAM..HEAD`."""
    upstream, head, *_ = [*(word for word in arguments if not word.startswith("-")), *("", "")]
    return ["log", "--oneline", f"{upstream or '@{u}'}..{head}"]


def _diff_tree(arguments: list[str]) -> list[str]:
    """Return `show REV`, or `diff REV REV`."""
    words = [word for word in arguments if word not in ("--no-commit-id", "-r", "-t", "--root", "-m", "-c")]
    return ["diff" if sum(not word.startswith("-") for word in words) > 1 else "show", *words]


def _ls_files(arguments: list[str]) -> list[str]:
    """Return `ls`, or the command that lists the files that are modified, untracked or both."""
    ignored = {"-c", "--cached", "-t", "-s", "--stage", "--full-name", "--exclude-standard", "--error-unmatch", "-v"}
    words = [word for word in arguments if word not in ignored]
    untracked = bool(_OTHERS & set(words))
    modified = bool(_MODIFIED & set(words))
    rest = [word for word in words if word not in _OTHERS | _MODIFIED]
    if modified:
        return ["status", "-s"] if untracked else ["diff", "--name-only", *rest]
    return ["clean", "-n", *rest] if untracked else ["ls", *(["--", *rest] if rest and "--" not in rest else rest)]


_OTHERS = {"-o", "--others"}
_MODIFIED = {"-m", "--modified", "-d", "--deleted"}


def _ls_remote(arguments: list[str]) -> list[str]:
    """Return `remote show NAME`, of origin by default."""
    flags = {"--heads", "--tags", "-h", "-t", "--refs", "-q", "--symref", "--exit-code", "--branches", "--get-url"}
    words = [word for word in arguments if word not in flags]
    return ["remote", "show", *(words[:1] or ["origin"])]


def _remote(arguments: list[str]) -> list[str] | None:
    """Return `remote` for `remote show`; None for the rest."""
    return ["remote"] if arguments == ["show"] else None


def _show(arguments: list[str]) -> list[str] | None:
    """Return `log -n1` for a format, or for paths, of which `show` has none."""
    formatted = [word for word in arguments if word.startswith(("--format", "--pretty", "--oneline"))]
    if not formatted and "--" not in arguments:
        return None
    quiet = {"-s", "--no-patch", "-q", "--quiet"}
    changes = quiet | {"--stat", "--numstat", "--shortstat", "--name-only", "--name-status", "--raw", "-p", "--patch"}
    words = [word for word in arguments if word not in quiet and word != "-1"]
    return ["log", "-n1", *(() if changes & set(arguments) else ("-p",)), *words]


def _help(arguments: list[str]) -> list[str] | None:
    """Return `VERB --help`, for Git's own words of mvc's: `help rev-list` is the help of `log`."""
    words = [word for word in arguments if not word.startswith("-") and word not in _GUIDES]
    if not words:
        return ["--help"]
    return [*(translated(words) or words)[:2], "--help"]


_GUIDES = ("git", "tutorial", "everyday", "revisions", "glossary", "workflows")
"""Pages of Git's help that are about no command."""


def _update_ref(arguments: list[str]) -> list[str] | None:
    """Return `branch NAME REV` or `tag NAME REV` for `update-ref refs/heads/NAME REV`, `branch -D` with `-d`."""
    if arguments[:1] == ["-d"] and arguments[1:] and arguments[1].startswith("refs/heads/"):
        return ["branch", "-D", arguments[1].removeprefix("refs/heads/")]
    if len(arguments) != 2:
        return None
    for prefix, verb in (("refs/heads/", "branch"), ("refs/tags/", "tag")):
        if arguments[0].startswith(prefix):
            return [verb, arguments[0].removeprefix(prefix), arguments[1]]
    return None


_SPECIAL: dict[str, Callable[[list[str]], list[str] | None]] = {
    "branch": _branch,
    "cherry": _cherry,
    "diff-tree": _diff_tree,
    "help": _help,
    "ls-files": _ls_files,
    "ls-remote": _ls_remote,
    "remote": _remote,
    "show": _show,
    "update-ref": _update_ref,
}
"""Verbs whose command depends on the arguments."""

NAMES = (*_FORMS, *(name for name in _SPECIAL if name not in forms.PARTLY))
"""Every verb, or verb with sub-verb, that runs a command of mvc."""
