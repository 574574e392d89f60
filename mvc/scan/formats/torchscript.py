"""TorchScript: a program as text below `code/` of the archive, which PyTorch compiles when it loads the file.

    code/__torch__/net.py      def forward(self, x): return torch.linear(x, self.weight, self.bias)
                               torch.save(x, "/home/ana/.bashrc")        ─►  a finding
                               ops.image.write_file(path, x)             ─►  a finding

The program runs when the model is called, with PyTorch's operators alone; a few of them read or write files or use the network.
Source: torch/csrc/jit/serialization/python_print.cpp, and the operators that PyTorch registers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mvc.formats.source import TooLongError
from mvc.scan.archive import Archive
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

MAX_CODE = 64 * 1024 * 1024
"""Bytes of all code of an archive, at most."""

PROGRAM = Rule("torchscript-program", Verdict.CODE, "PyTorch would compile a program that the file stores, and run it.")
FILES = Rule("torchscript-files", Verdict.HOSTILE, "The program would read or write a file, by {}.")
NETWORK = Rule("torchscript-network", Verdict.HOSTILE, "The program would call other machines, by {}.")
OPERATOR = Rule("torchscript-operator", Verdict.CODE, "The program needs operators that PyTorch does not have itself.")
PYTHON = Rule("torchscript-python", Verdict.HOSTILE, "The program would call a function of Python: {}.")
RULES = (PROGRAM, FILES, NETWORK, OPERATOR, PYTHON)

_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"#[^\n]*")
_CALL = re.compile(r"(\w+(?:\s*\.\s*\w+)*|\))\s*\.\s*(\w+)\s*\(")
_OPS = re.compile(r"\bops\s*\.\s*(\w+)\s*\.\s*(\w+)")
_PYTHON = re.compile(r"\^\s*(\w+)\s*\(")
_FILES = frozenset({"from_file", "save", "load", "read_file", "write_file", "fromfile", "tofile"})
_NETWORK = frozenset({"rpc_async", "rpc_remote", "rpc_sync"})
_FILE_SPACES = frozenset({"image", "torchaudio", "video_reader", "sox_io", "torchtext"})
_FILE_PARTS = ("file", "load", "save", "write", "open")
_NETWORK_SPACES = frozenset({"_c10d_functional", "c10d", "c10d_functional", "rpc", "symm_mem"})
_OWN = frozenset({
    "aten", "_caffe2", "_quantized", "_test", "cuda", "inductor", "metal", "metal_prepack", "mkl", "mkldnn",
    "mkldnn_prepacked", "onednn", "onnx", "prepacked", "prim", "prims", "profiler", "quantized", "quantized_decomposed",
    "sparse", "static_runtime", "tensorexpr", "vulkan", "vulkan_prepack", "xnnpack", "aten_cuda", "torch_metal",
})  # fmt: skip
"""Namespaces of operators that PyTorch has itself."""


def matches(archive: Archive) -> bool:
    """Return whether an archive has code of TorchScript: members in its folder `code`, or a module of mobile."""
    return any(_is_code(name) for name in archive.sizes)


def scan(archive: Archive, scan: Scan) -> None:
    """Report the program, and its calls that do more than compute. Raises TooLongError."""
    members = [name for name in archive.sizes if _is_code(name)]
    scan.report(PROGRAM)
    if sum(archive.sizes[name] for name in members) > MAX_CODE:
        raise TooLongError(f"its code is longer than {MAX_CODE >> 20} MiB")
    for name in members:
        source = archive.open(name)
        text = source.read(0, source.size).decode("utf-8", "replace")
        archive.claim(name)
        for rule, detail in _faults(text):
            names = [detail] if rule is OPERATOR else []
            scan.report(rule, member=name, names=names, detail=detail)


def _is_code(name: str) -> bool:
    folder, _, rest = name.partition("/")
    is_inside = rest.startswith("code/") or folder == "code"
    return is_inside and name.endswith(".py")


def _faults(text: str) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that a text of code breaks, each once, also as it reads without comments."""
    joined = _CONTINUED.sub(" ", text)
    seen = dict.fromkeys((*_calls(joined), *_calls(_COMMENT.sub("", joined))))
    yield from seen


def _calls(text: str) -> Iterator[tuple[Rule, str]]:
    for match in _CALL.finditer(text):
        receiver, method = "".join(match[1].split()), match[2]
        if method in _FILES:
            yield FILES, f"torch.{method}" if receiver == ")" else f"{receiver}.{method}"
        elif method in _NETWORK:
            yield NETWORK, method
    for match in _OPS.finditer(text):
        space, name = match[1], match[2]
        if space in _NETWORK_SPACES or name in _NETWORK:
            yield NETWORK, f"ops.{space}.{name}"
        elif name in _FILES or (space in _FILE_SPACES and any(part in name for part in _FILE_PARTS)):
            yield FILES, f"ops.{space}.{name}"
        elif space not in _OWN:
            yield OPERATOR, f"{space}::{name}"
    for match in re.finditer(r"\b(rpc_async|rpc_remote|rpc_sync)\s*\(", text):
        yield NETWORK, match[1]
    for match in _PYTHON.finditer(text):
        yield PYTHON, match[1]
