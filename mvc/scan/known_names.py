"""Names outside of the table of `globals`: which of them make a finding a worse one, by what they are known to do.

Nothing here admits a name. A name that no list has is `code`, and its module is named in the finding.
"""

from __future__ import annotations

import _compat_pickle
import builtins
import keyword
import re
import sys

from mvc.scan.formats.references import LOADERS

STANDARD = frozenset(sys.stdlib_module_names) | frozenset(_compat_pickle.IMPORT_MAPPING) | {
    "asynchat", "asyncore", "commands", "cPickle", "copy_reg", "cStringIO", "dbm", "distutils", "imp",
    "lib2to3", "nt", "pip", "pipes", "pkg_resources", "popen2", "posix", "posixfile", "setuptools", "smtpd", "StringIO",
    "telnetlib", "urllib2", "UserDict", "_winreg",
}  # fmt: skip
"""Modules of any version of Python, and those that come with it."""

_QUIET = frozenset({
    "_collections_abc", "abc", "array", "calendar", "cmath", "collections", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "itertools", "logging", "math", "numbers", "operator", "_operator", "pathlib", "random", "re",
    "statistics", "string", "time", "types", "typing", "uuid", "warnings", "weakref", "copyreg", "copy_reg", "argparse",
    "contextlib", "inspect", "zoneinfo", "UserDict",
})  # fmt: skip
"""Standard modules whose import does nothing, and to which objects refer: such a reference is code."""

_VALUE_MODULES = frozenset(
    {"UserDict", "collections", "datetime", "decimal", "enum", "fractions", "random", "zoneinfo"}
)
"""Standard modules whose classes have no method that reads or writes a file at once."""

_BUILTINS = frozenset({"builtins", "__builtin__"})
_RUNNING_BUILTINS = frozenset(
    [
        "__import__",
        "apply",
        "breakpoint",
        "compile",
        "delattr",
        "dir",
        "eval",
        "exec",
        "execfile",
        "exit",
        "file",
        "filter",
        "getattr",
        "globals",
        "hasattr",
        "help",
        "input",
        "locals",
        "map",
        "memoryview",
        "open",
        "quit",
        "raw_input",
        "reduce",
        "reload",
        "setattr",
        "vars",
        "__build_class__",
        "__loader__",
        "__spec__",
    ]
)
_RUNNING_NAMES = frozenset({
    "functools.reduce", "operator.attrgetter", "operator.methodcaller", "operator.itemgetter", "operator.call",
    "_operator.attrgetter", "_operator.methodcaller", "_operator.itemgetter", "_operator.call", "types.CodeType",
    "types.FunctionType", "types.ModuleType", "types.MethodType", "types.LambdaType", "typing.get_type_hints",
    "logging.config", "inspect.getattr_static", "contextlib.ExitStack", "dataclasses.make_dataclass",
    "collections.namedtuple", "re.compile", "re.sub", "warnings.WarningMessage",
})  # fmt: skip
"""Names of quiet modules that run what they are given."""

_HARMLESS = frozenset({
    "array.array", "decimal.Context", "http.HTTPStatus", "inspect.Parameter", "inspect.Signature", "inspect._ParameterKind",
    "time.struct_time", "types.GenericAlias", "_io.BytesIO", "_io.StringIO", "collections.UserString",
    *(f"builtins.{name}" for name in ("enumerate", "iter", "reversed", "zip")),
    *(f"itertools.{name}" for name in ("chain", "count", "cycle", "islice", "repeat")),
    *(f"ipaddress.IPv{version}{kind}" for version in (4, 6) for kind in ("Address", "Interface", "Network")),
    *(f"builtins.{name}" for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)),
})  # fmt: skip
"""Classes and functions of Python that keep or iterate what they are given, and neither call nor open it, whatever it is."""

KERAS_LOADERS = frozenset(
    f"{package}.{module}.deserialize_model_from_bytecode"
    for package in ("keras", "tf_keras")
    for module in ("saving.pickle_utils", "src.saving.pickle_utils")
)
"""Functions that load a model of Keras from bytes, which are scanned as such."""

CODE_CALLS = _HARMLESS | KERAS_LOADERS | frozenset({
    "functools.partial", "logging.getLogger", "logging.Logger", "re._compile", "enum.Enum", "random.Random",
    "copyreg.__newobj__", "copyreg.__newobj_ex__", "array._array_reconstructor", "weakref.WeakValueDictionary",
    "weakref.WeakKeyDictionary", "collections.ChainMap", "collections.UserDict", "collections.UserList", "fractions.Fraction",
    "types.MappingProxyType", "zoneinfo.ZoneInfo._unpickle",
    "numpy.ma.core._mareconstruct", "numpy.random.mtrand.RandomState",
    "numpy.random.bit_generator.SeedSequence",
    "numpy.matrix", "numpy.recarray", "numpy.record",
    "torch._utils._rebuild_wrapper_subclass", "torch._utils._rebuild_sparse_csr_tensor", "torch._C.Generator",
    "torch.Generator", "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist",
    "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist", "torch.jit._pickle.build_tensor_from_id",
    "torch.jit._pickle.restore_type_tag", "torch.nn.parameter.UninitializedParameter",
    "torch.nn.parameter.UninitializedBuffer", "torch.finfo", "torch.iinfo",
    "torch.nested._internal.nested_tensor._rebuild_njt",
    "pandas.core.internals.managers.BlockManager", "pandas.core.internals.managers.SingleBlockManager", "pandas.StringDtype",
    *(f"pandas.core.dtypes.dtypes.{kind}Dtype" for kind in ("Arrow", "Categorical", "DatetimeTZ", "Interval", "Period", "Sparse")),
    "pandas.core.arrays.string_.StringDtype", "pandas._libs.tslibs.period.Period", "pandas._libs.interval.Interval",
    "pandas._libs.tslibs.nattype.__nat_unpickle", "regex._regex.compile", "_regex.compile",
    "pandas.Interval", "pandas.Period", "pandas.PeriodDtype", "pandas.IntervalDtype", "pandas.DatetimeTZDtype",
    "pandas._libs.sparse.IntIndex", "pandas._libs.sparse.BlockIndex", "pandas._libs.tslibs.nattype._nat_unpickle",
    "pandas._libs.tslibs.timedeltas._timedelta_unpickle", "pandas.core.indexes.interval._new_IntervalIndex",
    "pandas.core.indexes.period._new_PeriodIndex", "pytz._p", "pytz._UTC",
    *(f"pyarrow.lib.{name}" for name in (
        "type_for_alias", "py_buffer", "_restore_array", "chunked_array", "field", "schema", "scalar", "list_", "large_list", "struct", "map_",
        "dictionary", "timestamp", "duration", "time32", "time64", "decimal128", "binary",
    )),
    *(f"sklearn.{name}.newObj" for name in (
        "neighbors._kd_tree", "neighbors._ball_tree", "metrics._dist_metrics", "neighbors._dist_metrics", "neighbors.kd_tree",
        "neighbors.ball_tree", "neighbors.dist_metrics",
    )),
    *(f"statsmodels.tsa.statespace.{module}.{kind}{name}" for kind in "sdcz" for module, name in (
        ("_initialization", "Initialization"), ("_representation", "Statespace"), ("_kalman_filter", "KalmanFilter"),
        ("_kalman_smoother", "KalmanSmoother"), ("_simulation_smoother", "SimulationSmoother"),
    )),
    "pandas._libs.internals._unpickle_block", "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.datetimes._new_DatetimeIndex", "pandas._libs.tslibs.timestamps._unpickle_timestamp",
    "sklearn.tree._tree.Tree", "scipy.sparse._base._formats",
})  # fmt: skip
"""Functions outside of the table that writers of models call: code, not more."""

_CLASSES_OF_DATA = frozenset({"pandas._libs.tslibs.offsets"})
"""Modules whose classes have no effect when they are called: a calendar's offsets."""

_FRAMEWORKS = frozenset({"torch", "numpy", "joblib", "scipy", "tensorflow", "keras", "tf_keras", "jax", "jaxlib", "dill",
                         "cloudpickle", "IPython", "fsspec", "requests", "aiohttp", "httpx", "urllib3", "paramiko", "boto3",
                         "fabric", "invoke", "pexpect", "plumbum", "sh", "docker", "dask", "distributed", "ray", "yaml",
                         "jinja2", "mako", "numexpr", "pandas", "pyarrow", "git", "gitpython", "Cython", "cffi", "numba",
                         "pkgutil", "py", "pytest", "_pytest", "nose", "bdb"})  # fmt: skip
"""Packages whose functions are widely installed, and can be called to run, read or write something."""

_RUNNING_WORD = re.compile(
    r"(?:\A|_|\b)(?:system|popen|exec|execute|eval|spawn|fork|call|check_call|check_output|run|runpy|shell|subprocess|command|"
    r"compile|import|import_module|load|loads|open|read|write|unlink|remove|rmtree|rename|download|urlopen|request|get|post|"
    r"connect|getattr|setattr|attrgetter|methodcaller|apply|invoke|main|cmd|popen2|ProxyCommand|Popen|code|interact)(?:\Z|_|\b)"
)
"""Words in the name of a function that runs, reads or writes something."""
_REMOTE = frozenset({
    "aiohttp", "boto3", "botocore", "docker", "fabric", "git", "gitpython", "httpx", "invoke", "paramiko", "pexpect", "plumbum",
    "psutil", "pycurl", "pysftp", "requests", "sh", "smbclient", "tornado", "urllib3", "websocket", "websockets", "zmq",
})  # fmt: skip
"""Packages that run programs or use the network: no class of theirs belongs to a model."""
_PROGRAM_MODULES = frozenset({
    "builtins", "__builtin__", "commands", "os", "nt", "popen2", "posix", "pty", "runpy", "subprocess",
})  # fmt: skip
_LOADING_MODULES = (
    "pandas.io.pickle.",
    "pandas.io.pytables.",
    "torch.hub.",
    "torch.package.",
    "torch.utils.cpp_extension.",
)
"""Modules of frameworks whose functions and classes load code, or open files: no call that a pickle makes may be given one."""
_UNPICKLES = re.compile(r"__pyx_unpickle_\w+|_?reconstruct\w*|_?rebuild\w*|_?unpickle\w*|__newobj\w*|newObj")
"""Names of functions that classes give to pickles, so that these make objects of them."""


def runs_by_name(module: str, name: str) -> bool:
    """Return whether a mere reference is a finding of the worst kind: a function or module known to run something."""
    package = module.partition(".")[0]
    if module in _BUILTINS:
        return name in _RUNNING_BUILTINS
    if f"{module}.{name}" in _RUNNING_NAMES:
        return True
    if package in STANDARD:
        return package not in _QUIET
    path = f"{module}.{name}"
    if package in _REMOTE or path in LOADERS or path.startswith(_LOADING_MODULES):
        return True
    return bool(_RUNNING_WORD.fullmatch(name.rpartition(".")[2])) and name.islower()


def is_program(path: str) -> bool:
    """Return whether a path names a function that runs programs or texts, such as `os.system`."""
    module, _, name = path.rpartition(".")
    return module in _PROGRAM_MODULES and _RUNNING_WORD.fullmatch(name) is not None and not keyword.iskeyword(name)


def is_widespread(path: str) -> bool:
    """Return whether a name is that of a package which is found nearly everywhere."""
    package = path.partition(".")[0]
    return package in STANDARD or package in _FRAMEWORKS


def is_quiet(module: str) -> bool:
    """Return whether objects of a module's classes may be made: one outside of Python, or one whose import does nothing."""
    package = module.partition(".")[0]
    return (package not in STANDARD or package in _QUIET) and package not in _REMOTE


def has_harmless_methods(module: str) -> bool:
    """Return whether the methods of a module's classes may be referred to: those of a team's, or of values of Python."""
    package = module.partition(".")[0]
    return package not in _REMOTE and (package not in STANDARD or package in _VALUE_MODULES)


def is_code_call(module: str, name: str) -> bool:
    """Return whether a function is one that writers of models call, by the name that Python 2 or 3 has for it."""
    if f"{module}.{name}" in CODE_CALLS:
        return True
    renamed = _compat_pickle.NAME_MAPPING.get((module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
    return ".".join(renamed) in CODE_CALLS


def runs_if_called(module: str, name: str, *, is_simple: bool) -> bool:
    """Return whether a call is a finding of the worst kind. `is_simple`: its arguments are at most one whole number.

    A class outside of known packages, as an enumeration is, is code; so is a function by which its class unpickles.
    """
    package, last = module.partition(".")[0], name.rpartition(".")[2]
    if is_code_call(module, name):
        return False
    if runs_by_name(module, name) or package in STANDARD or package in _REMOTE:
        return True
    if _UNPICKLES.fullmatch(last) and package not in {"dill", "cloudpickle", "torch"}:
        return False
    is_class = last[:1].isupper() or last.lstrip("_")[:1].isupper()
    if package in _FRAMEWORKS:
        return not (is_class and (is_simple or module in _CLASSES_OF_DATA))
    return bool(_RUNNING_WORD.search(last)) or not (is_class or is_simple)
