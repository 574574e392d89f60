"""Keys of configurations by which a loader imports what a text names, and values that no key should have.

    {"class_path": "my.Net", "init_args": …}                  Lightning, jsonargparse
    {"activation_fn": "my.Act"}                               sentence-transformers, a cross-encoder
    {"types": {"a": "my.Module"}, "structure": …}             sentence-transformers, a router
    {"custom_imports": {"imports": ["my.ops"]}}               MMEngine
    {"lc": 1, "type": "constructor", "id": ["my", "Tool"]}    LangChain
    {"@class": "my.Layer"}, {"$type": "My.Layer, My"}         readers of JSON in Java and .NET
    {"type": "subprocess.Popen"}                              AllenNLP, MMEngine, Haystack, logging.config

A name that runs programs is a finding under any key that may name a class; other names only under keys of known loaders.
"""

from __future__ import annotations

import re
from typing import Any

from mvc.scan.formats import model_config
from mvc.scan.scan import Scan

_ROOTS = (
    "os|posix|nt|subprocess|builtins|__builtin__|commands|popen2|pty|runpy|import(?:lib)|ctypes|shutil|_?pickle|cPickle|marshal|"
    "webbrowser|socket|multiprocessing|asyncio|sys|timeit|cProfile|pdb|pydoc|dill|cloudpickle"
)
"""Modules that run programs or texts, and whose names no honest value of a configuration has."""
KEY = r"\(\)|(?:\w*_)?(?:type|class|cls|factory|callable|target|import|func|fn|entry_?point|constructor|object|impl)"
"""Keys that may name a class or a function."""
PROGRAM = rf"(?:{_ROOTS})(?:\.\w+)+"
_KEY, _PROGRAM = re.compile(KEY), re.compile(PROGRAM)
SEARCHED = (
    b"class_path", b"characters_class", b"activation_fn", b"tokenizer_class", b"sbert_ce_", b'"structure"', b"custom_imports",
    b'"lc"', b"@class", b"@type", b"$type", b'"os.', b'"posix.', b'"nt.', b'"subprocess.', b'"builtins.', b'"pty.', b'"runpy.',
)  # fmt: skip
"""Parts of a long text that these rules look at."""
_CALLED = ("characters_class", "class_path")
_IMPORTED = ("activation_fn", "sbert_ce_default_activation_function", "tokenizer_class")
_OWN = ("TTS.",)
"""Beginnings of names that the library of a key has itself."""
_JAVA = re.compile(r"(?:[a-z_]\w*\.)+[A-Z][\w$]*")
_JAVA_OWN = ("java.lang.", "java.math.", "java.time.", "java.util.", "org.datavec.", "org.deeplearning4j.", "org.nd4j.")
_JAVA_HOSTILE = re.compile(
    r"javax\.|(?:com\.)?sun\.|java\.(?:beans|net|rmi|lang\.(?:Process|Runtime|reflect))|com\.mchange\.|ch\.qos\.|"
    r"org\.(?:springframework|codehaus|apache\.(?:commons|xalan|xbean|log4j))\."
)
_DOTNET = re.compile(r"[\w.+`\[\], ]+,\s*[\w.]+")
_DOTNET_HOSTILE = re.compile(
    r"ObjectDataProvider|Diagnostics\.Process|WindowsIdentity|AssemblyInstaller|ResourceDictionary|PowerShell"
)


def examine(value: dict[str, Any], scan: Scan, member: str = "") -> None:
    """Report the names that one map of a configuration gives to a loader, not those of maps inside of it."""
    for key, name in value.items():
        if not isinstance(name, str):
            continue
        if _KEY.fullmatch(key) and _PROGRAM.fullmatch(name):
            scan.report(model_config.IMPORT, member=member, names=[name], detail=name)
        elif key in _CALLED and "." in name and not name.startswith(_OWN):
            model_config.report(name, scan, member, is_called=True)
        elif key in _IMPORTED:
            model_config.report(name, scan, member)
    _examine_foreign(value, scan, member)
    match value:
        case {"types": dict() as types, "structure": _}:
            for name in filter(lambda name: isinstance(name, str), types.values()):
                model_config.report(name, scan, member)
        case {"custom_imports": {"imports": str() | list() as imports}}:
            for name in [imports] if isinstance(imports, str) else imports:
                model_config.report(str(name), scan, member, is_called=True)
        case {"lc": int(), "type": "constructor", "id": [*parts]} if parts and not str(parts[0]).startswith(
            "langchain"
        ):
            model_config.report(".".join(map(str, parts)), scan, member, is_called=True)


def _examine_foreign(value: dict[str, Any], scan: Scan, member: str) -> None:
    """Report classes of Java and .NET."""
    for key in ("@class", "@type"):
        name = value.get(key)
        if not isinstance(name, str) or "@module" in value or not _JAVA.fullmatch(name):
            continue
        if _JAVA_HOSTILE.match(name):
            scan.report(model_config.IMPORT, member=member, names=[name], detail=name)
        elif not name.startswith(_JAVA_OWN):
            scan.report(model_config.CUSTOM, member=member, names=[name])
    name = value.get("$type")
    if isinstance(name, str) and _DOTNET.fullmatch(name):
        if _DOTNET_HOSTILE.search(name):
            scan.report(model_config.IMPORT, member=member, names=[name], detail=name)
        else:
            scan.report(model_config.CUSTOM, member=member, names=[name])
