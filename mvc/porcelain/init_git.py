"""`mvc init --git-diff`: Git shows the tensors of weights in `git diff`, by attributes and a diff driver.

.gitattributes, at the top     *.pt diff=mvc            appended, where no line names another driver
.git/config                    diff.mvc.textconv        mvc textconv; its answers are cached in refs/notes/textconv/mvc

Git ends a diff, of all files, where this command fails. So the command never fails: where mvc is absent, it prints one line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.known import FORMATS
from mvc.model.document import Document
from mvc.model.paths import escape_name
from mvc.repository.git import command
from mvc.storage.disk import confined, outside

NAME = ".gitattributes"
MAX_BYTES = 1 << 20
_DRIVER = "diff=mvc"
_NONE = (None, "diff=lfs")
"""What a line for a pattern says if it names no driver: Git LFS writes the name of one that it does not have."""
_COMMAND = """\
f() {{ {program} textconv "$1" 2>/dev/null || mvc textconv "$1" 2>/dev/null || \
echo "mvc is not installed: $(cksum <"$1")"; }}; f"""
_COMMENT = b"# Git shows the tensors of these files by `mvc textconv`."


@dataclass(frozen=True, slots=True)
class GitDiff(Document):
    """The file of attributes with the patterns that were `added`, those `left` to another driver, and the command that Git runs."""

    attributes: Path
    added: tuple[str, ...]
    left: tuple[str, ...]
    textconv: str


def init_git(folder: Path, program: str) -> GitDiff:
    """Set the Git repository at `folder` up to show tensors by `program textconv`; repeating it changes nothing.

    `program` is in the words of a shell, and absolute: an editor has another PATH.
    Raises NotGit, NotWritable, NotRegularFile, Damaged for a file of attributes of more than MAX_BYTES.
    """
    answer = command.run(folder, "rev-parse", "--show-toplevel")
    top = Path(os.fsdecode(answer.output).rstrip("\n"))
    if answer.code or not top.is_absolute():
        reason = escape_name((answer.messages.strip().splitlines() or ["it has no working tree"])[0])
        hint = "Create one with `git init`, or name the folder of one."
        raise errors.NotGit(path=escape_name(os.fspath(folder)), reason=reason.removeprefix("fatal: "), hint=hint)
    path = top / NAME
    try:
        before, mode = confined.read_regular(path, MAX_BYTES), path.stat().st_mode & 0o777
    except FileNotFoundError:
        before, mode = b"", 0o666
    except errors.IrregularFile as error:
        raise errors.NotRegularFile(path=NAME, kind=error.fields["kind"]) from error
    drivers = _drivers(before)
    patterns = [f"*{suffix}" for suffix in _suffixes()]
    added = tuple(pattern for pattern in patterns if drivers.get(pattern) in _NONE)
    if added:
        outside.replace_outside(path, before + _appended(before, added), mode)
    textconv = _COMMAND.format(program=program)
    for key, value in (("textconv", textconv), ("cachetextconv", "true")):
        answer = command.run(top, "config", "--local", "--replace-all", f"diff.mvc.{key}", value)
        if answer.code:
            raise errors.NotWritable(path="the config of Git", reason=escape_name(answer.messages.strip()))
    left = tuple(pattern for pattern in patterns if drivers.get(pattern) not in (*_NONE, _DRIVER))
    return GitDiff(path, added, left, textconv)


def _suffixes() -> Iterator[str]:
    yield from dict.fromkeys(
        suffix for known in FORMATS.values() if known.are_weights for suffix in known.suffixes if suffix
    )


def _drivers(data: bytes) -> dict[str, str]:
    """Return what the last line for each pattern says of its diff driver."""
    found: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        pattern, *attributes = line.split() or [""]
        for attribute in attributes:
            if attribute.lstrip("-!").partition("=")[0] == "diff":
                found[pattern] = attribute
    return found


def _appended(before: bytes, patterns: tuple[str, ...]) -> bytes:
    """Return the lines to append, with the line ends of the file."""
    end = b"\r\n" if b"\r\n" in before else b"\n"
    lines = [_COMMENT, *(f"{pattern} {_DRIVER}".encode() for pattern in patterns)]
    between = b"" if not before or before.endswith(b"\n") else end
    return between + b"".join(line + end for line in lines)
