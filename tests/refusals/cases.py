"""What a refusal is: a command that ends with a documented code, says what is wrong, and changes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.harness import command
from tests.crash.scenarios import two_versions

Prepare = Callable[[Path], None]
Change = Callable[[Path], object]
SLACK = ("cache", "tmp", "lock")
COMMIT = ("commit", "-m", "x")
REQUIRES = r"requires = \[[^]]*\]"
"""The features that a store requires, in config.toml: a pattern for `configured`."""


def everything(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below `root` but the slack of `.mvc`, with its mode and bytes."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, os.fsencode(root)).split(b"/")
            if parts[0] in (b".mvc", b"store") and len(parts) > 1 and os.fsdecode(parts[1]) in SLACK:
                continue
            status = os.lstat(path)
            regular = os.path.isfile(path) and not os.path.islink(path)
            found[os.fsdecode(path)] = (status.st_mode, Path(os.fsdecode(path)).read_bytes() if regular else b"")
    return found


def unchanged(root: Path) -> None:
    """A preparation or a change that does nothing."""


@dataclass(frozen=True)
class Case:
    """`arguments`, run where `change` was made to what `prepare` left, end with `code` and say all of `words`."""

    arguments: tuple[str, ...]
    code: int
    words: tuple[str, ...]
    change: Change = unchanged
    prepare: Prepare = two_versions

    def __str__(self) -> str:
        text = f"{' '.join(self.arguments)[:40]}-{self.code}-{self.words[0][:30]}"
        return ascii(text)[1:-1].replace("/", "_").replace("\\", "_")


def refuse(root: Path, arguments: Sequence[str], code: int, *words: str) -> str:
    """Run a command that is refused so in `root`, and changes nothing there; what it said."""
    before = everything(root)
    outcome = command(root, arguments)
    assert outcome.code == code, outcome.output
    for word in words:
        assert word in outcome.output, f"{word!r} is not in: {outcome.output}"
    assert "Traceback" not in outcome.output
    assert "internal error" not in outcome.output
    assert everything(root) == before
    return outcome.output


def check(case: Case, copy: Callable[[Prepare], Path]) -> None:
    """Run a case in a copy of its preparation."""
    root = copy(case.prepare)
    case.change(root)
    refuse(root, case.arguments, case.code, *case.words)


def all_of(*changes: Change) -> Change:
    """One change after the other."""

    def change(root: Path) -> None:
        for each in changes:
            each(root)

    return change


def configured(pattern: str, new: str) -> Change:
    """Put `new` in place of what matches a regular expression in config.toml."""

    def change(root: Path) -> None:
        path = root / ".mvc" / "config.toml"
        path.chmod(0o644)
        text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"))
        assert count == 1
        path.write_text(text, encoding="utf-8")

    return change


def toml(text: str) -> Change:
    """Have model.toml say `text` besides its name and file."""
    head = '[model]\nname = "helmets"\n\n[files]\nmodel-latest = "weights/best.onnx"\n'
    return lambda root: (root / "model.toml").write_text(head + text, encoding="utf-8")


def files(text: str) -> Change:
    """Have model.toml say `text` in [files], and nothing else."""
    head = '[model]\nname = "helmets"\n\n[files]\n'
    return lambda root: (root / "model.toml").write_text(f"{head}{text}\n", encoding="utf-8")


def edited(root: Path) -> None:
    """Change a tracked file."""
    (root / "weights" / "best.onnx").write_bytes(b"edited")
