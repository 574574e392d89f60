"""Names in a template that may hold a text which the template itself puts together, such as the name of an attribute.

    {% set dash = bos_token[7] %} {% set key = dash * 2 ~ 'class' %} {{ x[key] }}        `key` is computed
    {% for key in message.keys() %} {{ message[key] }}                                   `key` is data

A text is put together by an operator, a method, a filter or a macro. What is assigned from such an expression is computed, and
so is what is assigned from a computed name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvc.scan.formats.jinja.tokens import Block, Token, group

_PLAIN_FILTERS = frozenset(
    {
        "length", "count", "int", "float", "abs", "round", "first", "last", "list", "items", "sort", "dictsort", "default",
        "d", "min", "max", "unique", "select", "reject", "selectattr", "rejectattr", "map", "batch", "slice", "trim", "sum",
        "groupby", "tojson", "bool", "reverse", "safe", "string",
    }
)  # fmt: skip
"""Filters that put no text together out of others."""
_JOINING = frozenset({"join", "replace", "format", "center", "ljust", "rjust", "zfill", "translate", "expandtabs"})
"""Methods that do."""
_POSITIONS = frozenset(
    {"index", "index0", "revindex", "revindex0", "length", "count", "offset", "start", "end", "i", "j", "n"}
)
"""Names of numbers, which may be added."""
_NUMBERS = ("abs", "count", "float", "int", "length", "round")
"""Filters whose result is a number."""
_ADDING = frozenset({"append", "extend", "insert", "update", "setdefault", "add"})
"""Methods that put a value into a list or map."""
_NONE = Token("", "")
_SPECIAL = ("_token", "_special_tokens")
"""Ends of the names of special tokens: texts of the tokenizer, which the author of the template writes as well."""
_ALWAYS = ("varargs", "kwargs")


class Names:
    """The computed names of a template."""

    def __init__(self, parts: Sequence[Block]) -> None:
        """Follow the assignments of all blocks until no further name is computed."""
        self._computed = set(_ALWAYS)
        self._macros = {block.tokens[1].text for block in parts if _begins(block, "macro") and len(block.tokens) > 1}
        self._computed.update(self._macros)
        pairs = [pair for block in parts for pair in _assignments(block)]
        parameters = {name for block in parts if _begins(block, "macro", "call") for name in _parameters(block.tokens)}
        while True:
            before = len(self._computed)
            for targets, value in pairs:
                if value is None or self.is_computed(value):
                    self._computed.update(targets)
            if any(self.is_computed(call) for block in parts for call in self._calls(block)):
                self._computed.update(parameters)
            if len(self._computed) == before:
                return

    def is_computed(self, tokens: Sequence[Token]) -> bool:
        """Return whether an expression puts a text together, or has a name that holds such a text."""
        for index, token in enumerate(tokens):
            before = tokens[index - 1] if index else _NONE
            after = tokens[index + 1] if index + 1 < len(tokens) else _NONE
            if token.is_operator("~", "**"):
                return True
            if token.is_operator("%", "*") and not (_is_number(before) and _is_number(after)):
                return True
            if token.is_operator("+") and not (_is_number(before) or _is_number(after)):
                return True
            if token.kind == "string" and token.text in self._computed:  # ns['key'] is ns.key
                return True
            if token.kind == "name" and before.is_operator("|") and token.text not in _PLAIN_FILTERS:
                return True
            if after.is_operator("|") and tokens[index + 2 : index + 3] and tokens[index + 2].is_name(*_NUMBERS):
                continue
            if token.kind == "name" and not before.is_operator("|") and not after.is_operator("="):
                is_method = before.is_operator(".") and after.is_operator("(")
                is_special = token.text.endswith(_SPECIAL)
                if token.text in self._computed or is_special or (is_method and token.text in _JOINING):
                    return True
        return False

    def _calls(self, block: Block) -> Iterator[Sequence[Token]]:
        """Yield the arguments of the macros that a block calls."""
        for index, token in enumerate(block.tokens[:-1]):
            is_call = token.kind == "name" and block.tokens[index + 1].is_operator("(")
            if is_call and token.text in (*self._macros, "caller") and not _begins(block, "macro"):
                yield group(block.tokens, index + 1)


def _begins(block: Block, *tags: str) -> bool:
    return block.mark == "{%" and bool(block.tokens) and block.tokens[0].is_name(*tags)


def _assignments(block: Block) -> Iterator[tuple[tuple[str, ...], Sequence[Token] | None]]:
    """Yield names that a block assigns, and the expression; None for the text of the blocks that follow."""
    tokens = block.tokens
    for index in range(2, len(tokens) - 1):
        if (
            tokens[index].is_name(*_ADDING)
            and tokens[index - 1].is_operator(".")
            and tokens[index + 1].is_operator("(")
        ):
            yield _names(tokens[index - 2 : index - 1]), group(tokens, index + 1)
    if _begins(block, "for"):
        place = next((index for index, token in enumerate(tokens) if token.is_name("in")), len(tokens))
        value = tokens[place + 1 :]
        is_range = len(value) > 1 and value[0].is_name("range") and len(group(value, 1)) == len(value) - 3
        if not is_range:
            yield _names(tokens[1:place]), value
    elif _begins(block, "set", "with"):
        places = [index for index, token in enumerate(tokens) if token.is_operator("=") and _is_outside(tokens, index)]
        if not places and _begins(block, "set"):
            yield _names(tokens[1:2]) + _names(tokens[3:4]), None
        for place in places:
            first = place
            while first > 1 and (tokens[first - 1].kind == "name" or tokens[first - 1].is_operator(".", ",", "(", ")")):
                first -= 1
            yield _names(tokens[first:place]), tokens[place + 1 :]


def _is_outside(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a token is outside of all brackets, so that it is not a keyword argument."""
    opened = sum(token.is_operator("(", "[", "{") for token in tokens[:index])
    return opened == sum(token.is_operator(")", "]", "}") for token in tokens[:index])


def _parameters(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the parameters that a macro or a call block declares."""
    for token in tokens[2:] if tokens[0].is_name("macro") else tokens[1:]:
        if token.kind == "name":
            yield token.text
        if token.is_operator(")"):
            return


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the last name of each target: `x` of `ns.x`."""
    last = [
        token.text
        for index, token in enumerate(tokens)
        if token.kind == "name" and not (index + 1 < len(tokens) and tokens[index + 1].is_operator("."))
    ]
    return tuple(last)


def _is_number(token: Token) -> bool:
    return token.kind == "number" or (token.kind == "name" and token.text in _POSITIONS)
