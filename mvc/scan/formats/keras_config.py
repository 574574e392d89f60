"""Keras configurations: the layers of a model as JSON, in `config.json` of a `.keras` file or `model_config` of HDF5.

    {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", …}}}

Loading builds each object by the name of its class. Bytecode of Python, a class that Keras imports, and layers that read a
file while they are built are findings. Source: keras/src/saving/serialization_lib.py and legacy/saving of Keras 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mvc.scan.formats import keras_names
from mvc.scan.formats.references import is_hostile
from mvc.scan.formats.tensorflow import operations
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

LAMBDA = Rule(
    "keras-lambda", Verdict.HOSTILE, "Keras would run bytecode of Python that is stored in the configuration: {}."
)
IMPORT = Rule("keras-import", Verdict.HOSTILE, "Keras would import {} and call it, which does not belong to a model.")
CUSTOM = Rule("keras-custom", Verdict.CODE, "Keras needs the code of its own classes and functions of the model.")
FILE = Rule("keras-file", Verdict.HOSTILE, "Keras would read the file {} while it loads the model.")
WRAPPED = Rule("keras-wrapped", Verdict.HOSTILE, "Keras would load another model that is stored or named inside: {}.")
OPERATION = Rule(
    "keras-operation", Verdict.HOSTILE, "Keras would call the function {} of TensorFlow, which is not only arithmetic."
)
RULES = (LAMBDA, IMPORT, CUSTOM, FILE, WRAPPED, OPERATION)

_LOADING = frozenset({"TFSMLayer", "TorchModuleWrapper"})
"""Layers that load a model of another library while they are built."""
_PATHS = (
    "vocabulary",
    "vocabulary_file",
    "vocab_file",
    "merges",
    "filepath",
    "file_path",
    "filename",
    "proto",
    "vocabulary_save_path",
)
_OPERATION = re.compile(r"\bop['\"]?\s*:\s*['\"](\w+)")
_TYPE = re.compile(r"tensorflow\.python\.(?:framework|ops|data\.ops)\.\w+(?:\.\w+)?\.[A-Z]\w*Spec")
_OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")


def is_config(value: Any) -> bool:
    """Return whether a JSON value is an object as Keras writes one."""
    return isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value


def examine(value: dict[str, Any], scan: Scan, member: str = "") -> None:
    """Report the rules that one object of a configuration breaks, not those inside of it."""
    for rule, name in _faults(value):
        if rule is CUSTOM:
            scan.report(rule, member=member, names=[name])
        else:
            scan.report(rule, member=member, names=[name], detail=name)


def _faults(value: dict[str, Any]) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that an object breaks, each with a name."""
    class_name, config = str(value.get("class_name", "")), value.get("config")
    short = class_name.rpartition(">")[2]
    module = value.get("module")
    module = module if isinstance(module, str) else ""
    if short == "__lambda__" or (short == "Lambda" and _has_bytecode(config)):
        yield LAMBDA, short
        return
    if short == "Lambda":
        yield from _of_lambda(config)
    function = config if class_name == "function" and isinstance(config, str) else ""
    if class_name == "__typespec__":
        yield from _of_type(module, value.get("spec_name"))
    elif module:
        verdict = keras_names.kind(module, class_name, function)
        if verdict != "own":
            yield (IMPORT if verdict == "hostile" else CUSTOM), f"{module}.{function or class_name}"
    elif function and is_hostile(function):
        yield IMPORT, function
    elif class_name not in keras_names.OBJECTS and value.get("registered_name") not in (None, "function"):
        yield CUSTOM, str(value["registered_name"])  # without a module: of the program that saved it
    registered = [name for name in (class_name, value.get("registered_name")) if isinstance(name, str) and ">" in name]
    if registered and not _is_own(registered[0]):
        yield CUSTOM, registered[0]
    if short in _LOADING:
        yield WRAPPED, short
    if isinstance(config, dict):
        yield from _of_config(short, config)


def _of_type(module: str, name: Any) -> Iterator[tuple[Rule, str]]:
    """Yield the class that describes a tensor, which Keras looks up in any module and calls."""
    path = f"{module}.{name}"
    if not _TYPE.fullmatch(path):
        yield (IMPORT if is_hostile(path) or module.partition(".")[0] in keras_names.ROOTS else CUSTOM), path


def _of_config(short: str, config: dict[str, Any]) -> Iterator[tuple[Rule, str]]:
    if short.endswith(("Lookup", "Vectorization", "Tokenizer", "Preprocessor")):
        for key in _PATHS:
            if isinstance(path := config.get(key), str) and path:
                yield FILE, path
    if short in _OPERATIONS:
        function = config.get("function")
        if isinstance(function, str) and not keras_names.is_operation(function):
            yield OPERATION, function
        definition = config.get("node_def")
        for match in _OPERATION.finditer(str(definition) if isinstance(definition, str | dict) else ""):
            if operations.is_hostile(match[1]):
                yield OPERATION, match[1]


def _of_lambda(config: Any) -> Iterator[tuple[Rule, str]]:
    """Yield the functions that a Lambda layer names."""
    for key in ("function", "output_shape", "mask", "arguments"):
        value = config.get(key) if isinstance(config, dict) else None
        if isinstance(value, str) and key == "function":
            if not all(part.isidentifier() for part in value.split(".")):
                yield LAMBDA, value
                continue
            module = config.get("module")
            name = f"{module}.{value}" if isinstance(module, str) and module else value
            yield (IMPORT if is_hostile(name) else CUSTOM), name


def _has_bytecode(config: Any) -> bool:
    """Return whether a Lambda layer of Keras 1 or 2 has a function as code, with defaults and closure: a list."""
    if not isinstance(config, dict):
        return True
    types = [config.get(key) for key in ("function_type", "output_shape_type", "mask_type")]
    return "lambda" in types or isinstance(config.get("function"), list)


def _is_own(registered: str) -> bool:
    package, _, name = registered.partition(">")
    return package in keras_names.ROOTS or (package == "Custom" and name in keras_names.OPTIMIZERS)
