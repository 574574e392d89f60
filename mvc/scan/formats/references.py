"""Classes and functions that a text file names and a loader imports: `_target_` of Hydra, `module` of Keras, and so on.

    os.system, builtins.eval, torch.hub.load     a function of Python, or one known to run, read or write something: hostile
    my_team.layers.Attention                     code that has to be installed: the name is listed

What comes with Python serves no model, except the few data types in a table.
"""

from __future__ import annotations

import sys

_REMOVED = frozenset({
    "asynchat", "asyncore", "cgi", "cgitb", "commands", "crypt", "distutils", "imp", "nntplib", "nt", "pipes", "posix",
    "posixpath", "smtpd", "telnetlib", "urllib2", "xdrlib", "__builtin__",
})  # fmt: skip
"""Modules that other versions of Python have."""
_RUNNING = frozenset({
    "IPython", "aiohttp", "cffi", "cloudpickle", "cython", "dill", "fabric", "fsspec", "git", "httpx", "joblib", "numba",
    "paramiko", "pexpect", "pip", "pkg_resources", "plumbum", "psutil", "pyximport", "requests", "sh", "setuptools",
    "urllib3", "xonsh",
})  # fmt: skip
"""Packages whose functions run programs, load pickles or use the network; no layer or optimizer is among them."""
_DATA = frozenset({
    "argparse.Namespace", "types.SimpleNamespace",
    "builtins.bool", "builtins.bytearray", "builtins.bytes", "builtins.complex", "builtins.dict", "builtins.float", "builtins.frozenset",
    "builtins.int", "builtins.list", "builtins.set", "builtins.slice", "builtins.str", "builtins.tuple",
    "collections.Counter", "collections.OrderedDict", "collections.defaultdict", "datetime.date", "datetime.datetime",
    "datetime.timedelta", "decimal.Decimal", "fractions.Fraction", "functools.partial", "math.ceil", "math.exp",
    "math.floor", "math.log", "math.sqrt", "operator.itemgetter", "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePath",
    "pathlib.PurePosixPath", "random.Random",
})  # fmt: skip
"""Exact names of Python that a configuration may have."""
LOADERS = frozenset({
    "keras.models.load_model", "keras.saving.load_model", "keras.utils.get_file", "numpy.fromfile", "numpy.load",
    "numpy.memmap", "numpy.save", "numpy.savetxt", "numpy.savez", "numpy.tofile", "pandas.HDFStore", "pandas.eval", "pandas.read_hdf", "pandas.read_pickle",
    "pandas.read_sql", "pandas.to_pickle", "tensorflow.load_library", "tensorflow.load_op_library",
    "tensorflow.numpy_function", "tensorflow.py_function", "tensorflow.saved_model.load", "torch.classes.load_library",
    "torch.compile", "torch.hub.download_url_to_file", "torch.hub.load", "torch.hub.load_state_dict_from_url", "torch.load",
    "torch.ops.load_library", "torch.save",
})  # fmt: skip
"""Exact names of others that load code, or read or write files."""
_CALL_MODULES = (
    "keras.src.saving.", "keras.src.utils.file_utils.", "keras.utils.file_utils.", "numpy.distutils.", "numpy.f2py.",
    "numpy.testing.", "tensorflow.io.", "tensorflow.python.lib.io.", "tensorflow.python.ops.script_ops.",
    "tensorflow.raw_ops.", "torch.distributed.rpc.", "torch.multiprocessing.", "torch.package.", "torch.serialization.",
    "torch.utils.bottleneck.", "torch.utils.collect_env.", "torch.utils.cpp_extension.", "torch.utils.data.datapipes.",
    "torch.utils.model_zoo.", "torch._inductor.", "torch.testing.",
)  # fmt: skip
"""Modules whose functions do."""


def is_data(name: str) -> bool:
    """Return whether a dotted name is one of Python's data types that a configuration may have."""
    return name in _DATA


def is_hostile(name: str) -> bool:
    """Return whether a dotted name is of Python itself, or known to run, read or write something."""
    name = name.replace(":", ".").replace("/", ".").strip()
    if name in _DATA:
        return False
    parts = name.split(".")
    root = parts[0]
    if len(parts) > 1 and (root in sys.stdlib_module_names or root in _REMOVED or root in _RUNNING):
        return True
    if name in LOADERS or name.startswith(_CALL_MODULES):
        return True
    return any(part.startswith("__") or part in _PROGRAMS for part in parts[1:])


_PROGRAMS = frozenset({"builtins", "ctypes", "marshal", "os", "pickle", "shutil", "socket", "subprocess", "sys"})
"""Modules of Python that others import, so that they are reachable as their attributes: `torch.serialization.os`."""
