"""Calls by which Python pickles methods, types and getters. With other arguments, the same functions may do anything.

    getattr(str, "lower")                       a method of values
    getattr(Model(), "_lazy_load_hook")         a method of an object that the pickle has made, or of a class
    operator.itemgetter("price")                a function that looks up an item
    operator.getitem(typing.List, int)          a type
    functools.reduce(operator.or_, (int, str))  a type
    dill._dill._load_type("slice")              a class of Python
    dill._dill._create_array(_reconstruct, …)   an array

None of them calls what it is given. What `getattr` returns is judged by its name, once more if the pickle calls it.
Source: `__reduce__` of methods, of `operator`'s getters, of `typing` and of `types.UnionType` in CPython; dill/_dill.py;
cloudpickle/cloudpickle.py.
"""

from __future__ import annotations

import builtins
from typing import Any

from mvc.scan import globals as table
from mvc.scan import known_names
from mvc.scan.pickles.values import Made, Named, is_value

VALUES = frozenset(
    f"builtins.{name}"
    for name in ("bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple")
)
"""Classes of values, whose methods call nothing."""
_FORMATS = frozenset({"format", "format_map"})
"""Methods of texts that read attributes of what they are given."""
_SEARCHES = frozenset({"findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"})
"""Methods of a regular expression, which tokenizers keep."""
GETATTR = "builtins.getattr"
_LOOK_UPS = frozenset({"dill._dill._load_type", "cloudpickle.cloudpickle._builtin_type"})
"""Functions that look up a class of Python by its name in a table of their own, or in `types`."""
_FILES = frozenset({"_io.BytesIO", *known_names.KERAS_LOADERS})
_CREATE_ARRAY = "dill._dill._create_array"
_CREATE_NAMEDTUPLE = "dill._dill._create_namedtuple"
"""It looks up a class in a module, and makes one of tuples if there is none."""
_RECONSTRUCT = frozenset({"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"})
_REDUCE = frozenset({"builtins.reduce", "functools.reduce", "_functools.reduce"})
_OR = frozenset({"operator.or_", "_operator.or_"})
_GETITEM = frozenset({"operator.getitem", "_operator.getitem"})
_ITEMGETTER = frozenset({"operator.itemgetter", "_operator.itemgetter"})
_METHODCALLER = frozenset({"operator.methodcaller", "_operator.methodcaller"})


def result(function: Named, args: Any) -> Named | None:
    """Return the method or class that a call looks up by its name, None if it may do something else."""
    match args:
        case (str(name),) if function.path in _LOOK_UPS and name.isidentifier():
            return _class_of_python(name, function.offset)
        case (str(name), _, str(module), *_) if function.path == _CREATE_NAMEDTUPLE and name.isidentifier():
            return Named(module, name, function.offset)
        case (Named() as class_, str(name)) if function.path == GETATTR and _is_public(name):
            if class_.path in VALUES:
                return None if name in _FORMATS else Named(class_.path, name, class_.offset)
            return Named(class_.path, name, class_.offset) if _is_class(class_) else None
        case (Made(function=Named(path="re._compile") as compiled), str(name)) if (
            function.path == GETATTR and name in _SEARCHES
        ):
            return Named("re.Pattern", name, compiled.offset)
        case (Made(function=Named() as class_), str(name)) if function.path == GETATTR and _is_public(name):
            is_listed = table.use_of(class_.module, class_.name) is not None
            return Named(class_.path, name, class_.offset) if _is_class(class_) and not is_listed else None
    return None


def _class_of_python(name: str, offset: int) -> Named:
    """Return the class that a table of cloudpickle or dill has for a name."""
    if name == "PartialType":
        return Named("functools", "partial", offset)
    return Named("builtins" if isinstance(vars(builtins).get(name), type) else "types", name, offset)


def is_of_values(named: Named) -> bool:
    """Return whether a name is one of a class of values, or of a method of one."""
    return named.module in VALUES or named.path in VALUES


def holds_file(function: Named) -> bool:
    """Return whether a call is given the bytes of a file, which what is called later may load, as Keras does."""
    return function.path in _FILES


def is_harmless(function: Named, args: Any) -> bool:
    """Return whether a call makes a getter or a type, which takes the code of nobody."""
    path = function.path
    match args:
        case (Named() as operation, tuple() as types) if path in _REDUCE:
            operation.is_made = operation.is_made or operation.path in _OR
            return operation.path in _OR and all(isinstance(part, Named | None) for part in types)
        case (Named(module="typing" | "collections.abc"), _) if path in _GETITEM:
            return True
        case (Named(path=rebuild) as function, (Named(path="numpy.ndarray"), *inner), tuple(), *_) if (
            path == _CREATE_ARRAY
        ):
            function.is_made = True
            return rebuild in _RECONSTRUCT and is_value(tuple(inner))
        case (Named(), Made()) if path == "types.MethodType":
            return True
        case (str(name),) if path in _METHODCALLER:
            return _is_public(name) and not known_names.runs_by_name("", name)
    return path in _ITEMGETTER and is_value(args)


def _is_public(name: str) -> bool:
    """Return whether an attribute is neither one of Python's own, such as `__globals__`, nor a path of several."""
    return name.isidentifier() and "__" not in name


def _is_class(named: Named) -> bool:
    """Return whether a name is one of a class, of a package whose classes may belong to a model."""
    is_capital = named.name.rpartition(".")[2].lstrip("_")[:1].isupper()
    return is_capital and known_names.has_harmless_methods(named.module)
