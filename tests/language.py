"""The words that mvc does not use, and the words to use instead: one table, and the texts it is held against."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[1] / "mvc"

CHECKED = {
    "cli": "all",
    "errors": "all",
    "formats": "all",
    "images": "all",
    "model": "all",
    "readiness": "all",
    "registry": "all",
    "scan": "all",
    "api": "texts",
    "porcelain": "texts",
    "remotes": "texts",
    "repository": "texts",
    "storage": "texts",
    "transport": "texts",
}
"""Folders of `mvc/`, and what is held against the table: `texts` (docstrings, comments, other strings), or `all`: names too."""

OPENINGS = ("Have", "What", "Whether", "That", "Which", "Who", "Whom", "How", "Where", "Told", "Alone")
"""First words of no docstring and no help text."""

PRIVATE = {
    r"whoever|whomever": "the person, the program: name it",
    r"\btold\b|\btells?\b": "print, report, show; passed",
    r"\blies? (here|there)\b|\bwhat lies\b": "working tree",
    r"\blies? (in|inside|at|outside|within)\b": "is in",
    r"\bleads? (to|there)\b|\bled to\b": "reachable",
    r"\brests? on\b": "delta base",
    r"\bis no more\b|\bno more\b": "no longer, stopped",
    r"\bnever was\b": "aborted",
    r"\bstands? (for|at|on|here|there)\b|\bstood\b": "is, ->; position",
    r"\bas (it|they) stands?\b": "in the working tree",
    r"\b(have|has|both) moved on\b": "diverged",
    r"\b(just )?go(es)? on to\b|\bwent on to\b": "fast-forward",
    r"\bput after\b": "rebase onto",
    r"\bunder way\b": "in progress",
    r"\bbr(ing|ings|ought)\b": "fetch, restore, import",
    r"\bmend(s|ed|ing)?\b": "repair, fix",
    r"\bforetell\b": "dry run",
    r"\bdecide(d|s)?\b.*\bconflict": "resolve",
    r"\blets? in\b": "credentials, token",
    r"\bma(k|d)e known\b|\bmakes? \S+ known\b": "publish, add",
    r"\bgives? up\b|\bgave up\b": "discard, abort",
    r"\bfor good\b": "never moves",
    r"\ball the same\b": "anyway",
    r"\banew\b": "again",
    r"\bsays? so\b|\bsays? which\b|\bsay which\b": "name, record",
    r"\bit is not said\b": "not selected",
    r"\bfinish what was begun\b": "roll forward",
    r"(?<!/)\bcondemns?\b": "unreachable, swept later",
    r"\bpatien(ce|t|tly)\b": "retry, back-off",
    r"\bhabit\b": "as in Git",
    r"(?<!there )\bis no (?!longer\b|such\b)\w+": "is not a ...",
}
"""Regular expressions of private senses, each with the words to use."""

NAMES = {"there", "found", "each", "what", "told", "wanted", "said", "gone"}
"""Identifiers that name nothing of the domain."""


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string and each comment. A string without a space, such as a key, is no text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and "noqa" not in token.string:
            yield token.start[0], token.string


def openings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and first line of each docstring and each `help=`."""
    tree = ast.parse(source)
    for documented in _documented(tree):
        text = ast.get_docstring(documented)
        if text:
            yield documented.body[0].lineno, text.partition("\n")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield node.value.lineno, str(node.value.value)


def names(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each variable, parameter and function that the source defines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef):
            yield node.lineno, node.name


def private(text: str) -> list[str]:
    """Return the words to use instead of those that `text` has."""
    plain = re.sub(r"\{\w+\}", "", " ".join(text.split()))
    return [
        f"{match[0]!r}: say {say}" for word, say in PRIVATE.items() for match in re.finditer(word, plain, re.IGNORECASE)
    ]


def _documented(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef]:
    yield from (
        node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
    )
