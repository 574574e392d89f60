"""Git's verbs and options that mvc lacks, each with what to use instead: a guess by spelling would be a dangerous one.

mvc rebase           `mvc pull --rebase`, not `mvc restore`
mvc push --force     `mvc push --force-with-lease`, not `--repo`
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from mvc import lazy

VERBS = {
    "am": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "apply": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "bundle": "use a folder as a remote: `mvc remote add NAME FOLDER`, `mvc push NAME main`",
    "check-ignore": "use `mvc status`, which lists no ignored file; the rules are in .mvcignore",
    "citool": "use `mvc status` and `mvc diff`",
    "fast-export": "use a folder as a remote: `mvc remote add NAME FOLDER`, `mvc push NAME main`",
    "filter-branch": "versions never change, so mvc has no such command",
    "filter-repo": "versions never change, so mvc has no such command",
    "for-each-ref": "use `mvc branch -a`, `mvc tag` and `mvc alias`",
    "format-patch": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "gitk": "use `mvc log --graph --all`",
    "gui": "use `mvc status` and `mvc diff`",
    "hash-object": "use `mvc ls -l HEAD`, which lists the ids of files",
    "lfs": "mvc stores large files itself; use `mvc add FILE --as ROLE`, and `mvc ls`",
    "maintenance": "use `mvc gc`",
    "mergetool": "use `mvc status`, which lists the conflicts and how to resolve them",
    "pack-refs": "use `mvc gc`",
    "prune-packed": "use `mvc gc`",
    "range-diff": "use `mvc diff REV REV`",
    "rebase": "use `mvc pull --rebase` or `mvc push --rebase`, or `mvc merge REV`",
    "repack": "use `mvc gc`",
    "request-pull": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "send-email": "versions travel with `mvc push` and `mvc fetch`, not as patches",
    "show-ref": "use `mvc branch -a -v`, `mvc tag` and `mvc alias`",
    "sparse-checkout": "use `mvc clone --only ROLE URL`, which fetches only some files",
    "stage": "there is no staging area; `mvc commit -m MESSAGE` records every tracked file",
    "submodule": "a repository may hold several models: `mvc init DIRECTORY --model NAME`",
    "subtree": "a repository may hold several models: `mvc init DIRECTORY --model NAME`",
    "unstage": "there is no staging area; `mvc commit -m MESSAGE` records every tracked file",
    "update-index": "there is no staging area; `mvc commit -m MESSAGE` records every tracked file",
    "update-ref": "use `mvc branch NAME REV`",
    "var": "use `mvc config --list`",
    "worktree": "use `mvc export REV DIR`, or `mvc clone URL DIR` for a second working tree",
}
"""Git's verbs that mvc lacks."""

SUBVERBS: dict[str, dict[str, str]] = {
    "alias": {
        **dict.fromkeys(("list", "ls", "show"), "use `mvc alias`, which lists them"),
        **dict.fromkeys(("delete", "remove", "unset"), "use `mvc alias rm NAME`"),
        **dict.fromkeys(("add", "create", "move", "mv"), "use `mvc alias set NAME REV`"),
    },
    "bisect": {
        "old": "use `mvc bisect good`",
        "new": "use `mvc bisect bad`",
        "terms": "use good and bad, the only terms",
        "replay": "use a shell to run the file, as `mvc bisect log` prints commands",
        "visualize": "use `mvc bisect`, which shows the next version",
        "view": "use `mvc bisect`, which shows the next version",
        "next": "use `mvc bisect`, which shows the next version",
    },
    "notes": dict.fromkeys(("edit", "copy", "merge", "prune", "get-ref"), "use `mvc notes add REV TEXT`"),
    "reflog": {
        "expire": "use `mvc gc`, which drops old entries (setting gc.reflog-expire)",
        "delete": "use `mvc gc`, which drops old entries (setting gc.reflog-expire)",
    },
    "remote": {
        "get-url": "use `mvc -v remote`",
        "set-branches": "use `mvc fetch`, which fetches all refs",
        "set-head": "use `mvc branch -u REMOTE/BRANCH`",
    },
    "stash": dict.fromkeys(("create", "store"), "use `mvc stash push -m TEXT`"),
}
"""Sub-verbs of Git that mvc lacks, by verb."""

_STASH: dict[tuple[str, ...], str] = {
    ("-u", "--include-untracked", "-a", "--all"): "untracked files stay; track one with `mvc add FILE --as ROLE` first",
    (
        "-p",
        "--patch",
        "-S",
        "--staged",
        "-k",
        "--keep-index",
    ): "there is no staging area; `mvc stash` puts every changed file aside",
}
_PARTS = "files are restored whole: `mvc restore FILE`"
_ASIDE = "use `mvc stash`, and `mvc stash pop` afterwards"
_CONFLICTS = "use `mvc status`, which lists the conflicts and how to resolve them"
_ORPHAN = "a history of its own is another model: `mvc init DIRECTORY --model NAME`"
_WHOLE = "all versions are fetched, and files when needed: `mvc fetch`"
_CHECKOUTS: dict[tuple[str, ...], str] = {
    ("-p", "--patch"): _PARTS,
    ("-m", "--merge"): _ASIDE,
    ("--ours", "--theirs", "--conflict"): _CONFLICTS,
    ("--orphan",): _ORPHAN,
}
_PICKS: dict[tuple[str, ...], str] = {
    ("-e", "--edit"): "the message is made from the version's; change it with `mvc commit --amend -m MESSAGE`",
    (
        "-s",
        "--signoff",
        "-S",
        "--gpg-sign",
    ): "use `mvc commit --amend -m MESSAGE`, with -S to sign",
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
        ("-t", "--track"): "use `mvc branch NAME REV`, then `mvc branch -u REMOTE/BRANCH NAME`",
        ("--unset-upstream",): "follow another one with `mvc branch -u REMOTE/BRANCH`",
        ("--format",): "use `mvc branch --json`",
        ("--no-contains",): "use `mvc branch --no-merged REV`",
        ("-f", "--force"): "move a branch with `mvc switch BRANCH`, then `mvc reset --keep REV`",
    },
    "checkout": _CHECKOUTS,
    "cherry-pick": _PICKS,
    "clone": {
        ("--origin",): "rename it afterwards: `mvc remote rename origin NAME`",
        ("--no-tags",): "all refs are fetched: `mvc clone URL`",
        ("--depth", "--single-branch", "--filter", "-n", "--no-checkout", "--sparse", "--shallow-since"): "use `mvc clone --meta URL`, or --only ROLE: files are fetched when needed",
        ("--bare", "--mirror"): "a remote is made by `mvc push`; no bare clone is needed",
    },
    "commit": {
        ("-i", "--include", "-o", "--only"): "use `mvc commit -m MESSAGE`, which records every tracked file",
        ("-c", "--reedit-message", "--reuse-message"): "use `mvc commit -m MESSAGE`",
        ("--short", "--porcelain", "--long", "-z"): "use `mvc status --porcelain`",
        ("--trailer",): "write it into the message: `mvc commit -m MESSAGE`",
        ("--allow-empty-message",): "a version needs a message: `mvc commit -m MESSAGE`",
        ("--reset-author",): "use `mvc commit --author 'Ana <ana@example.org>' -m MESSAGE`",
        ("-p", "--patch", "--interactive"): "there is no staging area; `mvc commit -m MESSAGE` records every tracked file",
        ("--fixup", "--squash"): "use `mvc commit --amend`",
    },
    "init": {
        ("--bare",): "use a folder as a remote: `mvc remote add NAME FOLDER`, `mvc push NAME main`",
        ("-b", "--initial-branch"): "the first branch is main; rename it with `mvc branch -m NAME`",
    },
    "merge": {
        ("--quit",): "use `mvc merge --abort`",
        ("-S", "--gpg-sign", "--verify-signatures", "--signoff"): "use `mvc verify REV`, then `mvc merge REV`; the merge is signed afterwards",
        ("--autostash",): _ASIDE,
        ("--no-ff", "--no-commit", "--squash"): "`mvc merge REV` fast-forwards where it can, and commits a merge without conflicts",
        ("-X", "--strategy-option", "-s", "--strategy"): "use `mvc merge REV --theirs`, or --take FIELD=ours",
    },
    "mv": {
        ("-f", "--force"): "it overwrites nothing; use `mvc rm FILE` first",
        ("-k",): "it moves all files or none; use `mvc mv -n ROLE NAME` to see what it would do",
    },
    "pull": {
        ("-f", "--force"): "use `mvc fetch` and `mvc reset --hard @{u}`",
        ("--no-ff", "--no-commit", "--squash", "-s", "--strategy", "-X", "--strategy-option"): (
            "use `mvc fetch`, then `mvc merge @{u}`"
        ),
        ("--autostash",): _ASIDE,
        ("-p", "--prune", "--all", "--dry-run"): "use `mvc fetch -p` or `mvc fetch --all`, then `mvc pull`",
        ("--depth", "--unshallow"): _WHOLE,
    },
    "push": {
        ("-f", "--force"): "it could discard what others pushed; use `mvc push --force-with-lease`",
        ("--mirror",): "use `mvc push --all --tags`",
        ("--follow-tags",): "use `mvc push --tags`",
        ("--prune",): "delete a branch of the remote with `mvc push origin --delete BRANCH`",
        ("--porcelain",): "use `mvc push --json`",
        ("--atomic",): "each ref moves by itself, and a rejected one is named; use `mvc push`, and again after a rejection",
    },
    "reset": {
        ("-p", "--patch"): _PARTS,
        ("-N",): "use `mvc reset REV`, which keeps all files",
        ("--merge",): "use `mvc reset --keep REV`, or `mvc merge --abort`",
    },
    "prune": {("--expire",): "use `mvc gc`"},
    "reflog": {("--all", "-g"): "use `mvc op log`, which lists every command that changed something"},
    "remote add": {("-f", "--fetch"): "run `mvc fetch` afterwards"},
    "restore": {
        ("-p", "--patch"): _PARTS,
        ("--ours", "--theirs", "-m", "--merge", "--conflict"): _CONFLICTS,
        ("-S", "--staged"): "there is no staging area; `mvc rm ROLE --cached` stops tracking a file",
    },
    "revert": _PICKS,
    "stash": _STASH,
    "stash apply": {("--index",): "there is no staging area; use `mvc stash apply`"},
    "stash pop": {("--index",): "there is no staging area; use `mvc stash pop`"},
    "stash push": _STASH,
    "stash save": _STASH,
    "switch": {names: text for names, text in _CHECKOUTS.items() if "-p" not in names},
    "tag": {
        ("-u", "--local-user"): "use --key FILE, or the setting that `mvc config sign.key` prints",
        ("--verify",): "use `mvc verify REV`",
        ("-F", "--file", "-e", "--edit"): "use `mvc tag NAME -m WHY`",
        ("--format",): "use `mvc tag --json`",
        ("--no-contains", "--no-merged"): "use `mvc log --decorate REV`, which shows the tags",
        ("-f", "--force"): "tags never move; use `mvc alias set NAME REV`",
    },
    "log": {
        ("--diff-filter",): "use `mvc log --name-status`",
        ("-g", "--walk-reflogs", "--reflog"): "use `mvc reflog`",
        ("-L",): "use `mvc blame`, or `mvc log -S TEXT`",
        ("--not", "--left-right", "--cherry-pick", "--cherry-mark", "--boundary"): "use `mvc log main..dev`",
        ("--skip", "--no-walk"): "use `mvc log -n 1 REV`",
        ("--invert-grep",): "use `mvc log --where 'not subject ~ \"text\"'`",
        ("--merge",): _CONFLICTS,
    },
    "diff": {
        ("--diff-filter",): "use `mvc diff --name-status`",
        ("-R",): "name the revisions the other way round: `mvc diff HEAD REV`",
        ("-S", "-G"): "use `mvc log -S TEXT`",
        ("--merge-base",): "use `mvc diff main...HEAD`",
        ("--ours", "--theirs", "--base"): _CONFLICTS,
    },
    "fetch": {
        ("--depth", "--unshallow", "--deepen", "--shallow-since", "--filter", "--refetch"): _WHOLE,
        ("-a", "--append"): "use `mvc fetch --all`",
        ("-n", "--no-tags"): "all refs are fetched: `mvc fetch`",
        ("--dry-run",): "use `mvc remote show origin`",
        ("--multiple",): "use `mvc fetch --all`",
        ("--set-upstream",): "use `mvc branch -u REMOTE/BRANCH`",
    },
    "config": {
        ("-e", "--edit"): "use `mvc config --list --show-origin`, which names the files",
        ("--get-regexp", "--name-only", "-z", "--null"): "use `mvc config --list`",
        ("--system", "-f", "--file", "--worktree"): "use `mvc config --global`, or no option for the repository's settings",
        ("--add",): "a setting has one value; use `mvc config user.name NAME`",
        ("--remove-section",): "use `mvc config --unset user.name`",
    },
    "clean": {
        ("-i", "--interactive", "-e", "--exclude"): "use `mvc clean -n`, which lists the untracked files",
    },
    "grep": {
        ("-l", "--files-with-matches", "--name-only", "-c", "--count", "-L"): "use `mvc grep PATTERN`, which names each key",
        ("-F", "--fixed-strings", "--invert-match", "-o", "-w", "--word-regexp", "-A", "-B", "--and", "--not"): "use `mvc grep PATTERN`, a regular expression",
    },
    "blame": {
        ("-L",): "name a value, class or role: `mvc blame metrics.mAP50`",
        ("-p", "--porcelain", "--line-porcelain"): "use `mvc blame --json`",
    },
    "status": {
        ("-z", "--null", "--ignored"): "use `mvc status --json`",
    },
}  # fmt: skip
"""Options of Git's verbs that mvc lacks, by verb."""

_COMMANDS = {
    "add": ("mvc add PATH", "mvc add"),
    "checkout": ("mvc restore FILE", "mvc restore"),
    "grep": ("mvc grep PATTERN", "mvc grep"),
    "restore": ("mvc restore FILE", "mvc restore"),
    "merge": ("mvc merge REV", "mvc merge"),
    "push": ("mvc push --force-with-lease", "mvc push --force-with-lease"),
    "tag": ("mvc alias set NAME REV", "mvc alias set"),
}
"""By verb: a command in its texts, and how that begins if the names that the user gave follow."""
_LEADING = {
    "-c": "use `mvc config user.name NAME`, or --global for all repositories",
    "--git-dir": "use --repo: `mvc --repo . status`",
    "--work-tree": "use -C: `mvc -C . status`",
}
"""Options of Git's before the verb that mvc lacks."""
_EXTRA = {
    "clean": "`mvc clean -n` lists all untracked files",
    "fsck": "`mvc fsck` verifies all versions",
    "grep": "search one version after the other, as in `mvc grep PATTERN REV`",
    "reflog": "name one ref, as in `mvc reflog main`",
    "show": "show one version after the other, as in `mvc show HEAD`",
    "stash push": "`mvc stash` puts every changed file aside",
    "status": "`mvc status` shows the whole model",
}
"""By verb: what to do instead of giving it more arguments, as Git's verb takes them."""
_CLOSE = 0.75
"""The likeness from which on a misspelt word is guessed at: `comit`, not `revert` for `reset`."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is a likely misspelling of."""
    begun = word.lstrip("-")[:1]
    likely = [name for name in known if name.lstrip("-")[:1] == begun]
    near: list[str] = lazy.load("difflib").get_close_matches(word, likely, 1, _CLOSE)
    return near[0] if near else None


def unknown_verb(word: str, known: Iterable[str]) -> str:
    """Return the message for a verb that mvc lacks."""
    if word in VERBS:
        return f"mvc has no {word}: {VERBS[word]}."
    if word in lazy.load("mvc.cli.git.known").VERBS:
        return f"mvc has no {word}, a command of Git's for its own files: `mvc --help` lists the commands."
    near = nearest(word, known)
    return f"{word!r} is not an mvc command" + (
        f". Did you mean {near!r}?" if near else ": `mvc --help` lists the commands."
    )


def unknown_subverb(verb: str, words: Sequence[str], known: Iterable[str]) -> str:
    """Return the message for a sub-verb that mvc lacks; `words` are what follows `mvc VERB`."""
    word = words[0]
    if word in SUBVERBS.get(verb, {}):
        return f"mvc {verb} has no {word}: {SUBVERBS[verb][word]}."
    near = nearest(word, known)
    if near is None and verb == "alias":
        return f"'alias {word}' is not an mvc command. Did you mean `mvc alias set {shlex.join(words)}`?"
    guess = f". Did you mean '{verb} {near}'?" if near else f": `mvc {verb} --help` lists what it has."
    return f"'{verb} {word}' is not an mvc command{guess}"


def unknown_option(verb: str, name: str, known: Iterable[str], arguments: Sequence[str] = ()) -> str:
    """Return the message for an option that a verb lacks; `arguments` are those of the whole command."""
    command = f"mvc {verb}".strip()
    instead = option(verb, name)
    if instead is not None:
        return f"{command} has no {name}: {_with_own_words(instead, verb, name, arguments)}."
    guessed = [word for word in known if word.startswith("--") and word.startswith("--no-") == name.startswith("--no-")]
    near = None if name in lazy.load("mvc.cli.git.known").OPTIONS else nearest(name, guessed)
    return f"{command} has no option {name}" + (
        f". Did you mean {near}?" if near else f": `{command} --help` lists its options."
    )


def _with_own_words(text: str, verb: str, name: str, arguments: Sequence[str]) -> str:
    """Return the text with the names that the user gave in its command: `mvc push --force-with-lease origin main`."""
    spelled, own = _COMMANDS.get(verb, ("", ""))
    given = [word for word in arguments[1:] if word not in (name, "--")]
    if not spelled or arguments[:1] != [verb] or not given or any(word.startswith("-") for word in given):
        return text
    return text.replace(f"`{spelled}`", f"`{own} {shlex.join(given)}`")


def extra_argument(verb: str, message: str) -> str:
    """Return the message for an argument that a verb does not take."""
    names = message.partition("(")[2].rstrip(")")
    instead = _EXTRA.get(verb, f"`mvc {verb} --help` shows what it takes")
    return f"mvc {verb} takes no further argument {names}: {instead}."


def option(verb: str, name: str) -> str | None:
    """Return what to use instead of an option of Git's; None if it is none."""
    if not verb:
        return _LEADING.get(name)
    return next((text for names, text in OPTIONS.get(verb, {}).items() if name in names), None)
