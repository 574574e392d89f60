"""Git's options that ask for what mvc does anyway, or has under another name.

commit -am MSG      mvc records every tracked file
log --decorate      refs are always shown
log -3              log -n 3
log --numstat       log --stat
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mvc.deferred import regex

_WHITESPACE = (
    "-w",
    "--ignore-all-space",
    "-b",
    "--ignore-space-change",
    "--ignore-space-at-eol",
    "--ignore-blank-lines",
)
_ALGORITHMS = (
    "--minimal",
    "--patience",
    "--histogram",
    "--diff-algorithm",
    "-a",
    "--text",
    "--binary",
    "--no-ext-diff",
)
_SHOWN = ("--full-index", "--no-prefix", "-W", "--function-context", "--relative", "--submodule", "--textconv")
_MOVED = ("-M", "--find-renames", "--no-renames", "--find-copies")
_IDS = ("--abbrev", "--abbrev-commit", "--no-abbrev", "--no-abbrev-commit")

ACCEPTED: dict[str, tuple[tuple[str, ...], ...]] = {
    "add": (("--ignore-errors", "--refresh", "--renormalize"),),
    "archive": (("-0", "-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9"), ("--worktree-attributes",)),
    "blame": (
        ("-w", "-M", "-e", "--show-email", "-s", "-l", "-n", "-f", "-c", "-t"),
        ("--date", "--abbrev", "--root", "--show-name", "--show-number", "--score-debug"),
    ),
    "branch": (("--column", "--no-column", "--no-track", "-i", "--ignore-case", *_IDS),),
    "checkout": (("--guess", "--no-guess"), ("-l", "--no-track", "--overwrite-ignore")),
    "cherry-pick": (("--ff", "--allow-empty", "--keep-redundant-commits", "--allow-empty-message"),),
    "clean": (("-X",),),
    "clone": (
        ("--recursive", "--recurse-submodules", "--remote-submodules", "--shallow-submodules"),
        ("-l", "--local", "--no-local", "-s", "--shared", "--no-hardlinks", "--dissociate"),
        ("--no-single-branch",),
    ),
    "commit": (
        ("-a", "--all"),
        ("--no-edit",),
        ("--no-post-rewrite",),
        ("--cleanup", "--status", "--no-status", "--untracked-files"),
    ),
    "config": (
        ("--get", "--get-all", "--replace-all", "--local"),
        ("--type", "--bool", "--int", "--path", "--includes"),
    ),
    "describe": (("--broken", "--debug", "--candidates"),),
    "diff": (
        ("--cached", "--staged"),
        ("-p", "-u", "--patch"),
        ("--word-diff", "--color-words"),
        _MOVED,
        _WHITESPACE,
        _ALGORITHMS,
        _SHOWN,
    ),
    "fetch": (
        ("-t", "--tags"),
        ("-f", "--force"),
        ("--recurse-submodules", "--no-recurse-submodules", "--auto-gc", "--no-auto-gc"),
    ),
    "fsck": (
        ("--full", "--strict", "--root", "--cache", "--tags", "--name-objects", "--lost-found", "--connectivity-only"),
        ("--dangling", "--no-dangling", "--unreachable", "--no-reflogs"),
    ),
    "gc": (("--prune", "--auto", "--aggressive", "--force", "--cruft", "--no-cruft", "--keep-largest-pack"),),
    "grep": (
        ("-n", "--line-number", "-H", "--heading", "--break", "--full-name", "-p", "-W"),
        ("-E", "--extended-regexp", "-P", "--perl-regexp", "-G", "--basic-regexp"),
        ("-r", "--recursive", "-I", "-a", "--text", "--cached", "--untracked", "--recurse-submodules"),
    ),
    "init": (("--shared", "--template", "--object-format"),),
    "log": (
        ("--decorate", "--no-decorate", *_IDS),
        ("-i", "--regexp-ignore-case", "-E", "--extended-regexp", "-P", "--perl-regexp"),
        _MOVED,
        _WHITESPACE,
        _ALGORITHMS,
        ("--date-order", "--topo-order", "--author-date-order"),
        ("--date", "--source", "--full-history", "--show-notes", "--notes", "--all-match"),
        ("-c", "--cc", "-m", "--diff-merges", "--no-patch", "-s"),
    ),
    "merge": (
        ("--ff", "--no-edit", "--commit", "-e", "--edit"),
        ("-n", "--stat", "--no-stat", "--log", "--no-log", "--rerere-autoupdate"),
        ("--allow-unrelated-histories",),
    ),
    "pull": (
        ("--ff-only", "--ff", "--no-edit", "--no-rebase"),
        ("-t", "--tags", "--stat", "-n", "--no-stat"),
        ("--recurse-submodules", "--allow-unrelated-histories"),
    ),
    "push": (
        ("--verify", "--thin", "--no-thin", "--no-atomic"),
        ("--force-if-includes", "--recurse-submodules"),
    ),
    "reflog": (("--date", "--oneline", "--decorate", *_IDS),),
    "reset": (("--soft", "--mixed"), ("--no-refresh", "--refresh", "--recurse-submodules")),
    "restore": (("-W", "--worktree"), ("--recurse-submodules", "--overlay", "--no-overlay")),
    "rev-parse": (("--revs-only", "--end-of-options"),),
    "revert": (("--no-edit",),),
    "rm": (("-r",),),
    "shortlog": (("-c", "--committer"),),
    "show": (
        ("-p", "-u", "--patch"),
        _MOVED,
        ("--decorate", "--no-decorate", *_IDS),
        _WHITESPACE,
        _ALGORITHMS,
        ("--date", "-c", "--cc", "-m", "--first-parent", "--notes", "--show-notes"),
    ),
    "status": (
        ("--ahead-behind", "--no-ahead-behind"),
        ("--long", "--show-stash", "--column", "--no-column", "--ignore-submodules"),
        _MOVED,
    ),
    "switch": (("--guess", "--no-guess", "--overwrite-ignore", "--no-track"),),
    "tag": (("-a", "--annotate"), ("--column", "--no-column", "-i", "--ignore-case")),
}
"""By verb: the options without an effect, those of one meaning together."""

PARTLY = frozenset({"branch", "config", "notes", "reflog", "remote", "show"})
"""Verbs of mvc, of which some forms run another command."""
_STATISTICS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("--numstat", "--shortstat", "--summary", "--dirstat", "--compact-summary"), ("--stat",)),
    "--patch-with-stat": ("--stat",),
    "--raw": ("--name-status",),
}
"""Git's statistics of changes, of which mvc has one."""
_SIDES: dict[str, tuple[str, ...]] = {
    f"{option}{side}": (f"--{side}",) for option in ("-X", "--strategy-option=") for side in ("ours", "theirs")
}
"""Git's ways to resolve conflicts by one side."""
_AT_HEAD = {("tag", "--contains"), ("tag", "--merged"), ("tag", "--points-at"), ("branch", "--points-at")}
"""Options that mean HEAD without a value."""
_WRITTEN: dict[str, dict[str, tuple[str, ...]]] = {
    "add": dict.fromkeys(("-A", "--all", "-Av", "-vA", ":/"), (".",)),
    "branch": {
        "--merged": ("--merged=HEAD",),
        "--no-merged": ("--no-merged=HEAD",),
        "--contains": ("--contains=HEAD",),
        "-M": ("-m",),
    },
    "commit": dict.fromkeys(("-uno", "-uall", "-unormal"), ()),
    "config": {"--unset-all": ("--unset",)},
    "diff": {**_STATISTICS, "--quiet": ("--quiet", "--exit-code")},
    "fetch": dict.fromkeys(("-P", "--prune-tags", "-pP"), ("--prune",)),
    "gc": {"--prune=now": ("--grace=0",), "--prune=all": ("--grace=0",)},
    "log": {
        **_STATISTICS,
        "--patch-with-stat": ("--patch",),
        **dict.fromkeys(("--branches", "--tags", "--remotes"), ("--all",)),
        "--pretty": ("--pretty=medium",),
    },
    "merge": _SIDES,
    "pull": {"--rebase=false": (), **dict.fromkeys(("-r", "--rebase=true", "--rebase=merges"), ("--rebase",))},
    "restore": {**dict.fromkeys(("-SW", "-WS"), ("-W",)), ":/": (".",)},
    "show": _STATISTICS,
    "clean": {".": ()},
    "checkout": dict.fromkeys(("-t", "--track"), ()),
    "grep": dict.fromkeys(("-e", "--regexp"), ()),
    "rev-parse": {"--short": ("--short=10",)},
    "switch": dict.fromkeys(("-t", "--track"), ()),
    "status": {
        ".": (),
        "--porcelain": ("--porcelain=v1",),
        "-u": ("--untracked-files=normal",),
        "--untracked-files": ("--untracked-files=normal",),
    },
}
"""Git's spellings that mean something in mvc's, by verb."""
_NAMES = {
    ("log", "--committer"): "--author",
    ("log", "-G"): "-S",
}
"""Options with a value that mvc has under another name."""
_VALUES = {
    "--color": ("always", ("auto", "always", "never")),
    "--progress": ("bar", ("auto", "bar", "plain", "none")),
}
"""Options of every verb that take a value in mvc: the default value, and all values."""
_SWITCHES = {"--no-color": "--color=never", "--no-progress": "--progress=none"}
"""Options of every verb that are a value of another one in mvc."""
_LINES = regex(r"-n\d{1,9}\Z", re.ASCII)
"""The number of lines of each message: mvc shows the first."""
_COUNT = regex(r"-(\d{1,9})\Z", re.ASCII)
_COUNTED = ("log", "reflog")
"""The verbs that take `-3`."""
_CREATES = {"-b", "-B", "-c", "-C", "--create"}
"""Options that name a new branch, so that the other name is the version it begins at."""
_LIKENESS = regex(r"-[MC]\d{1,3}%?\Z", re.ASCII)
"""How alike a renamed file must be: mvc decides that itself."""


def accepted(verb: str) -> tuple[str, ...]:
    """Return the options that a verb accepts without an effect."""
    return tuple(name for names in ACCEPTED.get(verb, ()) for name in names)


def rewritten(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a verb in mvc's spelling; what follows `--` stays."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    ignored = frozenset(accepted(verb))
    written = _WRITTEN.get(verb, {})
    tracks = (
        verb in ("switch", "checkout") and bool({"-t", "--track"} & set(arguments)) and not _CREATES & set(arguments)
    )  # -t origin/dev: branch dev
    words: list[str] = []
    arguments = _joined(verb, arguments[:end]) + list(arguments[end:])
    end = len(arguments) if "--" not in arguments else arguments.index("--")
    for number, argument in enumerate(arguments[:end]):
        following = arguments[number + 1] if number + 1 < end else ""
        if tracks and not argument.startswith("-"):
            argument = argument.partition("/")[2] or argument
        count = _COUNT.match(argument) if verb in _COUNTED else None
        if count:
            words += ["-n", count[1]]
        elif (verb, argument) in _AT_HEAD and (not following or following.startswith("-")):
            words.append(f"{argument}=HEAD")
        elif argument in written:
            words += written[argument]
        elif verb == "tag" and _LINES.match(argument):
            words.append("-n")
        elif not ("-M" in ignored and _LIKENESS.match(argument)):
            words.append(_own(verb, argument, following, ignored))
    return [*words, *arguments[end:]]


def _joined(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `-X theirs` as one word, and without the --staged of `restore --staged --worktree`."""
    words = list(arguments)
    if verb == "restore" and {"-W", "--worktree"} & set(words):
        words = [word for word in words if word not in ("-S", "--staged")]
    for number in reversed([number for number, word in enumerate(words) if word in ("-X", "--strategy-option")]):
        if words[number + 1 : number + 2] in (["ours"], ["theirs"]):
            words[number : number + 2] = [f"-X{words[number + 1]}"]
    return words


def _own(verb: str, argument: str, following: str, ignored: frozenset[str]) -> str:
    """Return an argument under mvc's name, with the value that it needs."""
    name, equals, value = argument.partition("=")
    if name == "--force-with-lease" and ":" not in value:
        return name
    if name in ignored:
        return name
    if argument in _SWITCHES:
        return _SWITCHES[argument]
    if argument in _VALUES and following not in _VALUES[argument][1]:
        return f"{argument}={_VALUES[argument][0]}"
    other = _NAMES.get((verb, name))
    if other is None:
        return argument
    return f"{other}{equals}{value}" if other.startswith("--") else f"{other}{value}"


_BEFORE = {
    "-P": ("--no-pager",),
    **dict.fromkeys(("-p", "--paginate", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects"), ()),
}
"""Options of Git's before the verb, and what each means in mvc."""


def leading(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of the program, with the options before the verb in mvc's spelling."""
    words = list(arguments)
    number = 0
    while number < len(words) and words[number].startswith("-"):
        if words[number] in _BEFORE:
            replaced = _BEFORE[words[number]]
            words[number : number + 1] = replaced
            number += len(replaced)
            continue
        number += (
            2
            if words[number] in ("-C", "--repo", "--model", "--color", "--progress", "--lock-timeout", "--force-policy")
            else 1
        )
    return words
