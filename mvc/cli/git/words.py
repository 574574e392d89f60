"""Git's verbs and options that mvc lacks, each with what to use instead: a guess by spelling would be a dangerous one.

mvc bisect           `mvc log --stat`, not `mvc diff`
mvc push --force     `mvc push --force-with-lease`, not `--repo`
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from mvc import lazy

VERBS = {
    "am": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "apply": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "bisect": "use `mvc log --stat` and `mvc diff REV REV`",
    "bundle": "use a folder as a remote: `mvc remote add NAME FOLDER`, `mvc push NAME main`",
    "check-ignore": "use `mvc status`, which lists no ignored file; the rules are in .mvcignore",
    "filter-branch": "versions never change, so mvc has no such command",
    "for-each-ref": "use `mvc branch -a`, `mvc tag` and `mvc alias`",
    "format-patch": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "gui": "use `mvc status` and `mvc diff`",
    "hash-object": "use `mvc ls -l HEAD`, which lists the ids of files",
    "lfs": "mvc stores large files itself; use `mvc add FILE --as ROLE`, and `mvc ls`",
    "rebase": "use `mvc pull --rebase` or `mvc push --rebase`, or `mvc merge REV`",
    "repack": "use `mvc gc`",
    "sparse-checkout": "use `mvc clone --only ROLE URL`, which fetches only some files",
    "stage": "there is no staging area; `mvc commit -m MESSAGE` records every tracked file",
    "submodule": "a repository may hold several models: `mvc init DIRECTORY --model NAME`",
    "update-ref": "use `mvc branch NAME REV`",
    "verify-commit": "versions are not signed; use `mvc fsck`, which checks every version",
    "worktree": "use `mvc export REV DIR`, or `mvc clone URL DIR` for a second working tree",
}
"""Git's verbs that mvc lacks."""

SUBVERBS = {
    "reflog": {
        "expire": "use `mvc gc`, which drops old entries (setting gc.reflog-expire)",
        "delete": "use `mvc gc`, which drops old entries (setting gc.reflog-expire)",
    },
    "remote": {
        "get-url": "use `mvc -v remote`",
    },
}
"""Sub-verbs of Git that mvc lacks, by verb."""

_STASH: dict[tuple[str, ...], str] = {
    ("-u", "--include-untracked", "-a", "--all"): "untracked files stay; track one with `mvc add FILE --as ROLE` first",
    ("-p", "--patch", "-S", "--staged"): "there is no staging area; `mvc stash` puts every changed file aside",
}
_PICKS: dict[tuple[str, ...], str] = {
    ("-e", "--edit"): "the message is made from the version's; change it with `mvc commit --amend -m MESSAGE`",
    ("--skip", "--quit"): "use --abort, which restores the working tree",
    ("-X", "--strategy-option", "--strategy"): "use --ours, --theirs or --take FIELD=ours",
}
OPTIONS: dict[str, dict[tuple[str, ...], str]] = {
    "add": {
        ("-u", "--update", "-p", "--patch", "-i", "--interactive", "-N", "--intent-to-add"): (
            "there is no staging area; `mvc commit -m MESSAGE` records every tracked file"
        ),
        ("-f", "--force"): "an ignored file is tracked by its own path: `mvc add PATH`",
    },
    "archive": {
        ("-l", "--list"): "the formats are zip, tar and tar.gz; use `mvc archive HEAD --format zip -o FILE`",
        ("--remote",): "use `mvc download URL DIR`, which needs no repository",
    },
    "branch": {
        ("-f", "--force"): "move a branch with `mvc switch BRANCH`, then `mvc reset --keep REV`",
    },
    "cherry-pick": _PICKS,
    "clone": {
        ("--depth", "--single-branch", "--filter"): "use `--meta` or `--only ROLE`: files are fetched when needed",
        ("--bare", "--mirror"): "a remote is made by `mvc push`; no bare clone is needed",
    },
    "commit": {
        ("-p", "--patch", "--interactive"): "there is no staging area; `mvc commit -m MESSAGE` records every tracked file",
        ("-S", "--gpg-sign"): "versions are not signed; use `mvc commit -m MESSAGE`",
        ("--fixup", "--squash"): "use `mvc commit --amend`",
    },
    "init": {("--bare",): "use a folder as a remote: `mvc remote add NAME FOLDER`, `mvc push NAME main`"},
    "merge": {
        ("--no-ff", "--no-commit", "--squash"): "`mvc merge REV` fast-forwards where it can, and commits a merge without conflicts",
        ("-X", "--strategy-option", "-s", "--strategy"): "use --ours, --theirs or --take FIELD=ours",
    },
    "mv": {
        ("-f", "--force"): "it overwrites nothing; use `mvc rm FILE` first",
        ("-k",): "it moves all files or none; use `mvc mv -n ROLE NAME` to see what it would do",
    },
    "pull": {("-f", "--force"): "use `mvc fetch` and `mvc reset --hard REMOTE/BRANCH`"},
    "push": {("-f", "--force"): "it could discard what others pushed; use `mvc push --force-with-lease`", ("--mirror",): "use `mvc push --all --tags`"},
    "reset": {
        ("-N",): "use `mvc reset REV`, which keeps all files",
        ("--merge",): "use `mvc reset --keep REV`, or `mvc merge --abort`",
    },
    "restore": {
        ("-S", "--staged"): "there is no staging area; `mvc rm ROLE --cached` stops tracking a file",
    },
    "revert": _PICKS,
    "stash": _STASH,
    "stash push": _STASH,
    "tag": {
        ("-f", "--force"): "tags never move; use `mvc alias set NAME REV`",
    },
}  # fmt: skip
"""Options of Git's verbs that mvc lacks, by verb."""

_COMMANDS = {
    "add": ("mvc add PATH", "mvc add"),
    "merge": ("mvc merge REV", "mvc merge"),
    "push": ("mvc push --force-with-lease", "mvc push --force-with-lease"),
    "tag": ("mvc alias set NAME REV", "mvc alias set"),
}
"""By verb: a command in its texts, and how that begins if the names that the user gave follow."""
_CLOSE = 0.75
"""The likeness from which on a misspelt word is guessed at: `comit`, not `revert` for `reset`."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is a likely misspelling of."""
    near: list[str] = lazy.load("difflib").get_close_matches(word, list(known), 1, _CLOSE)
    return near[0] if near else None


def unknown_verb(word: str, known: Iterable[str]) -> str:
    """Return the message for a verb that mvc lacks."""
    if word in VERBS:
        return f"mvc has no {word}: {VERBS[word]}."
    near = nearest(word, known)
    return f"{word!r} is not an mvc command." + (f" Did you mean {near!r}?" if near else "")


def unknown_subverb(verb: str, words: Sequence[str], known: Iterable[str]) -> str:
    """Return the message for a sub-verb that mvc lacks; `words` are what follows `mvc VERB`."""
    word = words[0]
    if word in SUBVERBS.get(verb, {}):
        return f"mvc {verb} has no {word}: {SUBVERBS[verb][word]}."
    near = nearest(word, known)
    if near is None and verb == "alias":
        return f"'alias {word}' is not an mvc command. Did you mean `mvc alias set {shlex.join(words)}`?"
    return f"'{verb} {word}' is not an mvc command." + (f" Did you mean '{verb} {near}'?" if near else "")


def unknown_option(verb: str, name: str, known: Iterable[str], arguments: Sequence[str] = ()) -> str:
    """Return the message for an option that a verb lacks; `arguments` are those of the whole command."""
    instead = option(verb, name)
    if instead is not None:
        return f"mvc {verb} has no {name}: {_with_own_words(instead, verb, name, arguments)}."
    near = nearest(name, [word for word in known if word.startswith("--")])
    return f"{f'mvc {verb}'.strip()} has no option {name}." + (f" Did you mean {near}?" if near else "")


def _with_own_words(text: str, verb: str, name: str, arguments: Sequence[str]) -> str:
    """Return the text with the names that the user gave in its command: `mvc push --force-with-lease origin main`."""
    spelled, own = _COMMANDS.get(verb, ("", ""))
    given = [word for word in arguments[1:] if word not in (name, "--")]
    if not spelled or arguments[:1] != [verb] or not given or any(word.startswith("-") for word in given):
        return text
    return text.replace(f"`{spelled}`", f"`{own} {shlex.join(given)}`")


def option(verb: str, name: str) -> str | None:
    """Return what to use instead of an option of Git's; None if it is none."""
    return next((text for names, text in OPTIONS.get(verb, {}).items() if name in names), None)
