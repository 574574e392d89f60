"""The pages of docs/ that are made from the code, so that they cannot say anything else than it."""

from __future__ import annotations

import inspect
import os
import re
import string
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import click

import mvc
from mvc import errors
from mvc.api.config import Config
from mvc.api.experiments import Experiments
from mvc.api.files import Files
from mvc.api.handle import Handle
from mvc.api.refs import Aliases, Branches, Tags
from mvc.api.remote import Remotes
from mvc.api.stashes import Stashes
from mvc.cli.app import program
from mvc.readiness import conditions, files, table, values, weights
from mvc.readiness.conditions import Condition
from mvc.readiness.rule import Rule
from mvc.scan import scan, verdict
from mvc.storage import fsck
from mvc.storage.records import config
from tests.api.verbs import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE = DOCS / "reference"
WIDTH = 100
"""Columns of prose."""
_ITEM = re.compile(r"(?:-|\d+\.) ")
NOTE = "<!-- Made from the code; MVC_WRITE_DOCS=1 pytest tests/docs writes it again. -->"

CODES = {
    0: "success",
    1: "the answer is no: nothing to commit or to prune, a difference with `--exit-code`, a key without a value, drift, a source that changed, not ready, a condition of `mvc ci report`, a file that `mvc scan` finds to need code or worse, a `mvc bisect` that ends at skipped versions or finds none",
    2: "the request is wrong: an unknown command, option, revision, key or file",
    3: "`mvc import` or `mvc publish --all` left something out; everything else is done",
    10: "no repository in this folder or above it",
    11: "another mvc command holds the lock",
    12: "permission denied, a host that is not approved, or a server that does not prove its identity",
    13: "a push, an undo or a prune was refused, or a ref cannot be created or moved: it exists, or it is not a fast-forward",
    14: "stored bytes are damaged or missing; also the answer of `mvc fsck` with findings, and of `mvc scan` for a damaged file",
    15: "a remote or registry does not respond, or `--offline` forbids asking it; try again; also the answer of `mvc scan` if bytes are not here or cannot be read",
    16: "uncommitted changes would be lost; nothing was changed",
    17: "refused by a rule: a secret, an invalid model.toml, an unsafe path, a file that a loader would run, a version that is not ready, your own hook",
    126: "`mvc run` or `mvc bisect run` cannot run the command: it is no program",
    127: "`mvc run` or `mvc bisect run` does not find the command",
    128: "mvc could not finish: the disk, a newer format, a bug",
    130: "ended by Ctrl-C",
    141: "the reader of the output closed it, as in `mvc log | head -1`",
    143: "ended by SIGTERM",
}
"""Every exit code, and what it means."""
OTHER_KINDS = {
    "usage": (2, "an unknown command or option"),
    "system": (128, "an error of the operating system, with the path"),
    "memory": (128, "not enough memory"),
    "internal": (128, "an internal error; please report it with the output of MVC_TRACE=1"),
}
"""The kinds of a JSON error record that are not classes."""
ENVIRONMENT = {
    "MVC_AUTHOR_NAME, MVC_AUTHOR_EMAIL": "the author; before the settings and Git's",
    "MVC_AUTHOR_DATE": "the time of a version, instead of now",
    "MVC_CONFIG": "your settings file, instead of `$XDG_CONFIG_HOME/mvc/config.toml` or `~/.config/mvc/config.toml`",
    "XDG_CACHE_HOME": "the folder for answers of the scan, in `mvc/scan`, instead of `~/.cache`",
    "MVC_DIR": "the folder that holds `.mvc`, as `--repo`",
    "MVC_MODEL": "the model, as `--model`",
    "MVC_OFFLINE": "anything but 0: contact no remote and no registry, as `--offline`",
    "MVC_REMOTE": "the remote, where none is named",
    "MVC_TRUSTED_HOSTS": "approved hosts, for CI, separated by commas: `HOST`, `HOST:PORT`, `HOST:*`, `http://HOST:PORT` (without encryption)",
    "MVC_LOCK_TIMEOUT": "as `--lock-timeout`",
    "MVC_EDITOR": "the editor for messages; then VISUAL, EDITOR",
    "MVC_PAGER": "the pager; then `ui.pager`, PAGER",
    "MVC_PROGRESS": "auto, bar, plain or none, as `--progress`",
    "MVC_HOOK": "the name of the hook, which mvc sets for its program; while it is set, mvc runs no hooks",
    "MVC_VERSION": "the id of the version, which `mvc bisect run` sets for its command",
    "NO_COLOR, FORCE_COLOR": "no colour, or colour without a terminal too; `--color` takes precedence",
    "MVC_TRACE": "1: show where an error came from",
}
"""The environment variables that are read."""


def check(name: str, page: str) -> None:
    """Compare a page, wrapped, with what docs/reference/ has; MVC_WRITE_DOCS=1 writes it first."""
    page = wrapped(page)
    path = REFERENCE / name
    if WRITE:
        path.write_text(page, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == page, (
        f"docs/reference/{name} is not what the code says: MVC_WRITE_DOCS=1 mends it"
    )


def wrapped(page: str) -> str:
    """A page with its long paragraphs wrapped again; code between backticks stays on one line."""
    return "\n".join(
        _fill(" ".join(map(str.strip, lines))) if is_prose and max(map(len, lines)) > WIDTH else "\n".join(lines)
        for is_prose, lines in paragraphs(page)
    )


def paragraphs(page: str) -> Iterator[tuple[bool, list[str]]]:
    """The lines of each paragraph, or item of a list, with True; any other line alone: code, a heading, a table."""
    fenced, lines = False, list[str]()
    for line in page.split("\n"):
        fence = line.startswith("```")
        is_prose = not (fenced or fence or not line or line.startswith(("|", "#", "<", "    ")))
        fenced ^= fence
        if lines and (not is_prose or _ITEM.match(line)):
            yield True, lines
            lines = []
        if is_prose:
            lines.append(line)
        else:
            yield False, [line]
    if lines:
        yield True, lines


def _fill(line: str) -> str:
    mark = _ITEM.match(line)
    bullet = mark[0] if mark else ""
    unbroken = re.sub(r"`[^`]*`", lambda match: match[0].replace(" ", "\0"), line.removeprefix(bullet))
    filled = textwrap.fill(unbroken, WIDTH - len(bullet), break_long_words=False, break_on_hyphens=False)
    return bullet + filled.replace("\n", "\n" + " " * len(bullet)).replace("\0", " ")


WRITE = os.environ.get("MVC_WRITE_DOCS") == "1"
"""Read while tests are collected: they run without any MVC_ variable."""


# --- commands.md


def commands() -> str:
    """Every verb and sub-verb, with its help."""
    root = program.make()
    root.get_command = program.Program.get_command.__get__(root)  # type: ignore[method-assign]
    parts = [
        "# Commands\n",
        NOTE + "\n",
        "Options of `mvc` itself come before the command; `--json`, `--model`, `--quiet` and `--verbose` may follow it."
        if _options_anywhere()
        else "Options of `mvc` itself come before the command: `mvc --json status`.",
        "",
        "See also [exit codes](exit-codes.md) and [settings](settings.md).\n",
    ]
    parts += [f"{'#' * (1 + len(path))} {' '.join(path)}\n\n```text\n{text}\n```\n" for path, text in _helps(root)]
    return "\n".join(parts)


def _options_anywhere() -> bool:
    return any("--json" in parameter.opts for parameter in program.make().get_command(_context(), "status").params)  # type: ignore[union-attr]


def _context() -> click.Context:
    return click.Context(program.make(), info_name="mvc")


def _helps(root: click.Group) -> Iterator[tuple[tuple[str, ...], str]]:
    yield from _of(root, None, ("mvc",))


def _of(
    command: click.Command, above: click.Context | None, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    with click.Context(command, parent=above, info_name=path[-1], terminal_width=100, color=False) as context:
        context.help_option_names = ["-h", "--help"]
        yield path, command.get_help(context).rstrip()
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from _of(found, context, (*path, name))


# --- exit-codes.md


class _Shown(string.Formatter):
    """Fills a template with the names of its fields, as a reader of the page should see them."""

    def get_field(self, field_name: str, args: object, kwargs: object) -> tuple[str, str]:
        return field_name.upper(), field_name

    def format_field(self, value: object, format_spec: str) -> str:
        noun = format_spec.partition("|")[2]
        return f"{value} {noun}" if noun else str(value)

    def convert_field(self, value: object, conversion: str | None) -> str:
        return str(value)


def exit_codes() -> str:
    """Every exit code, then every error by its kind."""
    lines = [
        "# Exit codes and errors\n",
        NOTE + "\n",
        "| code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in CODES.items()),
        "",
        "With `--json`, an error is one line on stderr, and `kind` is what a program matches on:\n",
        "```json",
        '{"schema": "mvc.error/1", "code": 2, "kind": "unknown-revision", "message": "...", "hint": "..."}',
        "```\n",
        "## Errors by code\n",
        "Words in capitals are filled in. The line in italics is the hint.\n",
    ]
    for code in CODES:
        kinds = sorted(each for each in classes() if each.exit_code == code)
        if not kinds:
            continue
        lines += [f"### {code}\n", "| kind | message and hint |", "|---|---|"]
        lines += [
            f"| `{each.name}` | {_cell(each.message)}{f'<br>*{_cell(each.hint)}*' if each.hint else ''} |"
            for each in kinds
        ]
        lines += [
            f"| `{kind}` | {what} |"
            for kind, (of, what) in OTHER_KINDS.items()
            if of == code and kind not in {each.name for each in kinds}
        ]
        lines.append("")
    return "\n".join(lines)


class Shown:
    """An error class as the page shows it."""

    def __init__(self, class_: type[errors.MvcError]) -> None:
        message, _, hint = inspect.cleandoc(class_.__doc__ or "").partition("\n\n")
        self.name: str = class_.kind.fget(class_.__new__(class_))  # type: ignore[attr-defined]
        self.exit_code = class_.exit_code
        self.message, self.hint = (_Shown().vformat(" ".join(text.split("\n")), (), {}) for text in (message, hint))

    def __lt__(self, other: Shown) -> bool:
        return self.name < other.name


def classes() -> list[Shown]:
    """All errors but the branches that only group others."""
    found: list[type[errors.MvcError]] = [getattr(errors, name) for name in errors.__all__]
    return [Shown(each) for each in found]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


# --- settings.md, fsck.md

_CALLED = {str: "text", float: "number", bool: "true or false", list: "a command"}


def settings() -> str:
    """Every setting, and the environment."""
    rows = []
    for key, (type_, meaning) in config.KEYS.items():
        where = "user" if key in config.USER_ONLY else "repository, user"
        rows.append(f"| `{key}` | {_CALLED[type_]} | {where} | {meaning} |")
    return "\n".join([
        "# Settings\n",
        NOTE + "\n",
        "    mvc config user.name Ana               # in the repository: .mvc/config.toml",
        "    mvc config --global user.name Ana      # for you, in every repository",
        "    mvc config --list --show-origin        # those in force, and where each is set\n",
        ("A setting of the repository takes precedence over yours, an environment variable over both, and an option "
        "of the command line over all.\n"),
        "| key | type | level | meaning |",
        "|---|---|---|---|",
        *rows,
        "",
        ("Change `config.toml` with `mvc config`, since it carries a checksum of its values. After an edit by hand "
        "`mvc fsck` reports it, until the next `mvc config KEY VALUE` writes a new checksum. Comments do not count.\n"),
        "## Hosts and tokens\n",
        "    mvc config --global host.minio.lan:9000.trust s3\n",
        ("These are user settings: in a repository they have no effect. HOST has a port where it is not that of the "
        "protocol. [Where credentials go](remotes.md#where-credentials-go) explains when they are needed.\n"),
        "| key | meaning |",
        "|---|---|",
        *(f"| `host.HOST.{key}` | {meaning} |" for key, meaning in config.HOST_KEYS.items()),
        "| `remote.NAME.token-env` | the environment variable with the token for the registry NAME; before its host's |",
        "",
        "## Environment\n",
        "| variable | meaning |",
        "|---|---|",
        *(f"| {name} | {meaning} |" for name, meaning in ENVIRONMENT.items()),
        "",
    ])  # fmt: skip


def findings() -> str:
    """Every kind of finding of `mvc fsck`."""
    return "\n".join([
        "# Findings of fsck\n",
        NOTE + "\n",
        "    mvc fsck                              # every record, every version",
        "    mvc fsck --read-data                  # and every byte of every file",
        "    mvc fsck --repair --from origin       # fetch what is damaged from a remote\n",
        ("`mvc fsck` changes nothing. It exits with 0 when everything is intact and with [14](exit-codes.md) "
        "otherwise, and names each version and file that is affected; everything else stays readable. `mvc --json fsck` "
        "gives the kind of each finding.\n"),
        "| kind | meaning |",
        "|---|---|",
        *(f"| `{kind}` | {meaning} |" for kind, meaning in fsck.FINDINGS.items()),
        "",
        ("Without a remote, copy the file that is named (under `.mvc`) from a backup or another copy of the repository. "
        "Objects, packs, recipes and ref entries are written once and never change, so an older copy fits.\n"),
        "## A remote\n",
        "    mvc fsck --remote origin              # its ref logs, its metadata, the sizes of its packs",
        "    mvc fsck --remote origin --read-data  # and the bytes of its packs",
        "    mvc fsck --remote origin --repair     # upload again what is lost there and intact here\n",
        ("A repair overwrites and deletes nothing ([why that works](../concepts/protocol.md#when-a-remote-lost-something)). "
        "`mvc push --repair` does the same, then pushes.\n"),
    ])  # fmt: skip


# --- scan-rules.md


def scan_rules() -> str:
    """Every rule of `mvc scan`, the worst verdicts first."""
    rules = sorted(scan.rules(), key=lambda rule: -rule.verdict)
    return "\n".join([
        "# Rules of scan\n",
        NOTE + "\n",
        "    mvc scan best.pt --explain\n",
        ("[`mvc scan`](../how-to/scan.md) reports by these rules. The verdict of a file is the worst of its findings. A file "
        f"without findings is plain, or unknown if no rule reads its format. These are the rules of version {verdict.RULES_VERSION}; "
        "the number is `rules` in the JSON document, and is raised when a rule may give another answer.\n"),
        "| rule | verdict | message |",
        "|---|---|---|",
        *(f"| `{rule.id}` | {rule.verdict.word} | {rule.message.replace('{}', '…')} |" for rule in rules),
        "",
    ])  # fmt: skip


# --- readiness.md

RULES = ("<!-- rules: made from the code -->", "<!-- /rules -->")


def check_rules(text: str) -> str:
    """The page `text` with the table of rules as the code has them."""
    before, _, rest = text.partition(RULES[0])
    _, _, after = rest.partition(RULES[1])
    lines = []
    for use in dict.fromkeys(rule.use.partition("/")[0] for rule in table.RULES):
        lines += [
            "",
            f"### {use}",
            "",
            "| rule | of | needs | weight | fixed by | source |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_rule(rule) for rule in table.RULES if rule.use.partition("/")[0] == use]
    return "\n".join([before + RULES[0], *lines, "", RULES[1]]) + after


def _rule(rule: Rule) -> str:
    profile = rule.use.partition("/")[2] or "all"
    when = f" ({_limit(rule.when)})" if rule.when is not None else ""
    external = " and ".join(_external(rule.test))
    beyond = f"; cannot be checked here without {external}" if external else ""
    sources = ", ".join(f"[{source.rpartition('/')[2]}]({source})" for source in rule.sources)
    fix = f"`{rule.fix}`" if rule.fix else ""
    return f"| `{rule.name}` | {profile} | {rule.requirement}{when}{beyond} | {rule.need.value} | {fix} | {sources} |"


def _limit(condition: Condition) -> str:
    """Return the versions that a rule applies to."""
    match condition:
        case conditions.AllOf(parts):
            return ", ".join(map(_limit, parts))
        case conditions.AnyOf(parts):
            return " or ".join(map(_limit, parts))
        case values.TypeIs(value) | values.FrameworkIs(value):
            return value
        case files.HasFile(role):
            return f"with a file {role}"
        case weights.RecordsClasses(_):
            return "if it records them"
        case weights.RecordsSize(_):
            return "if it and a parameter record one"
    assert condition is values.has_labels
    return "with a labelmap"


def _external(condition: Condition) -> list[str]:
    """Return what a condition requires besides the version."""
    match condition:
        case conditions.AllOf(parts) | conditions.AnyOf(parts):
            return [source for part in parts for source in _external(part)]
        case conditions.External(source):
            return [source]
    return []


# --- python-api.md

FUNCTIONS = ("<!-- functions: made from the code -->", "<!-- /functions -->")
VERBS = ("<!-- verbs: made from the code -->", "<!-- /verbs -->")


def python_api(text: str) -> str:
    """The page `text` with the tables of verbs and of public names as the code has them."""
    rows = [row for name in mvc.HOMES for row in _public(name)]
    rows += [
        row
        for class_ in (Branches, Tags, Aliases, Stashes, Files, Experiments, Remotes, Config)
        for row in _class(class_)
    ]
    shown = [f"`mvc {verb}`: {', '.join(f'`{each}`' for each in found)}" for verb, found in METHODS.items() if found]
    return _between(_between(text, FUNCTIONS, rows), VERBS, [f"- {each}" for each in shown] + [""])


def _between(text: str, marks: tuple[str, str], lines: list[str]) -> str:
    before, _, rest = text.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    return "\n".join([before + marks[0], "", *lines, marks[1]]) + after


MODULES = {
    "errors": "every error, see [exit codes](exit-codes.md)",
    "training": "`mvc.run`, and the callbacks of trainers",
}
"""The public modules."""


def _public(name: str) -> list[str]:
    found = getattr(mvc, name)
    if inspect.ismodule(found):
        return [f"**`mvc.{name}`** (module): {MODULES[name]}.\n"]
    if isinstance(found, type):
        return _class(found, "mvc.")
    return [f"**`mvc.{name}({_parameters(found)})`**: {_docstring(found)}\n"]


def _class(class_: type, above: str = "") -> list[str]:
    """A class, and its public methods and properties where it is one of mvc.api."""
    rows = [f"**`{above}{class_.__name__}`** (class): {_paragraph(inspect.getdoc(class_) or '')}\n"]
    if not class_.__module__.startswith("mvc.api."):
        return rows
    for name, member in _members(class_):
        if name.startswith("_") or not (callable(member) or hasattr(member, "__get__")) or not member.__doc__:
            continue
        given = f"({_parameters(member, skip=1)})" if inspect.isfunction(member) else ""
        rows.append(f"- `{class_.__name__}.{name}{given}`: {_docstring(member)}")
    return [*rows, ""] if len(rows) > 1 else rows


def _members(class_: type) -> Iterator[tuple[str, object]]:
    """The members of a class, and of the parts that `Model` is made of."""
    for owner in class_.__mro__:
        if owner is class_ or issubclass(owner, Handle):
            yield from vars(owner).items()


def _parameters(function: Callable[..., object], skip: int = 0) -> str:
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    marks: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    given = [
        f"{marks.get(each.kind, '')}{each.name}{'' if each.default is each.empty else '=…'}" for each in parameters
    ]
    star = next((at for at, each in enumerate(parameters) if each.kind is each.KEYWORD_ONLY), None)
    if star is not None and not any(each.kind is each.VAR_POSITIONAL for each in parameters):
        given.insert(star, "*")
    return ", ".join(given)


def _docstring(member: object) -> str:
    return " ".join((inspect.getdoc(member) or "").split())


def _paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
