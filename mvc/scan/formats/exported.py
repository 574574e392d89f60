"""Programs that torch.export saved: a graph as JSON whose nodes name functions, and expressions that are evaluated.

    {"target": "torch.ops.aten.add.Tensor", "inputs": …, "outputs": …}   an operator
    {"target": "torch.serialization.os.system", …}                       reached by attributes of torch, and called
    {"expr_str": "2*s0 + 1"}                                             a size, which SymPy evaluates as Python

Source: torch/_export/serde/serialize.py and torch/export/pt2_archive of PyTorch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mvc.formats.pytorch import exported
from mvc.scan.archive import Archive
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

TARGET = Rule(
    "export-target", Verdict.HOSTILE, "torch.export would look up {} in torch, and the program would call it."
)
OPERATOR = Rule("export-operator", Verdict.CODE, "The program needs operators that PyTorch does not have itself.")
EXPRESSION = Rule("export-expression", Verdict.HOSTILE, "torch.export would evaluate {} as Python.")
LIBRARY = Rule("export-library", Verdict.CODE, "PyTorch would load compiled libraries of the archive into the process.")
OBJECT = Rule("export-object", Verdict.CODE, "PyTorch would build objects of custom classes that the archive stores.")
RULES = (TARGET, OPERATOR, EXPRESSION, LIBRARY, OBJECT)

_OPERATORS = frozenset({"aten", "higher_order", "prim", "prims", "quantized", "quantized_decomposed", "rngprims"})
_NAME = r"_?[A-Za-z][A-Za-z0-9_]*"
_SIGNS = r"__(?:i?and|i?or|i?xor|i?lshift|i?rshift|is|isnot|contains|derive_index|getitem|not|range_length|round_to_zero_floordiv)__"
_OPERATOR = re.compile(rf"torch\.ops\.({_NAME})\.({_NAME}|{_SIGNS})(\.{_NAME})?\Z")
_PLAIN = re.compile(
    r"(_operator\.(abs|add|and_|eq|floordiv|ge|getitem|gt|index|invert|le|lshift|lt|mod|mul|ne|neg|not_|or_|pos|pow|rshift"
    r"|sub|truediv|xor)|math\.[a-z]+[0-9]*|torch\.(sym_[a-z]+|_sym_[a-z]+)|torch\.fx\.experimental\.symbolic_shapes\.[a-z_]+)\Z"
)
_HOSTILE_OPERATORS = frozenset({"aten.from_file", "aten.save", "aten.load"})
_EXPRESSION = re.compile(r"[A-Za-z0-9_\s+\-*/%(),.<>=!&|~^]*\Z")
_SYMBOL = re.compile(r"\b(?:Symbol|Float)\(\s*'[A-Za-z0-9_.]+'")
"""A part of an expression as SymPy's `srepr` writes it, with a name or a number in quotes."""
_CALL = re.compile(r"\b([a-z]\w*)\s*\(")
_FUNCTIONS = frozenset({
    "abs", "acos", "asin", "atan", "ceiling", "cos", "cosh", "exp", "floor", "log", "sign", "sin", "sinh", "sqrt", "tan",
    "tanh",
})  # fmt: skip
_ATTRIBUTE = re.compile(r"[A-Za-z_)]\s*\.\s*[A-Za-z_]|__|\b(eval|exec|lambda|import|open|getattr|compile)\b")
_LIBRARIES = (".so", ".dll", ".dylib", ".pyd", ".cubin", ".hsaco", ".ptx", ".spv", ".o", ".cpp", ".cc", ".cu", ".h")
_CUSTOM = re.compile(r"(^|/)custom_obj_[0-9]+\Z|(^|/)(custom_objects?|script_objects?)/")
_BEGINNINGS = ("archive_format", "archive_version", "models/", "data/aotinductor/", "data/weights/", "data/constants/")
_WEIGHTS = ("_weights_config.json", "_constants_config.json")
_SINGLE = ("serialized_exported_program.json", "serialized_state_dict.pt", "serialized_constants.pt")


def examine(value: dict[str, Any], scan: Scan, member: str = "") -> None:
    """Report what one map of a program would call or evaluate, not the maps inside of it."""
    target = value.get("target")
    if isinstance(target, str) and "inputs" in value and "outputs" in value:
        _examine_target(target, scan, member)
    for key in ("expr_str", "guards_code", "symint_expr"):
        expressions = value.get(key)
        for text in expressions if isinstance(expressions, list) else [expressions]:
            if isinstance(text, str) and _is_code(text, may_quote=key == "guards_code"):
                scan.report(EXPRESSION, member=member, detail=text)


def matches(archive: Archive) -> bool:
    """Return whether an archive has the members of a program of torch.export, or of a compiled package."""
    names = [name.removeprefix(archive.root) for name in archive.sizes]
    return any(name.startswith(_BEGINNINGS[2:]) or name in (*_BEGINNINGS[:2], *_SINGLE) for name in names)


def scan(archive: Archive, scan: Scan) -> None:
    """Report compiled libraries and custom objects; the other members are scanned by their content."""
    libraries = [name for name in archive.sizes if name.lower().endswith(_LIBRARIES)]
    objects = [name for name in archive.sizes if _CUSTOM.search(name)]
    for name in archive.sizes:
        if name.endswith(_WEIGHTS):
            archive.claim(*_plain_weights(archive, name))
    if libraries:
        scan.report(LIBRARY, names=sorted(libraries))
    if objects:
        scan.report(OBJECT, names=sorted(objects))


def _plain_weights(archive: Archive, config: str) -> Iterator[str]:
    """Yield the members that a list of weights names as plain numbers: PyTorch reads them by dtype and shape."""
    source = archive.open(config)
    if source.size > exported.MAX_CONFIG:
        return
    try:
        weights = json.loads(source.read(0, source.size)).get("config")
    except (ValueError, RecursionError, AttributeError):
        return
    folder = config.rpartition("/")[0]
    pickled: dict[str, bool] = {}
    for weight in weights.values() if isinstance(weights, dict) else ():
        match weight:
            case {"path_name": str(path), "use_pickle": bool(is_pickled), "tensor_meta": dict()}:
                pickled[path] = is_pickled or pickled.get(path, False)
    yield from (f"{folder}/{path}" for path, is_pickled in pickled.items() if not is_pickled)


def _examine_target(target: str, scan: Scan, member: str) -> None:
    match = _OPERATOR.match(target)
    if match is not None:
        if f"{match[1]}.{match[2]}" in _HOSTILE_OPERATORS:
            scan.report(TARGET, member=member, detail=target)
        elif match[1] not in _OPERATORS:
            scan.report(OPERATOR, member=member, names=[target])
    elif not _PLAIN.match(target) and ("." in target or "__" in target):
        scan.report(TARGET, member=member, detail=target)


def _is_code(text: str, *, may_quote: bool) -> bool:
    """Return whether an expression is more than arithmetic; a guard may read items of an input by name."""
    if may_quote:
        return "__" in text or re.search(r"\b(eval|exec|lambda|import|open|getattr|compile|os|sys)\b", text) is not None
    plain = _SYMBOL.sub("Symbol(x", text)
    calls = {match[1] for match in _CALL.finditer(plain)}
    return not _EXPRESSION.match(plain) or _ATTRIBUTE.search(plain) is not None or not calls <= _FUNCTIONS
