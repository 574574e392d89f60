"""docs/reference/json.md: every document of `--json`, with its fields as the code that makes them has them.

to_json of a class ─ its dict literals ─ key: what stands there ─ the field's annotation ─► type in JSON
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import mvc
from tests.docs import pages

Shape = dict[str, Any]
"""A document by its keys: the name of a class, `[name]` for a list of them, or a text that says the type."""
DOCUMENTS: dict[str, list[Any]] = {
    "add": ["Added"],
    "alias": [{"aliases": ["Alias"]}, "Alias", {"deleted": [{"name": "text", "id": "id"}]}],
    "branch": ["Branches", "Branch", {"current": "text or null"}, {"deleted": ["Branch"]}],
    "cat": [{"path": "text", "size": "number", "file": "id or null", "output": "text"}],
    "check": ["Checked", {"rules": ["Rule"]}],
    "clone": ["Cloned"],
    "commit": ["Committed"],
    "config": [{"key": "text", "value": "any"}, {"settings": [{"key": "text", "value": "any", "origin": "text"}]}],
    "diff": ["Diff"],
    "docker": ["ResolvedImage"],
    "drift": ["RegistryDrift", {"docker": "ImageDrift"}],
    "du": ["Usages"],
    "export": ["Exported"],
    "fetch": ["Fetched"],
    "fsck": ["Report", "Repaired", "Healed"],
    "gc": ["Collected", "CollectedThere"],
    "get": [{"key": "text or null", "value": "any"}],
    "import": ["Imported"],
    "init": ["Initialized"],
    "log": [{"model": "text", "versions": ["Logged"]}],
    "ls": ["Listed"],
    "merge": ["MergeResult", "Committed", {"outcome": "text", "written": "list of texts", "deleted": "list of texts"}],
    "models": [{"models": ["ListedModel"]}, "ListedModel"],
    "publish": ["Published"],
    "pull": ["Pulled"],
    "push": ["Pushed"],
    "reflog": ["Reflog"],
    "remote": [{"remotes": ["RemoteSettings"]}, "RemoteSettings", {"**": "RemoteSettings", "seen": ["SeenRef"]}, "RegistryState",
               {"checks": "list of texts", "warnings": "list of texts", "skew": "number or null"}],
    "reset": ["Reset"],
    "restore": [{"written": "list of texts", "deleted": "list of texts"}],
    "rm": [{"removed": [{"role": "text", "path": "text"}], "cached": "true or false", "deleted": "list of texts",
            "dry_run": "true or false"}],
    "set": [{"changes": ["Edited"]}],
    "show": ["Shown"],
    "source": [{"source": "object"}],
    "status": ["Status"],
    "switch": ["Switched"],
    "tag": [{"tags": ["Tag"]}, "Tag", {"deleted": [{"name": "text", "id": "id"}]}],
    "unset": [{"changes": ["Edited"]}],
}  # fmt: skip
"""The documents of each verb; where a verb has several, which one depends on its options."""
OTHERS = "…"
"""Stands for keys that depend on the value: the sections of model.toml that changed."""
COMMANDS = {
    "alias": ("alias", "alias set` and `mvc alias rollback", "alias rm"),
    "branch": ("branch", "branch NAME` and `mvc branch -m", "branch --show-current", "branch -d"),
    "check": ("check", "check --list"),
    "config": ("config KEY", "config --list"),
    "drift": ("drift", "drift --docker"),
    "fsck": ("fsck", "fsck --repair", "fsck --remote NAME --repair` and `mvc push --repair"),
    "gc": ("gc", "gc --remote NAME"),
    "merge": ("merge", "merge --continue", "merge --abort"),
    "models": ("models", "models rename"),
    "remote": ("remote", "remote add`, `set-url`, `rename`, `rm` and `trust", "remote show", "remote check` of a registry",
               "remote check` of any other remote"),
}  # fmt: skip
"""The commands that answer with each shape, of verbs with several."""
ALSO = {"alias": ["", "`mvc alias log` answers with [mvc.reflog/1](#mvcreflog1)."]}
"""What else is to be said of a verb."""
_TYPES = {"str": "text", "int": "number", "float": "number", "bool": "true or false", "Path": "text", "None": "null",
          "Any": "any", "Timestamp": "time", "Code": "object", "Image": "text"}  # fmt: skip


@functools.cache
def classes() -> dict[str, type]:
    """The classes of mvc that have `to_json`, by name; of two with one name, one is called after its module too."""
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(mvc.__path__, "mvc."):
        if module.name.startswith("mvc.api") or module.name.endswith(("__main__", "hdf5_child")):
            continue
        for name, each in vars(importlib.import_module(module.name)).items():
            if isinstance(each, type) and each.__module__ == module.name and hasattr(each, "to_json"):
                long = module.name.rpartition(".")[2].title().replace("_", "") + name
                if name in found and module.name.startswith("mvc.porcelain"):
                    found[found[name].__module__.rpartition(".")[2].title().replace("_", "") + name] = found[name]
                    found[name] = each
                else:
                    found[long if name in found else name] = each
    return found


def _resolved(hint: str, class_: type) -> str:
    """An annotation with each class called as `classes` calls it, seen from the module of `class_`."""
    known = {each: name for name, each in classes().items()}
    there = vars(importlib.import_module(class_.__module__))
    return re.sub(r"\b[A-Z]\w+", lambda match: known.get(there.get(match[0], str), match[0]), hint)


@functools.cache
def fields(name: str) -> dict[str, str]:
    """The keys of what a class's `to_json` makes, with their types; a `?` marks one that may be absent."""
    if not name:
        return {}
    class_ = classes()[name]
    tree = ast.parse(textwrap.dedent(inspect.getsource(class_.to_json)))  # type: ignore[attr-defined]
    hints = _hints(class_)
    if re.search(r"self\._asdict\(\)|\basdict\(self\)", ast.unparse(tree)):
        return {key: _json(hint) for key, hint in hints.items() if key in class_.__annotations__}
    inner = {below for node in ast.walk(tree) if isinstance(node, ast.Dict) for below in _inside(node)}
    always: dict[str, str] = {}
    for node in ast.walk(tree):
        if node not in inner:
            always |= {key: text for key, text in _of(node, hints) if key not in always}
    return always


def _inside(node: ast.Dict) -> Iterator[ast.AST]:
    """The dict literals that are values of another one, not merged into it."""
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            yield from (each for each in ast.walk(value) if isinstance(each, ast.Dict))


def _of(node: ast.AST, hints: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The keys that a dict literal, or an assignment to one key, has."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from _merged(value, hints)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, _type(value, hints)
    if isinstance(node, ast.AugAssign) and isinstance(node.value, ast.DictComp):
        yield OTHERS, _type(node.value.value, hints)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        key = node.targets[0].slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, _type(node.value, hints)


def _merged(value: ast.expr, hints: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The keys of another object that is merged into a dict: `**self.changes.to_json()`."""
    for node in ast.walk(value):
        text = _type(node, hints) if isinstance(node, ast.Call) else ""
        if text in classes():
            yield from fields(text).items()


def _hints(class_: type) -> dict[str, str]:
    """The annotations of fields and properties, as they are written."""
    found: dict[str, str] = {}
    for each in reversed(class_.__mro__):
        for name, hint in vars(each).get("__annotations__", {}).items():
            found[name] = _resolved(str(getattr(hint, "__forward_arg__", hint)), class_)
    for name, member in vars(class_).items():
        getter = getattr(member, "fget", None) or getattr(member, "func", None)
        if getter is not None and "return" in getattr(getter, "__annotations__", {}):
            found[name] = _resolved(str(getter.__annotations__["return"]), class_)
    return found


def _type(value: ast.expr, hints: dict[str, str]) -> str:
    """The type of an expression in `to_json`."""
    match value:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return _json(hints.get(name, "Any"))
        case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=name), attr="to_json")):
            return _json(hints.get(name, "Any")).removesuffix(" or null")
        case ast.Call(func=ast.Attribute(attr="utc")):
            return "time"
        case ast.Call(func=ast.Name(id="list" | "sorted"), args=[inner, *_]):
            return _type(inner, hints)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            named = [
                (str(key.value), each)
                for key, each in pairs
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            ]
            return "object {" + ", ".join(f"{key}: {_type(each, hints)}" for key, each in named) + "}"
        case ast.Call(func=ast.Name(id="dict"), args=[*_]) | ast.DictComp():
            return "object"
        case ast.Call(func=ast.Name(id="str")) | ast.JoinedStr():
            return "text"
        case ast.Call(func=ast.Name(id="len" | "sum")):
            return "number"
        case ast.IfExp(body=body, orelse=ast.Constant(value=None)):
            return f"{_type(body, hints).removesuffix(' or null')} or null"
        case ast.ListComp(elt=ast.Dict() as each):
            return f"list of {_type(each, hints)}"
        case ast.ListComp(generators=[ast.comprehension(iter=ast.Attribute(value=ast.Name(id="self"), attr=name)), *_]):
            listed = _json(hints.get(name, "Any"))
            return listed if listed.startswith("list") else "list"
        case ast.ListComp():
            return "list"
        case ast.Constant(value=constant):
            return _TYPES.get(type(constant).__name__, "any")
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "true or false"
    return "any"


def _json(hint: str) -> str:
    """An annotation as a type of JSON."""
    parts = [_one(part.strip()) for part in re.split(r"\|(?![^\[]*\])", hint)]
    return " or ".join(dict.fromkeys(parts))


def _one(hint: str) -> str:
    if hint.endswith("Id"):
        return "id"
    listed = re.fullmatch(r"(?:tuple|list|Sequence|frozenset|Collection)\[(.*?)(?:, \.\.\.)?\]", hint)
    if listed:
        return f"list of {_json(listed[1])}" if "," not in listed[1] and "[" not in listed[1] else "list"
    if hint.startswith(("Mapping", "dict")):
        return "object"
    return _TYPES.get(hint) or (hint if hint in classes() else "object" if hint[:1].isupper() else "any")


def mentioned(shape: Any) -> Iterator[str]:
    """The classes that a shape names."""
    if isinstance(shape, str):
        yield from (word for word in re.findall(r"\w+", shape) if word in classes())
    elif isinstance(shape, list):
        for each in shape:
            yield from mentioned(each)
    elif isinstance(shape, dict):
        for each in shape.values():
            yield from mentioned(each)


def reached() -> list[str]:
    """Every class that a document is made of, by name."""
    todo, done = list(dict.fromkeys(mentioned(list(DOCUMENTS.values())))), set[str]()
    while todo:
        name = todo.pop()
        if name not in done:
            done.add(name)
            todo += mentioned(fields(name))
    return sorted(done)


# --- the page


def page() -> str:
    """docs/reference/json.md."""
    lines = [
        "# JSON\n",
        pages.NOTE + "\n",
        "With `--json` each verb answers with one document on one line; its first key is `schema`,",
        "`mvc.<verb>/1`. From Python, `to_json()` of a result gives the same without `schema`. One thing has",
        "one key everywhere: `time` (RFC 3339 in UTC), `by`, `message`; bytes are `bytes_total` (all files),",
        "`bytes_new` (what their content adds), `bytes_stored` (what they took in the store), `bytes_sent`,",
        "`bytes_received`, `bytes_freed`. An `id` is 64 hex digits. Fields may be added; none changes its",
        "meaning without another number in `schema`. Errors are [a document of their own](exit-codes.md).\n",
        "## Documents\n",
    ]
    for verb, shapes in DOCUMENTS.items():
        lines += [f"### mvc.{verb}/1\n", *_shapes(verb, shapes), *ALSO.get(verb, ()), ""]
    lines.append("## Objects\n")
    for name in reached():
        lines += [f"### {name}\n", *(f"- `{key}`: {_linked(text)}" for key, text in fields(name).items()), ""]
    return "\n".join(lines)


def _shapes(verb: str, shapes: list[Any]) -> Iterator[str]:
    for number, shape in enumerate(shapes):
        if number:
            yield ""
        if verb in COMMANDS:
            command = COMMANDS[verb][number]
            yield f"`mvc {command}{'' if '` of ' in command else '`'}:\n"
        if isinstance(shape, str):
            yield f"{_linked(shape)}"
        else:
            if "**" in shape:
                yield f"{_linked(shape['**'])}, and\n"
            yield from (f"- `{key}`: {_written(value)}" for key, value in shape.items() if key != "**")


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {_written(value[0])}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"`{key}`: {_written(each)}" for key, each in value.items()) + "}"
    return _linked(value)


def _linked(text: str) -> str:
    return re.sub(
        r"\b[A-Z]\w+\b", lambda match: f"[{match[0]}](#{match[0].lower()})" if match[0] in classes() else match[0], text
    )


# --- a document against what the page says


def faults(verb: str, document: dict[str, Any]) -> list[str]:
    """What a real document has that no shape of its verb names."""
    tried = [list(_differences(shape, document, "")) for shape in DOCUMENTS[verb]]
    return min(tried, key=len)


def _differences(shape: Any, value: Any, at: str) -> Iterator[str]:
    if value is None:
        return
    if isinstance(shape, list) or (isinstance(shape, str) and shape.startswith("list of ")):
        inner = shape[0] if isinstance(shape, list) else shape.removeprefix("list of ")
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for each in value:
            yield from _differences(inner, each, f"{at}[]")
        return
    known = {**fields(shape.get("**", "")), **shape} if isinstance(shape, dict) else None
    if isinstance(shape, str):
        named = [word for word in shape.split(" or ") if word in classes()]
        known = fields(named[0]) if named else None
    if known is None:
        yield from _mistyped(str(shape), value, at)
        return
    if not isinstance(value, dict):
        yield f"{at} is no object"
        return
    for key, each in value.items():
        if key == "schema" and not at:
            continue
        if key not in known and OTHERS in known:
            yield from _differences(known[OTHERS], each, f"{at}.{key}")
        elif key not in known:
            yield f"{at}.{key} is not on the page"
        else:
            yield from _differences(known[key], each, f"{at}.{key}")


def _mistyped(shape: str, value: Any, at: str) -> Iterator[str]:
    kinds = {
        "text": str,
        "time": str,
        "id": str,
        "number": (int, float),
        "true or false": bool,
        "object": dict,
        "list": list,
    }
    wanted = [kind for name, kind in kinds.items() if re.search(rf"\b{name}\b", shape)]
    if "any" not in shape and wanted and not any(isinstance(value, kind) for kind in wanted):  # type: ignore[arg-type]
        yield f"{at} is {type(value).__name__}, not {shape}"
