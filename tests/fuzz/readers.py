"""The places of mvc that turn bytes into values, found in its sources: each is a reader, of foreign bytes or of its own.

json.loads(data)   _ENTRY.unpack_from(body)   sealed.unseal(data)   np.frombuffer(raw)   …   with file and line
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
OF_MODULES = {
    ("ast", "literal_eval"), ("base64", "b64decode"), ("bytes", "fromhex"), ("bz2", "BZ2Decompressor"),
    ("canonical", "decode"), ("csv", "reader"), ("expat", "ParserCreate"), ("int", "from_bytes"), ("json", "load"),
    ("json", "loads"), ("lzma", "LZMADecompressor"), ("np", "frombuffer"), ("numpy", "frombuffer"), ("sealed", "unseal"),
    ("struct", "unpack"), ("struct", "unpack_from"), ("tarfile", "open"), ("textfile", "decode"), ("tomlkit", "parse"),
    ("tomllib", "load"), ("tomllib", "loads"), ("yaml", "parse"), ("zlib", "decompressobj"), ("gzip", "GzipFile"),
    ("configparser", "RawConfigParser"), ("toml", "load"), ("_DECODER", "decode"), ("_JSON", "decode"),
    ("foreign_json", "loads"),
}  # fmt: skip
"""Functions that parse, by the name they are called with."""
METHODS = {"fromisoformat", "iter_unpack", "unpack", "unpack_from"}
"""Methods that parse, of whatever they are called on."""
_MENTIONED = re.compile(rf"\.({'|'.join({method for _, method in OF_MODULES} | METHODS)})\b")
"""What a module with such a call has in its text: the others are not parsed."""


class Place(NamedTuple):
    """A call that parses: the path of its module in mvc, its line, and what is called."""

    path: str
    line: int
    call: str


def places() -> Iterator[Place]:
    """Yield every call that parses, but those that make a constant of a module: they read its own source."""
    for path in sorted((TOP / "mvc").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in _within_functions(ast.parse(text)) if _MENTIONED.search(text) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                value = node.func.value
                owner = value.id if isinstance(value, ast.Name) else ""
                if (owner, node.func.attr) in OF_MODULES or node.func.attr in METHODS:
                    name = path.relative_to(TOP / "mvc").as_posix()
                    yield Place(name, node.lineno, f"{owner}.{node.func.attr}")


def _within_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from ast.walk(node)
        else:
            yield from _within_functions(node)
