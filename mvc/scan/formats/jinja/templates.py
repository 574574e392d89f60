r"""Chat templates: Jinja that a tokenizer renders with each message. A template may reach Python through attributes.

    {{ ''.__class__.__mro__[1].__subclasses__() }}     an attribute that begins with an underscore
    {{ x['_' ~ '_class_' ~ '_'] }}                     a computed name: underscores may come from any text
    {{ x | attr(name) }}, cycler, lipsum, self         ways to the same without an underscore

Only forms that a template needs are accepted, since Jinja is not executed: literal names, whole numbers as positions, and keys
that come from the data. Loaders differ: transformers renders in a sandbox, others with plain Jinja.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mvc.formats.source import Source, TooLongError
from mvc.scan.formats.jinja.names import Names
from mvc.scan.formats.jinja.tokens import Block, SyntaxFault, Token, blocks, group
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

MAX_TEMPLATE = 2 * 1024 * 1024
"""Characters of a template, at most."""
SUFFIXES = (".jinja", ".jinja2", ".j2")

UNDERSCORE = Rule(
    "template-underscore",
    Verdict.HOSTILE,
    "Rendering the chat template with plain Jinja would reach Python's internals through {}.",
)
ATTRIBUTE = Rule(
    "template-attribute", Verdict.HOSTILE, "Rendering the chat template would read an attribute by a filter: {}."
)
GADGET = Rule(
    "template-global",
    Verdict.HOSTILE,
    "Rendering the chat template would use {}, an object of Jinja through which Python is reachable.",
)
COMPUTED = Rule(
    "template-computed", Verdict.HOSTILE, "Rendering the chat template would read an item by a computed name: {}."
)
FORMAT = Rule(
    "template-format", Verdict.HOSTILE, "Rendering the chat template would format a computed text: {} reads attributes."
)
INCLUDE = Rule("template-include", Verdict.CODE, "Rendering the chat template would read another template: {}.")
SYNTAX = Rule(
    "template-syntax", Verdict.UNREADABLE, "A loader may render the chat template, and the scan cannot parse it: {}."
)
RULES = (UNDERSCORE, ATTRIBUTE, GADGET, COMPUTED, FORMAT, INCLUDE, SYNTAX)

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_HIDDEN = re.compile(
    r"__|\\x5f|\\137|\\u005f|\\U0000005f|\\N\{LOW LINE\}|\|\s*attr\b|['\"]_['\"]\s*[*~+]", re.IGNORECASE
)
"""How a text that reaches Python has two underscores, or an attribute by a filter."""
_ASSEMBLED = re.compile(r"['\"]_['\"]\s*(?:\*\s*2|[~+]\s*['\"]_)")
_NAMED_ATTRIBUTE = re.compile(r"\|\s*attr\s*\(\s*(['\"])[A-Za-z]\w*\1\s*\)")
_GADGETS = frozenset({"cycler", "joiner", "lipsum", "self", "url_for", "get_flashed_messages"})
_INTERNALS = frozenset(
    {
        "mro", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "f_globals", "f_builtins", "f_locals",
        "f_back", "f_code", "func_globals", "func_code", "im_func", "im_self", "tb_frame", "tb_next", "popen",
    }
)  # fmt: skip
"""Attributes that reach Python's internals without an underscore."""
_BY_ATTRIBUTE = frozenset({"map", "sort", "groupby", "sum", "min", "max", "unique", "selectattr", "rejectattr"})
"""Filters that read attributes by a name in their arguments."""
_APPLIES = frozenset({"attr", "format", "join", "replace", "map"})
"""Filters that `map` may not apply by their name."""
_TAGS = frozenset(
    {
        "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "call", "endcall", "filter",
        "endfilter", "with", "endwith", "break", "continue", "do", "generation", "endgeneration", "block", "endblock",
        "autoescape", "endautoescape", "trans", "endtrans", "pluralize",
    }
)  # fmt: skip
_READING = frozenset({"include", "import", "from", "extends"})


def matches(start: bytes, source: Source) -> bool:
    """Return whether the name of a file is that of a template."""
    return source.name.lower().endswith(SUFFIXES) and b"\0" not in start


def scan(source: Source, scan: Scan) -> None:
    """Report the constructions of a file of a template. Raises TooLongError."""
    if source.size > MAX_TEMPLATE:
        raise TooLongError(f"it is a template of more than {MAX_TEMPLATE >> 20} MiB")
    examine(source.read(0, source.size).decode("utf-8", "replace"), scan)


def examine(text: str, scan: Scan, member: str = "") -> None:
    """Report the constructions of a template that reach more than its data; `member` is its place in the file."""
    try:
        if len(text) > MAX_TEMPLATE:
            raise SyntaxFault(f"it has more than {MAX_TEMPLATE >> 20} million characters")
        parts = list(blocks(text))
    except SyntaxFault as error:
        scan.report(SYNTAX, member=member, detail=str(error))
        return
    names = Names(parts)
    for block in parts:
        for rule, detail in _faults(block, names):
            scan.report(rule, member=member, detail=detail)


def examine_text(text: str, scan: Scan, member: str = "") -> None:
    """Report what reaches Python in the expressions of a text that may be a template, of Jinja or of another language."""
    if "{{" not in text and "{%" not in text:
        return
    is_assembled = _ASSEMBLED.search(text) is not None
    for match in _EXPRESSION.finditer(text) if _HIDDEN.search(text) else ():
        try:
            parts = list(blocks(match[0]))
        except SyntaxFault:
            continue
        names = Names(parts)
        is_by_filter = "attr" in _NAMED_ATTRIBUTE.sub("", match[0])
        for rule, detail in (fault for block in parts for fault in _faults(block, names)):
            if (
                (rule in (UNDERSCORE, ATTRIBUTE) and "__" in detail)
                or (rule is ATTRIBUTE and detail == "attr" and is_by_filter)
                or (rule is COMPUTED and is_assembled)
            ):
                scan.report(rule, member=member, detail=detail)


def _faults(block: Block, names: Names) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that a block breaks, each with the text that breaks it."""
    tokens = block.tokens
    if block.mark == "{%" and tokens:
        if tokens[0].is_name(*_READING):
            yield INCLUDE, tokens[0].text
        elif not tokens[0].is_name(*_TAGS):
            yield SYNTAX, f"the tag {tokens[0].text!r} is not known"
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else Token("", "")
        after = tokens[index + 1] if index + 1 < len(tokens) else Token("", "")
        if token.kind == "string":
            yield from _of_string(token, before, after, tokens[index + 2 : index + 3])
        elif token.kind == "name":
            receiver = tokens[index - 2] if index > 1 else Token("", "")
            yield from _of_name(token, before, after, receiver)
        if token.is_operator("[") and _follows_value(before):
            yield from _of_item(group(tokens, index), names)
        if before.is_operator("|") and token.is_name(*_BY_ATTRIBUTE) and after.is_operator("("):
            yield from _of_filter(token.text, group(tokens, index + 1), names)


def _of_string(token: Token, before: Token, after: Token, second: Sequence[Token]) -> Iterator[tuple[Rule, str]]:
    is_key = before.is_operator("[") and after.is_operator("]")
    if "__" in token.text or (is_key and token.text.startswith("_")) or (is_key and token.text in _INTERNALS):
        yield UNDERSCORE, repr(token.text)
    if after.is_operator(".") and second and second[0].is_name("format") and _reads_attributes(token.text):
        yield FORMAT, repr(token.text)


def _of_name(token: Token, before: Token, after: Token, receiver: Token) -> Iterator[tuple[Rule, str]]:
    if before.is_operator("|") and token.text == "attr":
        yield ATTRIBUTE, "attr"
    elif token.text.startswith("_"):
        is_key = after.is_operator("=") and before.is_operator("(", ",")  # of a map that `dict` makes
        if is_key or before.is_operator(".") or token.text.startswith("__"):
            yield UNDERSCORE, token.text
    elif before.is_operator("."):
        if token.text in _INTERNALS:
            yield UNDERSCORE, token.text
        elif token.text == "format_map" or (token.text == "format" and receiver.kind != "string"):
            yield FORMAT, token.text
    elif token.text in _GADGETS and not (after.is_operator("=") or before.is_operator("|")):
        yield GADGET, token.text


def _of_item(index: Sequence[Token], names: Names) -> Iterator[tuple[Rule, str]]:
    is_literal = len(index) == 1 and index[0].kind == "string"
    if not is_literal and (names.is_computed(index) or any(_calls(index))):
        yield COMPUTED, _text(index)


def _of_filter(name: str, arguments: Sequence[Token], names: Names) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that the arguments of a filter break, which reads attributes by their names."""
    first = arguments[0] if arguments else Token("", "")
    if name == "map" and first.kind == "string" and first.text in _APPLIES:
        yield ATTRIBUTE, f"map({first.text!r})"
    if name == "map" and first.kind == "name" and not first.is_name("attribute", "default"):
        yield ATTRIBUTE, f"map({first.text})"
    if names.is_computed(arguments):
        yield COMPUTED, f"{name}({_text(arguments)})"
    for token in arguments:
        if token.kind == "string" and any(part.startswith("_") or part in _INTERNALS for part in token.text.split(".")):
            yield UNDERSCORE, repr(token.text)


def _reads_attributes(text: str) -> bool:
    """Return whether a text of `str.format` reads attributes or items of what it formats."""
    return any(
        "." in part.partition(":")[0].partition("}")[0] or "[" in part.partition("}")[0] for part in text.split("{")[1:]
    )


def _follows_value(before: Token) -> bool:
    """Return whether a bracket after the token reads an item, and does not begin a list."""
    keywords = ("in", "not", "and", "or", "is", "if", "else", "elif", "set", "do", "for", "recursive")
    if before.kind == "name":
        return not before.is_name(*keywords)
    return before.kind == "string" or before.is_operator(")", "]", "}")


def _calls(index: Sequence[Token]) -> Iterator[Token]:
    """Yield the brackets of an index that call something, except those of filters."""
    for position, token in enumerate(index):
        before = index[position - 1] if position else Token("", "")
        is_filter = position > 1 and index[position - 2].is_operator("|")
        if token.is_operator("(") and _follows_value(before) and not is_filter:
            yield token


def _text(tokens: Sequence[Token]) -> str:
    return " ".join(repr(token.text) if token.kind == "string" else token.text for token in tokens)
