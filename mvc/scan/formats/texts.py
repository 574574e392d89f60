"""Texts: YAML and other configurations that name Python, in files that no other scanner parses.

    !!python/object/apply:os.system ["…"]     PyYAML's unsafe loader builds it, and so runs it
    _target_: torch.optim.Adam                Hydra imports and calls it
    class_path: torch.optim.Adam              Lightning imports and calls it
    !new:torch.optim.Adam                     SpeechBrain imports and calls it
    !include:/etc/passwd                      SpeechBrain reads it
    activation: print(1)                      YOLO evaluates it
    loader_module: my_team.loader             MLflow imports it

YAML is not parsed: anchors, styles and escapes give a key many forms, so each form in which a text has the name is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from mvc.formats.source import Source, TooLongError
from mvc.scan.formats import import_keys, json_text, model_config
from mvc.scan.formats.jinja import templates
from mvc.scan.formats.references import is_data, is_hostile
from mvc.scan.pickles import held
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

MAX_TEXT = 8 * 1024 * 1024
"""Bytes of a configuration, at most."""

PYTHON = Rule("yaml-python", Verdict.HOSTILE, "An unsafe loader of YAML would build and call {}.")
CLASSES = Rule("yaml-classes", Verdict.CODE, "An unsafe loader of YAML would import the classes that the text names.")
HIDDEN = Rule(
    "yaml-hidden", Verdict.UNREADABLE, "A loader would import what the text names in a form the scan cannot read."
)
FOREIGN = Rule("yaml-foreign", Verdict.HOSTILE, "A loader of YAML in another language would build and call {}.")
DOWNLOAD = Rule(
    "yaml-download", Verdict.CODE, "Ultralytics would run the script under `download` to fetch the dataset."
)
EVALUATED = Rule("yaml-evaluated", Verdict.HOSTILE, "YOLO would evaluate {} of the configuration as Python.")
RULES = (PYTHON, CLASSES, FOREIGN, HIDDEN, DOWNLOAD, EVALUATED, *held.RULES, *model_config.RULES)

_DOWNLOAD = re.compile(
    r"^download\s*:\s*([|>][-+0-9]*\s*(#.*)?$|[\"']?bash\s|[^\n]*\b(import|exec|eval|os)\b)", re.MULTILINE
)
_CONFIGS = (".yaml", ".yml", ".config", ".conf", ".cfg", ".gin")
_NAMES = ("mlmodel", "hparams", "config")
_PROSE = (
    ".md", ".rst", ".txt", ".html", ".htm", ".csv", ".tsv", ".json", ".jsonl", ".ipynb", ".xml", ".svg", ".tex", ".bib",
    ".py", ".log", ".jinja", ".jinja2", ".j2", ".sh", ".toml", ".css", ".js", ".mjs",
    ".ts", ".map", ".sql", ".fish",
)  # fmt: skip
"""Suffixes of texts that no loader reads as YAML."""
_TAG = re.compile(r"!!python/([\w/]+:?[\w.]*)|tag:yaml\.org,2002:python/([\w/]+:?[\w.]*)|!<?python/([\w/]+:?[\w.]*)")
_DATA_TAGS = frozenset({
    "bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str", "tuple", "unicode",
})  # fmt: skip
"""Tags of PyYAML that build plain values."""
_STRUCTURE = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\r?\n|\ufeff|%[^\n]*\n)*[ \t]*"
    r"(?:---|!|&|\?\s|-\s|[\[{]|(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')[ \t]*:(?:\s|$)"
    r"|[^\s#`'\"](?:[^\n:]++|:(?!\s|$))*+:)"
)
"""How YAML begins, behind comments: with a key, an item, a bracket or a tag. Prose begins with a sentence."""
_PREFIX = re.compile(r"^%TAG\s+(\S+)\s+(\S+)", re.MULTILINE)
_KEYS = "_target_|loader_module"
_NAMED = re.compile(
    rf"""(?:^|[\s{{,?\[])["']?({_KEYS}|target|class_path)["']?\s*:\s+(?:&\S+\s+|!\S+\s+)*["']?([A-Za-z_][\w.:]*)["']?""",
    re.MULTILINE,
)
_RUNNING = re.compile(
    rf"""(?:^|[\s{{,?\[])["']?(?:{import_keys.KEY})["']?\s*:\s+["']?({import_keys.PROGRAM})["']?\s*(?:$|[,}}\]#])""",
    re.MULTILINE,
)
_TAGGED = re.compile(r"(?:^|[:\[,{-])[ \t]*!(?:!|<tag:yaml\.org,2002:)python/", re.MULTILINE)
"""A tag where YAML has a value, in a text that may be no YAML."""
_FOREIGN = re.compile(
    r"(?:^|[\s\[{,])!!?<?(?:tag:yaml\.org,2002:)?((?:javax?|com\.sun|sun)(?:\.[\w$]+)+|(?:ruby|php|perl|js)/[\w/:.]+)",
    re.MULTILINE,
)
_CUSTOM_IMPORTS = re.compile(
    r"custom_imports[\"']?\s*:[^\[\]]{0,80}?imports[\"']?\s*:\s*(?:\[([^\]]*)\]|((?:\s*-\s*\S+)+)|(\S+))"
)
_REGISTERED = re.compile(
    r"^@(?:architectures|callbacks|misc|readers|scorers|tokenizers)\s*=\s*[\"']([^\"']+)", re.MULTILINE
)
"""Functions that spaCy looks up by a name; its own begin with `spacy`."""
_PICKLE_MODULE, _PICKLE_MODULES = (
    "pickle_module_info.txt",
    ("cloudpickle", "dill", "mlflow.pytorch.pickle_module", "pickle"),
)
"""The file by which MLflow imports the module that reads a checkpoint, and what it writes there."""
_MENTION = re.compile(rf"(?<!\w)(?:{_KEYS})(?!\w)")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*)")
_COMMENT = re.compile(r"(^|\s)#[^\n]*")
_WORD = re.compile(r"\S+")
_CONTROL = re.compile(r"[\0-\7\x0e-\x1a\x1c-\x1f]")
_MARKS = re.compile(r"!|^tag:")
_BUILT = re.compile(r"(?:^|[\s\[{,])!(?:new|name|apply|applyref|module):([A-Za-z_][\w.]*)")
"""Tags of HyperPyYAML, by which SpeechBrain imports and calls."""
_INCLUDED = re.compile(r"(?:^|[\s\[{,])!include:(\S+)")
_BACKBONE, _HEAD = (re.compile(rf"^[\"']?{key}[\"']?\s*:", re.MULTILINE) for key in ("backbone", "head"))
_UNQUOTED_COMMENT = re.compile(r"""^((?:[^\n#"']|"[^"\n]*"|'[^'\n]*'|(?<=\S)\#)*+)\#[^\n]*""", re.MULTILINE)
_EVALUATED = re.compile(r"(?<![\w.\])}])(?!(?:torch\.)?nn\.[A-Z]\w*\()([\w.\])}]++\s*+\()")
_IMPORTED = re.compile(r"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
_PLACED = re.compile(
    r"^[ \t]+(?:data|code|model_path|pickled_model|model_code_path|python_model|model_data|path)[ \t]*:[ \t]*[\"']?([^\s\"']+)",
    re.MULTILINE,
)
"""Paths in a model of MLflow."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as text."""
    return source.size > 0 and _text(start[:500], is_start=True) is not None


def scan(source: Source, scan: Scan) -> None:
    """Report the Python that a configuration names. Raises TooLongError."""
    name = source.name.lower()
    if name.endswith(_PROSE):
        if name.endswith((".json", ".txt", ".csv", ".tsv")) and source.size <= MAX_TEXT:
            _scan_prose(source, name.rpartition("/")[2], scan)
        return
    is_config = name.endswith(_CONFIGS) or name.rpartition("/")[2].startswith(_NAMES)
    if source.size > MAX_TEXT:
        if is_config:
            raise TooLongError(f"it is a configuration of more than {MAX_TEXT >> 20} MiB")
        return
    data = source.bulk(0, source.size)
    text = _text(data, is_start=False) or data.decode("utf-8", "replace")
    _report_held(text, scan)
    if not is_config and not _STRUCTURE.match(text) and "\n---" not in text:
        templates.examine_text(text, scan)
        return
    decoded = _tags_decoded(_ESCAPE.sub(_decoded, text))
    for form in dict.fromkeys((text, decoded)):
        _examine(form, scan)
        templates.examine_text(form, scan)
    if name.endswith(".gin"):
        for module in dict.fromkeys(match[1] for match in _IMPORTED.finditer(text)):
            model_config.report(module, scan, is_called=True)
    if name.endswith(".cfg"):
        for registered in (match[1] for match in _REGISTERED.finditer(text)):
            if not registered.startswith("spacy"):
                scan.report(model_config.CUSTOM, names=[registered])
    if name.rpartition("/")[2].startswith("mlmodel"):
        for path in filter(model_config.is_outside, dict.fromkeys(match[1] for match in _PLACED.finditer(text))):
            scan.report(model_config.OUTSIDE, detail=path)
    if is_config and _MENTION.search(_COMMENT.sub("", decoded)) and not _NAMED.search(decoded):
        scan.report(HIDDEN)


def _scan_prose(source: Source, name: str, scan: Scan) -> None:
    """Report tags of Python, which make a text YAML whatever it is called, and what loaders of other texts import or render."""
    text = _text(source.bulk(0, source.size), is_start=False) or ""
    if not name.endswith(".json"):
        _report_held(text, scan)
    if _TAGGED.search(text) and not _is_json(text):
        _examine_tags(text, scan)
    if name == _PICKLE_MODULE and text.strip() not in _PICKLE_MODULES:
        model_config.report(text.strip(), scan, is_called=True)
    if name.endswith(".txt") and ("template" in name or "prompt" in name):
        templates.examine_text(text, scan)


def _report_held(text: str, scan: Scan) -> None:
    """Report pickles in base64."""
    for match in held.SPELLED.finditer(text):
        held.report(held.decoded(match[0]), scan)


def _is_json(text: str) -> bool:
    try:
        json_text.parsed(text)
    except (ValueError, RecursionError):
        return False
    return True


def _examine(text: str, scan: Scan) -> None:
    _examine_tags(text, scan)
    for name in dict.fromkeys(match[1] for match in _FOREIGN.finditer(text)):
        scan.report(FOREIGN, names=[name], detail=name)
    for name in dict.fromkeys(match[1] for match in _RUNNING.finditer(text)):
        scan.report(model_config.IMPORT, names=[name], detail=name)
    for match in _CUSTOM_IMPORTS.finditer(text):
        for name in re.findall(r"\w[\w.]*", next(filter(None, match.groups()), "")):
            model_config.report(name, scan, is_called=True)
    _examine_names(text, scan)


def _examine_tags(text: str, scan: Scan) -> None:
    for tag in _tags(text):
        kind, _, name = tag.partition(":")
        if name and "." not in name and kind != "module":
            name = f"builtins.{name}"
        if is_hostile(f"{name}.module" if kind == "module" else name) or not name.isascii() or not name.strip("."):
            if kind not in _DATA_TAGS:
                scan.report(PYTHON, names=[name or tag], detail=tag)
        elif not is_data(name):
            scan.report(CLASSES, names=[name])


def _examine_names(text: str, scan: Scan) -> None:
    for name in dict.fromkeys(match[1] for match in _BUILT.finditer(text)):
        model_config.report(name, scan, is_called=True)
    for path in filter(model_config.is_outside, dict.fromkeys(match[1] for match in _INCLUDED.finditer(text))):
        scan.report(model_config.OUTSIDE, detail=path)
    if _DOWNLOAD.search(text):
        scan.report(DOWNLOAD)
    if _BACKBONE.search(text) and _HEAD.search(text):
        called = _EVALUATED.finditer(_UNQUOTED_COMMENT.sub(r"\1", text))
        for name in dict.fromkeys(match[1].removesuffix("(").strip() for match in called):
            scan.report(EVALUATED, detail=name)
    for match in _NAMED.finditer(_COMMENT.sub("", text)):
        key, name = match[1], match[2]
        is_own = key == "loader_module" and name.startswith("mlflow.")
        if not is_own and (key not in ("target", "class_path") or "." in name):
            model_config.report(name, scan, is_called=True)


def _tags(text: str) -> Iterator[str]:
    """Yield the tags that name Python, also by a prefix that the text declares."""
    for match in _TAG.finditer(text):
        yield next(filter(None, match.groups()))
    for match in _PREFIX.finditer(text):
        if "python" in match[2] or "yaml.org" in match[2]:
            yield match[2].replace(":", " ")  # whose tags are not known


def _tags_decoded(text: str) -> str:
    """Return a text whose tags, and prefixes of tags, have characters in place of the escapes of a URI."""
    if "%" not in text or ("!" not in text and "%TAG" not in text):
        return text
    return _WORD.sub(lambda match: unquote(match[0]) if "%" in match[0] and _MARKS.search(match[0]) else match[0], text)


def _decoded(match: re.Match[str]) -> str:
    digits = match[1]
    if digits[0] in "xuU":
        code = int(digits[1:], 16)
        return chr(code) if code < 0x110000 else ""
    return ""


def _text(data: bytes, *, is_start: bool) -> str | None:
    """Return data as text, None if it is none. Python's readers of YAML know UTF-8 and UTF-16."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if not is_start or error.start < len(data) - 4:
            return None
        text = data[: error.start].decode(encoding, "ignore")
    return None if _CONTROL.search(text) else text
