"""Git's options that ask for what mvc does anyway: accepted, without an effect.

commit -am MSG      mvc records every tracked file
log --decorate      refs are always shown
log -3              log -n 3
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ACCEPTED: dict[str, tuple[tuple[str, ...], ...]] = {
    "commit": (("-a", "--all"), ("--no-edit",), ("-n", "--no-verify")),
    "config": (("--get", "--local"),),
    "diff": (
        ("--cached", "--staged"),
        ("-p", "-u", "--patch"),
        ("--word-diff", "--color-words"),
        ("-M", "--find-renames"),
        ("-w", "--ignore-all-space", "-b"),
    ),
    "fsck": (("--full", "--strict"),),
    "gc": (("--prune", "--auto", "--aggressive"),),
    "log": (
        ("--decorate", "--no-decorate", "--abbrev-commit"),
        ("-i", "--regexp-ignore-case", "-E", "--extended-regexp"),
        ("-M", "--find-renames"),
        ("--date-order", "--topo-order"),
    ),
    "merge": (("--ff", "--no-edit", "--commit"),),
    "pull": (("--ff-only", "--ff", "--no-edit"),),
    "fetch": (("-t", "--tags"),),
    "reset": (("--soft", "--mixed"),),
    "restore": (("-W", "--worktree"),),
    "revert": (("--no-edit",),),
    "rm": (("-r",),),
    "status": (("--ahead-behind",),),
    "show": (("-p", "-u", "--patch"), ("-M", "--find-renames"), ("--decorate",)),
    "tag": (("-a", "--annotate"),),
}
"""By verb: the options without an effect, those of one meaning together."""

_ALONE = {
    ("log", "--pretty"): "--pretty=medium",
    ("status", "--porcelain"): "--porcelain=v1",
    ("status", "-u"): "--untracked-files=normal",
    ("status", "--untracked-files"): "--untracked-files=normal",
    ("branch", "--merged"): "--merged=HEAD",
    ("branch", "--no-merged"): "--no-merged=HEAD",
    ("branch", "--contains"): "--contains=HEAD",
    ("gc", "--prune=now"): "--grace=0",
    ("add", "-A"): ".",
    ("add", "--all"): ".",
}
"""Options of Git's that take a value only after `=`, and what each means without one."""
_LINES = re.compile(r"-n\d{1,9}\Z", re.ASCII)
"""The number of lines of each message: mvc shows the first."""
_COUNT = re.compile(r"-(\d{1,9})\Z", re.ASCII)


def accepted(verb: str) -> tuple[str, ...]:
    """Return the options that a verb accepts without an effect."""
    return tuple(name for names in ACCEPTED.get(verb, ()) for name in names)


def rewritten(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a verb in mvc's spelling; what follows `--` stays."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    ignored = accepted(verb)
    words: list[str] = []
    for argument in arguments[:end]:
        name, equals, _ = argument.partition("=")
        count = _COUNT.match(argument) if verb == "log" else None
        if count:
            words += ["-n", count[1]]
        elif verb == "tag" and _LINES.match(argument):
            words.append("-n")
        elif (verb, argument) in _ALONE:
            words.append(_ALONE[verb, argument])
        else:
            words.append(name if equals and name in ignored else argument)
    return [*words, *arguments[end:]]
