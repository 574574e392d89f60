"""Configurations that name code: transformers, sentence-transformers, diffusers, PEFT and Hydra.

    auto_map             classes in Python files beside the weights       config.json, tokenizer_config.json
    custom_pipelines     the same                                         config.json
    chat_template        Jinja, rendered with each message                tokenizer_config.json, chat_template.json
    type                 a class that is imported                         modules.json
    _target_             a function that is imported and called           any, of Hydra
    py/reduce            the same                                         any, of jsonpickle
    weight_map           files with the weights                           model.safetensors.index.json
    target, params       the same                                         any, of latent diffusion
    attn_implementation  a repository with compiled code                  config.json
    custom_ops_library   a library                                        genai_config.json
    @module, @class      a class                                          any, of monty
    id: pickle           each part of an array is a pickle                .zarray

Source: transformers/dynamic_module_utils.py, sentence_transformers/util, diffusers/pipelines/pipeline_loading_utils.py,
hydra/_internal/instantiate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mvc.scan.formats.jinja import templates
from mvc.scan.formats.references import is_data, is_hostile
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

AUTO_MAP = Rule(
    "auto-map", Verdict.CODE, "transformers would run Python files of the repository that the configuration names."
)
CUSTOM = Rule("custom-module", Verdict.CODE, "A loader would import the classes that the configuration names.")
IMPORT = Rule(
    "config-import", Verdict.HOSTILE, "A loader would import {} and call it, which does not belong to a model."
)
OUTSIDE = Rule("index-outside", Verdict.HOSTILE, "A loader would read weights from {}, outside of the model's folder.")
PICKLED = Rule("jsonpickle", Verdict.HOSTILE, "jsonpickle would call what the text names: {}.")
KERNEL = Rule("kernel-download", Verdict.CODE, "transformers would fetch compiled code from a hub and run it: {}.")
LIBRARY = Rule(
    "config-library", Verdict.CODE, "A runtime would load the library of operators that the configuration names: {}."
)
ZARR = Rule("zarr-pickle", Verdict.CODE, "zarr would load each part of the array as a pickle.")
ADDRESS = Rule(
    "mxnet-address", Verdict.HOSTILE, "MXNet would call a function at an address that the file gives, by {}."
)
RULES = (AUTO_MAP, CUSTOM, IMPORT, OUTSIDE, PICKLED, KERNEL, LIBRARY, ZARR, ADDRESS, *templates.RULES)

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LIBRARIES = frozenset({"diffusers", "transformers", "onnxruntime.training", "flax", "optimum.onnxruntime"})
"""Libraries whose classes the index of a pipeline of diffusers may name."""
_PARTS = frozenset(
    {"stable_diffusion", "deprecated.stable_diffusion_variants", "deepfloyd_if", "wuerstchen", "kandinsky"}
)
_OWN = ("sentence_transformers.", "torch.nn.modules.", "torch.nn.")
_PICKLED = frozenset({"py/function", "py/mod", "py/reduce", "py/repr", "py/type"})
_KERNELS = tuple(
    f"{kind}_implementation{end}"
    for kind in ("attn", "_attn", "experts", "_experts")
    for end in ("", "_internal", "_autoset")
)
_ON_A_HUB = re.compile(r"(paged\|)?[^/\s:]+/[^/\s:]+(@[^\s:]+)?(:\S+)?\Z")
_SKOPS_FUNCTIONS = ("FunctionNode", "MethodNode", "OperatorFuncNode")
_SKOPS = frozenset({"lightgbm", "numpy", "quantile_forest", "scipy", "sklearn", "xgboost"})
"""Packages whose classes skops builds."""
TEMPLATES = frozenset({"chat_template", "chat_templates", "default_chat_template"})
"""Keys of chat templates."""
_MIN_NAMED = 2


def is_outside(path: str) -> bool:
    """Return whether a path is not inside of its folder: absolute, with `..`, a URL, or with control characters."""
    parts = path.replace("\\", "/").split("/")
    is_absolute = parts[0] in ("", "~") or _SCHEME.match(path) is not None
    return is_absolute or not path.isprintable() or ".." in parts or not parts[-1]


def examine(value: dict[str, Any], scan: Scan, member: str = "") -> None:
    """Report the code that one map of a configuration names, not the maps inside of it."""
    for key in ("auto_map", "custom_pipelines"):
        if value.get(key):
            scan.report(AUTO_MAP, member=member, names=sorted(set(_names(value[key]))))
    if isinstance(value.get("auto_mapping"), dict):
        scan.report(CUSTOM, member=member, names=sorted(set(_names(value["auto_mapping"]))))
    for key in ("_target_", "activation_function"):
        if isinstance(name := value.get(key), str):
            report(name, scan, member, is_called=key == "_target_")
    if isinstance(target := value.get("target"), str) and "params" in value:
        report(target, scan, member, is_called=True)
    class_name = value.get("_class_name")
    if isinstance(class_name, list) or (isinstance(class_name, str) and class_name.endswith("Pipeline")):
        _pipeline(value, scan, member)
    if isinstance(shards := value.get("weight_map"), dict):
        for path in dict.fromkeys(path for path in _names(shards) if is_outside(path)):
            scan.report(OUTSIDE, member=member, detail=path)
    if isinstance(template := value.get("template_path"), str) and is_outside(template):
        scan.report(OUTSIDE, member=member, detail=template)
    for key in _PICKLED & value.keys():
        scan.report(PICKLED, member=member, detail=str(value[key])[:80])
    if isinstance(name := value.get("py/object"), str):
        report(name, scan, member, is_called=True)
    _named(value, scan, member)
    _fetched(value, scan, member)
    for key, template in value.items():
        if key.lower() in TEMPLATES:
            for text in _texts(template):
                templates.examine(text, scan, member)


def _fetched(value: dict[str, Any], scan: Scan, member: str) -> None:
    """Report the compiled code that a map names."""
    for key in _KERNELS:
        for name in dict.fromkeys(_names(value.get(key))):
            if _ON_A_HUB.match(name):
                scan.report(KERNEL, member=member, detail=name)
    if isinstance(library := value.get("custom_ops_library"), str) and library:
        scan.report(LIBRARY, member=member, detail=library)
    is_codec = value.keys() <= {"id", "protocol", "name", "configuration"}
    if is_codec and (value.get("id") == "pickle" or value.get("name") in ("numcodecs.pickle", "pickle")):
        scan.report(ZARR, member=member)
    match value:
        case {"op": "_Native" | "_NDArray" as name, "inputs": list()}:
            scan.report(ADDRESS, member=member, detail=name)
        case {"op": "Custom", "inputs": list(), "attrs": {"op_type": str(name)}}:
            report(name, scan, member, is_called=True)


def _named(value: dict[str, Any], scan: Scan, member: str) -> None:
    """Report the classes and functions that a map of skops, monty, Spark, Rasa or PEFT names in keys of its own."""
    match value:
        case {"__loader__": str(loader), "__module__": str(module), "__class__": str(class_name)}:  # skops
            name = f"{module}.{class_name}"
            is_known = module.partition(".")[0] in _SKOPS and loader not in _SKOPS_FUNCTIONS
            if is_hostile(name) or not (is_known or is_data(name) or (module == "numpy" and loader == "FunctionNode")):
                report(name, scan, member, is_called=True)
            match value.get("content"):
                case {"module_path": str(module), "function": str(function)} if is_hostile(f"{module}.{function}"):
                    report(f"{module}.{function}", scan, member, is_called=True)
        case {"@module": str(module), "@class": str(class_name)}:
            report(f"{module}.{class_name}", scan, member, is_called=True)
        case {"class": str(name), "uid": str(), "paramMap": dict()}:
            if not name.startswith(("org.apache.spark.", "pyspark.ml.")):
                report(name, scan, member, is_called=True)
        case {"uses": str(name), "fn": str()} if not name.startswith("rasa."):
            report(name, scan, member, is_called=True)
        case {"megatron_config": dict(), "megatron_core": str(name)} if not name.startswith("megatron."):
            report(name, scan, member, is_called=True)


def report(name: str, scan: Scan, member: str = "", *, is_called: bool = False) -> None:
    """Report a dotted name that a loader imports; one of a known library only if it `is_called`."""
    if is_hostile(name):
        scan.report(IMPORT, member=member, names=[name], detail=name)
    elif is_called or ("." in name and not name.startswith(_OWN)):
        scan.report(CUSTOM, member=member, names=[name])


def examine_modules(value: Any, scan: Scan, member: str = "") -> None:
    """Report the classes that `modules.json` of sentence-transformers names, except its own."""
    for module in value if isinstance(value, list) else ():
        if isinstance(module, dict) and isinstance(name := module.get("type"), str):
            report(name, scan, member)


def examine_index(value: Any, scan: Scan, member: str = "") -> None:
    """Report the parts that `model_index.json` of diffusers names; whatever its class is, the caller may choose another one."""
    if isinstance(value, dict):
        _pipeline(value, scan, member)


def _pipeline(value: dict[str, Any], scan: Scan, member: str) -> None:
    """Report the parts of a pipeline whose library is none that diffusers knows."""
    for part in value.values():
        if isinstance(part, list) and len(part) == _MIN_NAMED and all(isinstance(text, str) for text in part):
            library, class_name = part
            if library not in _LIBRARIES and library not in _PARTS:
                report(f"{library}.{class_name}", scan, member, is_called=True)


def _names(value: Any) -> Iterator[str]:
    """Yield the texts inside of a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _names(part)


def _texts(value: Any) -> Iterator[str]:
    """Yield the templates of a value: a text, its lines, a map of texts, or a list of maps with a name and a template."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and all(isinstance(part, str) for part in value):
        yield "".join(value)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part.get("template")) if isinstance(part, dict) else _texts(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
