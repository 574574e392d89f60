"""Globs: the patterns of `[files]` and of `.mvcignore`, by the rules of gitignore.

    weights/*.onnx   the ONNX files in weights/          fixed part: weights/
    *.onnx           those of every folder               fixed part: none
    weights/**       everything below weights/           fixed part: weights/
    [[]best].pt      the file [best].pt

Letter case counts, and `*` matches a leading dot, as in gitignore(5). pathspec translates a pattern into a regular
expression, which is matched here: pathspec's own classes would take longer than the scan itself.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

from mvc import errors, lazy
from mvc.deferred import dataclass, regex
from mvc.model import paths
from mvc.model.roles import MAGIC

NAME = ".mvcignore"
GIT_NAME = ".gitignore"
WHOLE = "**"
"""The pattern that `mvc add .` writes, for everything in the model's folder; it honours `.gitignore`, too."""
DEFAULT_IGNORES = (
    *(".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "__pycache__", ".pytest_cache", ".mypy_cache"),
    *(".ruff_cache", ".venv", "*.swp", "*~", "*.mvc-tmp"),
)
"""Names and suffixes that patterns exclude, unless a `.mvcignore` includes them again with `!`."""
DEFAULT_NAMES = frozenset(name for name in DEFAULT_IGNORES if name[0] != "*")
DEFAULT_SUFFIXES = tuple(name[1:] for name in DEFAULT_IGNORES if name[0] == "*")
Match = Callable[[str], re.Match[str] | None]
"""A function that matches a path below the model's folder against a pattern."""
_STAR = "[^/]*"
"""The regular expression to which pathspec translates a `*`."""
_WITHIN_NAME = regex(r"(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}/|$^*+?.])*\Z", re.DOTALL)
"""A part of a name between two `*`: characters and classes, each for one character of the name."""
MAX_DEEP = 3
"""The most `**` in one pattern. The time of a match grows with a high power of their number."""
_DEEP = regex(r"(?:\A|/)\*\*(?=/|\Z)")
_FOLDER = "ps_d"
"""The group in which pathspec's expressions match a folder itself."""
_PLAIN = regex(r"(?P<path>\*?[A-Za-z0-9._-]+(?:/\*?[A-Za-z0-9._-]+)*)(?P<end>|/|/\*\*)")
"""Plain patterns of names, with at most one `*` at the start."""
_ENDS = {"": f"(?:(?P<{_FOLDER}>/)|$)", "/": f"(?P<{_FOLDER}>/)", "/**": "/"}
"""The regular expressions to which pathspec translates their ends."""


def literal(path: str) -> str:
    """Return `path` as written in `[files]`: escaped if it would be read as a glob."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def fixed_part(pattern: str) -> str:
    """Return the folders at the start of every path of `pattern`, each followed by `/`; "" for none."""
    anchored = pattern.removeprefix("/")
    magic = MAGIC.search(anchored)
    end = anchored.rfind("/", 0, magic.start() if magic else len(anchored))
    return anchored[: end + 1]


def _linear(expression: str) -> str:
    """Return an equivalent expression in which only the last `*` backtracks.

    The first match of the characters between two `*` is sufficient, as the next `*` takes the rest. So `*a*a*a*b` takes
    time linear in the length of a name.
    """
    first, *parts = expression.split(_STAR)
    found = [f"(?>{_STAR}?{part})" if _WITHIN_NAME.match(part) else f"{_STAR}{part}" for part in parts[:-1]]
    return "".join([first, *found, *(f"{_STAR}{part}" for part in parts[-1:])])


@lru_cache(maxsize=1024)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """Compile `pattern` to an expression that matches paths below the model's folder.

    Raises BadPattern, and UnsafePath for a pattern outside of the folder, or in a folder of mvc or Git.
    """
    parts = pattern.removeprefix("/").split("/")
    if any(map(paths.is_reserved, parts)):
        raise errors.UnsafePath(
            path=paths.escape_name(pattern),
            reason="it is in a folder reserved for mvc or version control (such as .git)",
        )
    if ".." in parts or "." in parts:
        raise errors.UnsafePath(path=paths.escape_name(pattern), reason="it is not a path inside the model's folder")
    if "\\" in pattern:
        raise errors.BadPattern(pattern=pattern, reason="it has a \\; folders are separated by /")
    escaped = (
        f"\\{pattern}" if pattern.startswith(("!", "#")) else pattern
    )  # these two have another meaning in .gitignore
    translated = _translate(escaped)
    if translated is None:
        raise errors.BadPattern(pattern=pattern, reason="it cannot match anything")
    return translated[0]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file in the folder `prefix` ("" or ending with /); `hides` is False after `!`.

    For an ignore file above the model's folder, `above` is the path from its folder to the model's, ending with /.
    """

    prefix: str
    expression: re.Pattern[str]
    hides: bool
    above: str = ""

    def matches(self, path: str, *, folder: bool) -> bool:
        """Return whether the rule applies to `path`, which is below `prefix`."""
        below = self.above + path[len(self.prefix) :]
        if self._is_inside(self.expression.match(below)):
            return True
        match = self.expression.match(f"{below}/") if folder else None
        return match is not None and match.groupdict().get(_FOLDER) is not None and self._is_inside(match)

    def _is_inside(self, match: re.Match[str] | None) -> bool:
        """Return whether the match is in the model's folder: an ignored parent of it has no effect."""
        return match is not None and match.end() > len(self.above)


@dataclass(frozen=True, slots=True)
class Ignore:
    """The rules of a folder: the default list, then each ignore file from the top down; the last match takes precedence."""

    rules: tuple[Rule, ...] = ()

    def extended(self, prefix: str, text: str, *, above: str = "") -> Ignore:
        """Return these rules with those of the ignore file `text` in `prefix`; skip invalid lines."""
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        return Ignore(self.rules + tuple(rule for line in lines if (rule := _rule(prefix, line, above)) is not None))

    def hides(self, path: str, *, folder: bool = False) -> bool:
        """Return whether `path`, below the model's folder, is ignored."""
        for rule in reversed(self.rules):
            if rule.matches(path, folder=folder):
                return rule.hides
        name = path[path.rfind("/") + 1 :]
        return name in DEFAULT_NAMES or name.endswith(DEFAULT_SUFFIXES)


def _rule(prefix: str, line: str, above: str) -> Rule | None:
    translated = _translate(line) if line.strip() else None
    return Rule(prefix, *translated, above) if translated else None


def _translate_plain(pattern: str) -> str | None:
    """Return pathspec's expression of a plain pattern, None for any other.

    Loading pathspec takes a tenth of a `status`.
    """
    if pattern == WHOLE:
        return "."
    match = _PLAIN.fullmatch(pattern)
    if match is None:
        return None
    path, end = match["path"], match["end"]
    begin = "" if "/" in path or end == "/**" else "(?:.+/)?"
    return f"^{begin}{re.escape(path).replace(re.escape('*'), _STAR)}{_ENDS[end]}"


def _translate(pattern: str) -> tuple[re.Pattern[str], bool] | None:
    """Return the expression of a gitignore pattern, and True if it ignores; None if it cannot match.

    A pattern longer than any path is skipped, since its translation takes quadratic time; so is one with more than
    `MAX_DEEP` times `**`.
    """
    if len(pattern) > paths.MAX_PATH or len(_DEEP.findall(pattern)) > MAX_DEEP:
        return None
    plain = _translate_plain(pattern)
    if plain is not None:
        return re.compile(plain, re.DOTALL), True
    spec = lazy.load("pathspec.patterns.gitignore.spec").GitIgnoreSpecPattern
    try:
        expression, includes = spec.pattern_to_regex(pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # a future version of re may give `[[` another meaning
            return (re.compile(_linear(expression), re.DOTALL), bool(includes)) if expression is not None else None
    except (ValueError, re.error):  # pathspec's own error is a ValueError
        return None
