"""The man pages: `mvc.1` and one for each verb, made from the help of the command line.

python -m tests.release.manpages FOLDER
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

import mvc
from mvc.cli.app import program
from mvc.cli.app.main import VERBS
from tests.docs import pages

PROGRAM = "mvc"


def write(folder: Path) -> list[Path]:
    """Write every page into `folder`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in manual():
        path = folder / f"{name}.1"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def manual() -> Iterator[tuple[str, str]]:
    """The name and the text of each page."""
    root = program.make()
    with _context(root, None, PROGRAM) as context:
        yield PROGRAM, _text(_of_program(context))
        for name, (_, summary) in VERBS.items():
            command = root.get_command(context, name)
            assert command is not None
            with _context(command, context, name) as below:
                yield f"{PROGRAM}-{name}", _text(_of_verb(below, summary))


def _context(command: click.Command, above: click.Context | None, name: str) -> click.Context:
    return click.Context(command, parent=above, info_name=name, color=False, help_option_names=["-h", "--help"])


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


# --- pages


def _of_program(context: click.Context) -> Iterator[str]:
    yield from _head(PROGRAM, "Git for model versions")
    yield from _usage(context)
    yield ".SH DESCRIPTION"
    yield from _prose(context.command.help or "")
    yield from _options(context)
    yield ".SH COMMANDS"
    for name, (_, summary) in VERBS.items():
        yield from _entry(f"{PROGRAM}-{name}(1)", summary)
    yield ".SH ENVIRONMENT"
    for names, meaning in pages.ENVIRONMENT.items():
        yield from _entry(names, meaning)
    yield from _exit_status()
    yield ".SH SEE ALSO"
    yield r".BR git (1)"


def _of_verb(context: click.Context, summary: str) -> Iterator[str]:
    yield from _head(f"{PROGRAM}-{context.info_name}", summary)
    yield from _usage(context)
    yield ".SH DESCRIPTION"
    yield from _prose(context.command.help or "")
    yield from _options(context)
    yield from _prose(f"The options of `{PROGRAM}` itself are taken too; see `{PROGRAM}(1)`.")
    if isinstance(context.command, click.Group):
        yield ".SH COMMANDS"
        yield from _subverbs(context, context.command)
    yield ".SH SEE ALSO"
    yield rf".BR {PROGRAM} (1)"


def _subverbs(context: click.Context, group: click.Group) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        with _context(command, context, name) as below:
            yield f'.SS "{_plain(_synopsis(below))}"'
            yield from _prose(command.help or "")
            yield from _entries(below, command.params)


# --- parts of a page


def _head(name: str, summary: str) -> Iterator[str]:
    yield f'.TH "{_plain(name.upper())}" "1" "" "{PROGRAM} {mvc.__version__}" "{PROGRAM} manual"'
    yield from (".nh", ".ad l", ".SH NAME", rf"{_plain(name)} \- {_plain(summary)}")


def _usage(context: click.Context) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield _line(f"`{context.command_path}`{_synopsis(context).removeprefix(context.command_path)}")


def _synopsis(context: click.Context) -> str:
    return " ".join([context.command_path, *context.command.collect_usage_pieces(context)])


def _options(context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    yield from _entries(context, context.command.get_params(context))


def _entries(context: click.Context, parameters: Iterable[click.Parameter]) -> Iterator[str]:
    """Yield the options among `parameters`, and the arguments that have a help text."""
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record is not None and (record[1] or isinstance(parameter, click.Option)):
            yield from _entry(*record)


def _exit_status() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in pages.CODES.items():
        yield from _entry(str(code), meaning)


def _entry(term: str, meaning: str) -> Iterator[str]:
    yield from (".TP", rf"\fB{_plain(term)}\fR", _line(meaning) or r"\&")


# --- text


def _prose(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; those that begin with click's mark keep their lines."""
    for paragraph in re.split(r"\n\s*\n", text.replace("\f", "").strip()):
        yield ".PP"
        marked = paragraph.startswith("\b")
        lines = paragraph.removeprefix("\b").strip("\n").split("\n")
        yield from [".nf", *map(_line, lines), ".fi"] if marked else [_line(" ".join(line.strip() for line in lines))]


def _line(text: str) -> str:
    """A line of text, with what stands in back-quotes in bold; a leading dot or quote is no request."""
    line = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", _plain(text))
    return rf"\&{line}" if line.startswith((".", "'")) else line


def _plain(text: str) -> str:
    """Text without any meaning to troff."""
    return text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
