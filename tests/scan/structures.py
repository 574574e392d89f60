"""Hostile pickles by their structure, and for each rule of pickles a file that it alone finds."""

from __future__ import annotations

import base64
import gzip
import pickle
import struct
from collections.abc import Iterator

from mvc.scan.pickles import rules
from tests.formats.pickles import (
    BUILD,
    NONE,
    REDUCE,
    STOP,
    call,
    checkpoint,
    group,
    mapping,
    named,
    number,
    storage,
    text,
)
from tests.scan.calls import TOUCH, WRITE, calling
from tests.scan.cases import MARKER, Case

SYSTEM, COMMAND = named("os system"), group(text(TOUCH))
RUN = SYSTEM + COMMAND + REDUCE
POP, DUP, STACK_GLOBAL, NEWOBJ, EMPTY, LIST, DICT = b"0", b"2", b"\x93", b"\x81", b")", b"]", b"}"
_FAMILY = "structure"
MAP = named("builtins map") + group(SYSTEM, LIST + text(TOUCH) + b"a") + NEWOBJ


def short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def frame(data: bytes, size: int | None = None) -> bytes:
    return b"\x95" + struct.pack("<Q", len(data) if size is None else size) + data


RUNNING: dict[str, tuple[bytes, str]] = {
    "popped": (RUN + POP + NONE + STOP, "pickle-call"),
    "dropped with its mark": (b"(" + RUN + b"1" + NONE + STOP, "pickle-call"),
    "truncated after the call": (RUN, "pickle-call"),
    "an unknown opcode after the call": (RUN + b"\xff", "pickle-call"),
    "the function twice": (SYSTEM + DUP + POP + COMMAND + REDUCE + STOP, "pickle-call"),
    "names from the memo": (
        short("system") + b"\x94" + short("os") + b"\x94" + POP + POP + b"h\1h\0" + STACK_GLOBAL + COMMAND + REDUCE + STOP,
        "pickle-call",
    ),
    "the function from the memo": (SYSTEM + b"q\5" + POP + b"h\5" + COMMAND + REDUCE + STOP, "pickle-call"),
    "a memo in text": (SYSTEM + b"p7\n" + POP + b"g7\n" + COMMAND + REDUCE + STOP, "pickle-call"),
    "a long index": (SYSTEM + b"r" + struct.pack("<I", 900) + POP + b"j" + struct.pack("<I", 900) + COMMAND + REDUCE + STOP,
                     "pickle-call"),
    "an index that is written twice": (
        named("collections OrderedDict") + b"q\0" + POP + SYSTEM + b"q\0" + POP + b"h\0" + COMMAND + REDUCE + STOP,
        "pickle-call",
    ),
    "names with escapes": (b"V\\u006fs\nVsyst\\u0065m\n" + STACK_GLOBAL + COMMAND + REDUCE + STOP, "pickle-call"),
    "names of eight bytes of length": (
        b"\x8d" + struct.pack("<Q", 2) + b"os" + b"\x8d" + struct.pack("<Q", 6) + b"system" + STACK_GLOBAL + COMMAND + REDUCE
        + STOP,
        "pickle-call",
    ),
    "names that are strings": (b"U\2osU\6system" + STACK_GLOBAL + COMMAND + REDUCE + STOP, "pickle-name-source"),
    "names that are lines": (b"S'os'\nS'system'\n" + STACK_GLOBAL + COMMAND + REDUCE + STOP, "pickle-name-source"),
    "attributes of a module": (
        b"\x80\4" + short("logging") + short("os.system") + STACK_GLOBAL + COMMAND + REDUCE + STOP,
        "pickle-dotted-name",
    ),
    "attributes of a class": (
        b"\x80\4" + short("pathlib") + short("Path.touch") + STACK_GLOBAL + group(call("pathlib Path", text(MARKER))) + REDUCE
        + STOP,
        "pickle-dotted-name",
    ),
    "INST": (b"(" + text(TOUCH) + b"ios\nsystem\n" + STOP, "pickle-instance"),
    "OBJ": (b"(" + SYSTEM + text(TOUCH) + b"o" + STOP, "pickle-instance"),
    "a function that getattr returns": (
        named("builtins getattr") + group(call("builtins __import__", text("os")), text("system")) + REDUCE + COMMAND + REDUCE
        + STOP,
        "pickle-callable",
    ),
    "a partial function": (call("functools partial", SYSTEM) + COMMAND + REDUCE + STOP, "pickle-callable"),
    "an iterator": (MAP + named("builtins bytes") + b"\x87"[:0] + b"\x86"[:0] + STOP, "pickle-call"),
    "an iterator that is read": (named("builtins tuple") + MAP + b"\x85" + NEWOBJ + STOP, "pickle-call"),
    "an iterator that extends a list": (LIST + MAP + named("builtins set") + b"\x86" + POP + NONE + STOP, "pickle-call"),
    "protocols one after another": (b"\x80\4\x80\0\x80\2" + RUN + STOP, "pickle-call"),
    "a name of Python 2": (b"\x80\2" + named("__builtin__ execfile")[:0] + call("__builtin__ eval", text(WRITE)) + STOP,
                           "pickle-call"),
    "a thousand opcodes before": (b"N0" * 1000 + RUN + STOP, "pickle-call"),
    "a long string before": (b"\x8e" + struct.pack("<Q", 200_000) + bytes(200_000) + POP + RUN + STOP, "pickle-call"),
    "in a frame": (b"\x80\4" + frame(RUN + STOP), "pickle-call"),
    "in a frame that is longer than the file": (b"\x80\4" + frame(RUN + STOP, 1 << 40), "pickle-call"),
    "as the state of an object": (
        named("argparse Namespace") + EMPTY + NEWOBJ + mapping({"a": RUN}) + BUILD + STOP, "pickle-call"
    ),
    "as a key": (DICT + RUN + NONE + b"s" + STOP, "pickle-call"),
    "in a wrapper of tensors": (
        call("torch._tensor _rebuild_from_type_v2", SYSTEM, named("torch Tensor"), COMMAND, NONE)[:0] + RUN + STOP, "pickle-call"
    ),
}  # fmt: skip
"""Pickles whose payload runs, each with a rule that finds it."""

SECOND: dict[str, bytes] = {
    "a second pickle": NONE + STOP + RUN + STOP,
    "a second pickle with a protocol": pickle.dumps({"a": 1}) + b"\x80\2" + RUN + STOP,
    "a second pickle behind a line": NONE + STOP + b"\n" + RUN + STOP,
    "a third pickle behind lines": NONE + STOP + b"\n" + NONE + STOP + b"\r\n " + RUN + STOP,
    "a second pickle that fails": NONE + STOP + RUN + b"\xff",
}

NESTED: dict[str, bytes] = {
    "pickle.loads": calling("pickle loads", (RUN + STOP,), 4),
    "_pickle.loads": calling("_pickle loads", (RUN + STOP,), 3),
    "pickle._loads": calling("pickle _loads", (RUN + STOP,), 3),
    "a pickle in a pickle in a pickle": calling("pickle loads", (calling("pickle loads", (RUN + STOP,), 3),), 3),
    "Unpickler": named("pickle Unpickler") + group(call("_io BytesIO", b"C" + bytes([len(RUN) + 1]) + RUN + STOP)) + REDUCE
    + STOP,
    "numpy.load": call("numpy load", text("/dev/null")) + STOP,
    "a storage": call("torch.storage _load_from_bytes", b"B" + struct.pack("<I", len(RUN) + 1) + RUN + STOP) + STOP,
}  # fmt: skip
"""Pickles that load pickles; the first four were run."""


def cases() -> Iterator[Case]:
    for name, (data, rule) in RUNNING.items():
        loader = "" if name in ("an iterator", "an iterator that extends a list") else "pickle"
        loader = "pickle-python" if "longer than the file" in name else loader
        if loader:
            yield Case(_FAMILY, name, data, rule, loader)
    for name, data in SECOND.items():
        yield Case(_FAMILY, name, data, "pickle-call", "" if " behind " in name else "pickles")
    for number_, (name, data) in enumerate(NESTED.items()):
        yield Case("nested loaders", name, data, "pickle-call", "pickle" if number_ < 4 else "")


HELD: dict[str, bytes] = {
    "bytes": b"\x80\4C" + bytes([len(RUN) + 3]) + b"\x80\2" + RUN + STOP + STOP,
    "base64": pickle.dumps({"config": 1, "hook": base64.b64encode(b"\x80\4" + RUN + STOP).decode()}, 4),
    "base64 for addresses": pickle.dumps({"hook": base64.urlsafe_b64encode(b"\x80\3" + RUN + STOP).decode()}, 0),
    "hexadecimal digits": pickle.dumps([(b"\x80\4" + RUN + STOP).hex()], 2),
    "bytes in bytes": pickle.dumps([pickle.dumps([b"\x80\2" + RUN + STOP], 4)], 4),
    "a long text": pickle.dumps([base64.b64encode(pickle.dumps("x" * 99_999)[:-1] + POP + RUN + STOP).decode()], 4),
}
"""Pickles that hold a pickle as a value, which no unpickler reads by itself."""

_HARMLESS = pickle.dumps({"w": [1.0] * 40}, 2)
_SPELLED = base64.b64encode(b"\x80\4" + RUN + STOP)
EMBEDDED: dict[str, tuple[str, bytes]] = {
    "blocks of shelve": ("m.dat", _HARMLESS.ljust(512, b"\0") + b"\x80\4" + RUN + STOP),
    "behind other bytes": ("m.pkl", _HARMLESS + b"\xf0" * 5_000 + b"\x80\4" + RUN + STOP),
    "a page of a database": ("m.sqlite", b"SQLite format 3\0" + bytes(4_000) + b"\x80\5" + RUN + STOP + bytes(99)),
    "as text in a page": ("m.mdb", bytes(4_000) + RUN + STOP + bytes(99)),
    "called by INST": ("m.mdb", bytes(4_000) + b"(S'id'\nios\nsystem\n." + bytes(99)),
    "at the end of a long file": ("m.bin", bytes(5 << 20) + b"\x80\2" + RUN + STOP),
    "behind gguf": ("m.gguf", b"GGUF\3" + bytes(19) + b"\x80\4" + RUN + STOP),
    "behind safetensors": ("m.safetensors", struct.pack("<Q", 2) + b"{}" + b"\x80\4" + RUN + STOP),
    "in a storage of a distributed checkpoint": (
        "__0_0.distcp", checkpoint(storage("0", 64), {"0": (bytes(9) + b"\x80\4" + RUN + STOP).ljust(256, b"\0")})
    ),
    "an archive in a storage": ("__0_0.distcp", checkpoint(storage("0", 64), {"0": b"a/data.pkl".rjust(256, b"\0")})),
    "base64 in a table": ("m.csv", b"name,model\na," + _SPELLED + b"\n"),
    "base64 in lines": ("m.yaml", b"model: !!binary |\n  " + _SPELLED[:40] + b"\n  " + _SPELLED[40:] + b"\n"),
    "base64 of gzip": ("m.json", b'{"m": "' + base64.b64encode(gzip.compress(RUN + STOP)) + b'"}'),
    "base64 of text": ("m.json", b'{"m": "' + base64.b64encode(RUN + STOP) + b'"}'),
    "hexadecimal digits in a text": ("m.txt", b"model = " + (b"\x80\4" + RUN + STOP).hex().encode()),
}  # fmt: skip
"""Files by name that hold a pickle where no reader of theirs reads one."""

ALONE: dict[str, bytes] = {
    rules.CALL.id: RUN + STOP,
    rules.IMPORT.id: SYSTEM + STOP,
    rules.CLASS.id: named("acme.nn Model") + EMPTY + NEWOBJ + mapping({"a": number(1)}) + BUILD + STOP,
    rules.CODE_CALL.id: call("acme.nn Activation", text("relu")) + STOP,
    rules.REFERENCE.id: DICT + text("class") + named("acme.nn Model") + b"s" + STOP,
    rules.CLASS_ITEMS.id: named("acme.nn Dict") + EMPTY + NEWOBJ + text("a") + number(1) + b"s" + STOP,
    rules.CLASS_ARGUMENTS.id: named("acme.nn Point") + group(number(1)) + NEWOBJ + STOP,
    rules.DATA_CLASS.id: call("pathlib PosixPath", text("weights")) + STOP,
    rules.PERSISTENT.id: storage("0", 4) + STOP,
    rules.ARGUMENTS.id: call("_codecs encode", text("a"), text("zip")) + STOP,
    rules.CALLABLE.id: call("collections OrderedDict") + EMPTY + REDUCE + STOP,
    rules.NAME.id: named("collections.OrderedDict x")[:-2] + b" y\n" + STOP,
    rules.NAME_SOURCE.id: b"U\x0bcollectionsU\x0bOrderedDict" + STACK_GLOBAL + STOP,
    rules.DOTTED_NAME.id: b"\x80\4" + short("logging") + short("os.path") + STACK_GLOBAL + STOP,
    rules.EXTENSION.id: b"\x80\2\x82\1" + STOP,
    rules.INSTANCE.id: b"(icollections\nOrderedDict\n" + STOP,
    rules.ITEMS.id: LIST + number(0) + number(1) + b"s" + STOP,
    rules.STATE.id: named("collections OrderedDict") + NONE + mapping({"a": NONE}) + b"\x86" + BUILD + STOP,
    rules.FRAME.id: b"\x80\4" + frame(text("redDict") + STOP, 9),
    rules.INDEX.id: b"\x80\2" + NONE + b"p1_0\n" + STOP,
    rules.PROTOCOL.id: b"\x80\6" + NONE + STOP,
    rules.SHARD.id: named("torch.distributed.checkpoint.filesystem _StorageInfo") + EMPTY + NEWOBJ
    + mapping({"relative_path": text("/x")}) + BUILD + STOP,
    rules.OUTSIDE.id: named("joblib.numpy_pickle NDArrayWrapper") + EMPTY + NEWOBJ
    + mapping({"filename": text("../other.npy")}) + BUILD + STOP,
    rules.STORAGE.id: b"\x80\2" + call(
        "torch.storage _load_from_bytes", call("_codecs encode", text("x" * 70_000), text("latin1"))
    ) + STOP,
    rules.ARRAY.id: b"\x80\2" + named("joblib.numpy_pickle NumpyArrayWrapper") + EMPTY + NEWOBJ
    + mapping({"shape": group(number(2)), "dtype": NONE}) + BUILD + STOP,
}  # fmt: skip
"""For each rule of pickles, a file whose verdict is another one without it."""
