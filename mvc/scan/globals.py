"""The classes and functions that a pickle of weights may name: one table of exact names, without patterns.

    numpy.dtype                       called with values, state            plain
    argparse.Namespace                made, state                          data
    ultralytics.nn.tasks.Model        not in the table                     code, unless the team allows it
    os.system                         not in the table, and known          hostile

A name that is not in the table is a finding, whatever it is. The lists of `known` names only make it a worse one.
Sources: numpy/_core, torch/_utils.py, torch/_weights_only_unpickler.py, joblib/numpy_pickle.py, and what the writers of
these write.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from mvc.scan.verdict import Verdict


class Arguments(enum.Enum):
    """The arguments that a function of the table may be called with."""

    NONE = "it is not called"
    ANY = "whatever the pickle holds: it neither calls its arguments nor opens what they name"
    VALUES = "numbers, texts and containers"
    TUPLE = "a tuple, whatever it holds, or values"
    NOTHING = "None, whose class it returns"
    ENCODED = "a text, and latin1 or utf-8"
    BYTES = "nothing, a string of bytes, or a text with its encoding"
    CLASS = "nothing, or a class or function that it keeps; one outside of the table is a finding of its own"
    DTYPE = "a text, numpy.record or a scalar of ml_dtypes, and values"
    ARRAY = "numpy.ndarray, a shape and a dtype"
    REBUILT = "a function of the table that rebuilds tensors, a class, and what that function may be called with"
    REBUILT_ARRAY = "numpy's function that rebuilds an array, what that may be called with, and states"
    STORAGE = "the bytes of a file, which are scanned as such"
    GENERATOR = "values, or a function, a class or an object of numpy.random in the table"
    OBJECT = "a class, `object`, and None"


class State(enum.Enum):
    """The state that an object of the table may be given."""

    NONE = "none"
    ATTRIBUTES = "a dict of attributes"
    OWN = "whatever its own method accepts"


class Use(NamedTuple):
    """The uses of a name in a pickle, all of which it may have at once; a reference to it is always one."""

    arguments: Arguments = Arguments.NONE
    is_made: bool = False
    """NEWOBJ may make an object of it, with values as arguments."""
    state: State = State.NONE
    items: str = ""
    """`dict`, `list` or `set`, if items may be added to an object as to one of these."""
    verdict: Verdict = Verdict.PLAIN


def _rows(use: Use, *modules: str, names: str) -> Iterable[tuple[str, Use]]:
    for module in modules:
        for name in names.split():
            yield f"{module}.{name}", use


_REFERENCE = Use()
_VALUES = Use(Arguments.VALUES)
_ANY = Use(Arguments.ANY)
_DATA = Use(Arguments.VALUES, verdict=Verdict.DATA)
_RANDOM = Use(Arguments.GENERATOR, state=State.OWN, verdict=Verdict.DATA)
_CORES = ("numpy.core", "numpy._core")
_TYPES = "Float Double Half BFloat16 Long Int Short Char Byte Bool"
"""Types of numbers, in names of classes of PyTorch."""
_STORAGES = f"{_TYPES} ComplexFloat ComplexDouble"
_QUANTISED = "QInt8 QUInt8 QInt32 QUInt4x2 QUInt2x4"
_SMALL_DTYPES = (
    "bfloat16 float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu "
    "float6_e2m3fn float6_e3m2fn float4_e2m1fn int1 int2 int4 uint1 uint2 uint4"
)
"""Types of numbers, in names of ml_dtypes."""
_DTYPES = (
    "uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex32 complex64 complex128 bool "
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 qint8 quint8 qint32 quint4x2 "
    "quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2 uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 int2 int3 int4 int5 int6 int7"
)


def _kinds(types: str, suffix: str) -> str:
    return " ".join(f"{kind}{suffix}" for kind in types.split())


TABLE: dict[str, Use] = dict((
    # Python: containers, numbers, texts
    *_rows(_VALUES, "builtins", names="frozenset complex slice range"),
    ("builtins.tuple", Use(Arguments.TUPLE)), ("builtins.type", Use(Arguments.NOTHING)),
    *((f"builtins.{kind}", Use(Arguments.VALUES, items=kind)) for kind in ("list", "dict", "set")),
    *_rows(Use(Arguments.BYTES), "builtins", names="bytes bytearray"),
    *_rows(_REFERENCE, "builtins", names="int float bool str Ellipsis NotImplemented"),
    ("builtins.object", Use(is_made=True)),
    ("collections.OrderedDict", Use(Arguments.VALUES, is_made=True, state=State.ATTRIBUTES, items="dict")),
    ("collections.defaultdict", Use(Arguments.CLASS, items="dict")),
    ("collections.Counter", Use(Arguments.VALUES, items="dict")),
    ("collections.deque", Use(Arguments.VALUES, items="list")),
    ("_codecs.encode", Use(Arguments.ENCODED)),
    ("copyreg._reconstructor", Use(Arguments.OBJECT)),
    # numpy: arrays, scalars, dtypes
    *((f"{core}.multiarray._reconstruct", Use(Arguments.ARRAY, state=State.OWN)) for core in _CORES),
    *((f"{core}.multiarray.scalar", _ANY) for core in _CORES),
    *((f"{core}.numeric._frombuffer", _ANY) for core in _CORES),
    ("numpy.dtype", Use(Arguments.DTYPE, state=State.OWN)),
    ("numpy._core._internal._convert_to_stringdtype_kwargs", _VALUES),
    ("numpy.ndarray", _REFERENCE), ("numpy.record", _REFERENCE),
    *_rows(
        _REFERENCE, "numpy",
        names="bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128",
    ),
    # dtypes that numpy does not have
    *((f"ml_dtypes.{name}", _REFERENCE) for name in _SMALL_DTYPES.split()),
    # numpy: states of random generators
    *_rows(_RANDOM, "numpy.random._pickle", names="__randomstate_ctor __generator_ctor __bit_generator_ctor"),
    ("numpy.random._mt19937.MT19937", _REFERENCE), ("numpy.random._pcg64.PCG64", _REFERENCE),
    ("numpy.random._pcg64.PCG64DXSM", _REFERENCE), ("numpy.random._philox.Philox", _REFERENCE),
    ("numpy.random._sfc64.SFC64", _REFERENCE), ("numpy.random.bit_generator.SeedSequence", _REFERENCE),
    ("numpy.random.bit_generator.__pyx_unpickle_SeedSequence", _RANDOM),
    # torch: tensors, and what describes them
    *_rows(
        _ANY, "torch._utils",
        names="_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state "
        "_rebuild_qtensor _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage _rebuild_nested_tensor "
        "_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor",
    ),
    ("torch._tensor._rebuild_from_type_v2", Use(Arguments.REBUILT)),
    ("torch.storage._load_from_bytes", Use(Arguments.STORAGE)),
    ("torch.nn.parameter.Parameter", _ANY), ("torch.Tensor", _REFERENCE),
    ("torch.Size", _VALUES), ("torch.device", _VALUES), ("torch.serialization._get_layout", _VALUES),
    *_rows(_REFERENCE, "torch", names=_kinds(f"{_STORAGES} {_QUANTISED}", "Storage")),
    *_rows(_REFERENCE, "torch.cuda", names=_kinds(_STORAGES, "Storage")),
    *_rows(_REFERENCE, "torch", "torch.cuda", names=_kinds(_TYPES, "Tensor")),
    *_rows(_REFERENCE, "torch.sparse", "torch.cuda.sparse", names=_kinds(_TYPES.removesuffix(" Bool"), "Tensor")),
    *_rows(_REFERENCE, "torch.storage", names="TypedStorage UntypedStorage"),
    *_rows(_REFERENCE, "torch", names=_DTYPES),
    *_rows(_REFERENCE, "torch", names="per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric "
           "per_channel_affine_float_qparams"),
    ("torch.torch_version.TorchVersion", Use(Arguments.VALUES, is_made=True, state=State.ATTRIBUTES, verdict=Verdict.DATA)),
    # torch: where the tensors of a distributed checkpoint are
    *_rows(
        Use(is_made=True, state=State.ATTRIBUTES, verdict=Verdict.DATA), "torch.distributed.checkpoint.metadata",
        names="Metadata TensorStorageMetadata BytesStorageMetadata ChunkStorageMetadata MetadataIndex StorageMeta",
    ),
    ("torch.distributed.checkpoint.metadata.TensorProperties", Use(is_made=True, state=State.OWN, verdict=Verdict.DATA)),
    ("torch.distributed.checkpoint.metadata._MEM_FORMAT_ENCODING", _DATA),
    ("torch.distributed.checkpoint.filesystem._StorageInfo", Use(is_made=True, state=State.ATTRIBUTES, verdict=Verdict.DATA)),
    # jax: an array, by numpy's
    ("jax._src.array._reconstruct_array", Use(Arguments.REBUILT_ARRAY)),
    # joblib: an array whose bytes follow
    ("joblib.numpy_pickle.NumpyArrayWrapper", Use(is_made=True, state=State.ATTRIBUTES)),
    # joblib before 0.10: an array in a file beside the pickle
    *_rows(
        Use(is_made=True, state=State.ATTRIBUTES), "joblib.numpy_pickle", "joblib.numpy_pickle_compat",
        names="NDArrayWrapper ZNDArrayWrapper",
    ),
    # classes of data
    ("argparse.Namespace", Use(Arguments.VALUES, is_made=True, state=State.ATTRIBUTES, verdict=Verdict.DATA)),
    ("types.SimpleNamespace", Use(Arguments.VALUES, state=State.ATTRIBUTES, verdict=Verdict.DATA)),
    *_rows(
        _DATA, "pathlib", "pathlib._local",
        names="Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath",
    ),
    *_rows(Use(Arguments.ANY, verdict=Verdict.DATA), "datetime", names="datetime date time timedelta timezone"),
    ("decimal.Decimal", _DATA), ("fractions.Fraction", _DATA),
    ("uuid.UUID", Use(is_made=True, state=State.ATTRIBUTES, verdict=Verdict.DATA)), ("uuid.SafeUUID", _DATA),
))  # fmt: skip
"""Every name that is admitted, with its uses."""

REBUILDS = frozenset(name for name in TABLE if name.startswith("torch._utils._rebuild_"))
"""Functions that rebuild tensors."""

SMALL_SCALARS = {name: 2 if name.endswith(".bfloat16") else 1 for name in TABLE if name.startswith("ml_dtypes.")}
"""Classes of scalars that dtypes name, and the bytes of an element."""

VALUE_MAKERS = frozenset(
    [
        "_codecs.encode",
        *(
            f"builtins.{name}"
            for name in ["bytes", "bytearray", "complex", "tuple", "frozenset", "list", "dict", "set"]
        ),
    ]
)
"""Functions whose results are values like those that opcodes push; older protocols have no opcodes for some."""

ENCODE = "_codecs.encode"
BESIDE = frozenset(name for name in TABLE if name.endswith("NDArrayWrapper"))
"""Wrappers of arrays in files beside the pickle, which their state names."""
WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
SHARD = "torch.distributed.checkpoint.filesystem._StorageInfo"
"""A part of a distributed checkpoint, whose state names its file."""
LOAD_STORAGE = "torch.storage._load_from_bytes"
RECONSTRUCTOR = "copyreg._reconstructor"


def use_of(module: str, name: str) -> Use | None:
    """Return the uses of a name; None if it is not in the table."""
    return TABLE.get(f"{module}.{name}") if "." not in name else None
