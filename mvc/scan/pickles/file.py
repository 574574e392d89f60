"""Files of pickles, as `pickle.load`, `joblib.load` and a loop over `pickle.load` read them.

    pickle │ pickle │ …                       each is read; what follows and is none is read by no loader
    pickle ─ array wrapper │ bytes of the array │ the rest of the pickle          joblib

A pickle of protocol 0 or 1 has no magic bytes. Content that may be one counts as one if it ends as one, or if a loader
would call something before it fails.
"""

from __future__ import annotations

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan import known_names
from mvc.scan.pickles import embedded, held, rules, torch_legacy
from mvc.scan.pickles.joblib import ArrayCalls
from mvc.scan.pickles.machine import Machine
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan

RULES = (*rules.RULES, *held.RULES)
_COST = 20
"""Opcodes that each pickle of a file counts as besides its own."""
_PROTOCOL = b"\x80"
_NEXT = 6
"""A protocol that no Python has yet."""
_STOP = b"."
_FIRST = frozenset(b"(]})cIJKLMFGSTUVXBCN\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96i")
"""Opcodes that a pickle without a protocol may begin with."""
_PROOF = frozenset(rule.id for rule in (rules.CALL, rules.CODE_CALL, rules.CLASS, rules.INSTANCE, rules.NAME_SOURCE))
"""Findings that bytes of another format do not have by chance, if the names are those of Python."""
_SUFFIXES = (
    ".pkl", ".pickle", ".pk", ".p", ".pt", ".pth", ".ckpt", ".joblib", ".sav", ".pdparams", ".pdopt", ".dill", ".cloudpickle",
)  # fmt: skip
"""Suffixes of pickles: what is named so and begins as one is one, however soon it fails."""
_MAX_SPACE = 4096
_FIRST_OPCODES = 512
"""Opcodes that show whether bytes that begin as a pickle are one."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether content is a pickle, and not the first one of a checkpoint of PyTorch."""
    has_protocol = start[:1] == _PROTOCOL and len(start) > 1 and start[1] < _NEXT
    if start[:2] == _PROTOCOL + bytes([_NEXT]):
        return source.read(source.size - 1, 1) == _STOP and _goes_on(source)  # by chance, 1 of 65,536 files begins so
    if has_protocol and not _is_length(start, source):
        return not torch_legacy.matches(start, source) and _goes_on(source)
    if not has_protocol and (not start or start[0] not in _FIRST):
        return False
    if start[:1] == b"i" and b" " in start.partition(b"\n")[0]:
        return (
            False  # source code that begins with an import: INST needs a mark before it, and no module has such a name
        )
    trial = Scan.outline(source)
    try:
        is_whole = _read_all(source, trial) == source.size
        if is_whole or source.name.lower().endswith(_SUFFIXES) or (has_protocol and trial.result().names):
            return _may_be_found(trial)
    except TooLongError:
        return True
    except HeaderError:
        pass
    return _is_proof(trial)


def scan(source: Source, scan: Scan) -> None:
    """Report what a loader would do with the first pickle, and with those that follow it. Raises HeaderError."""
    end = _read_all(source, scan)
    if end < source.size:
        embedded.report(source, scan, end)


def _read_all(source: Source, scan: Scan) -> int:
    """Report on the pickles of a file; return the offset after the last one.

    Raises HeaderError if the first is malformed, TooLongError if they have too many opcodes.
    """
    window = Window(source)
    end = whole = read(window, scan)
    while end < source.size:
        scan.limits.follow(_COST)
        begin = _after_space(window)
        trial = scan.trial()
        try:
            following = read(window, trial)
        except HeaderError as error:
            if _is_proof(trial):
                scan.adopt(trial)
            if isinstance(error, TooLongError):  # a loader goes on
                raise
            break
        if whole == end == begin:
            whole = following
        if whole == following or _is_proof(trial):
            scan.adopt(trial)
        end = following
    return whole


def _after_space(window: Window) -> int:
    """Pass over white space, as a loader of several pickles may do, and return the offset of what follows it."""
    if window.peek(1).isspace():  # few bytes of what a scan may read are spent on files without
        data = window.peek(_MAX_SPACE)
        window.skip(len(data) - len(data.lstrip()))
    return window.position


def read(window: Window, scan: Scan) -> int:
    """Report on one pickle; return the offset of its end. Raises HeaderError where an unpickler would stop."""
    Machine(window, scan, ArrayCalls()).read()
    return window.position


def _is_length(start: bytes, source: Source) -> bool:
    """Return whether the first bytes may be the length of a header in JSON, as in safetensors."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") + 8 <= source.size


def _goes_on(source: Source) -> bool:
    """Return whether bytes behind the number of a protocol are a pickle: numbers of another kind soon fail as opcodes."""
    if source.name.lower().endswith(_SUFFIXES):
        return True
    trial = Scan.outline(source)
    machine = Machine(Window(source), trial, ArrayCalls())
    try:
        machine.read(_FIRST_OPCODES)
    except TooLongError:
        return True
    except HeaderError:
        evasions = (rules.FRAME.id, rules.NAME_SOURCE.id)
        is_evasion = any(finding.rule in evasions for finding in trial.result().findings)
        return is_evasion or any(named.is_sound for named in machine.names)
    return _may_be_found(trial)


def _may_be_found(trial: Scan) -> bool:
    """Return whether a loader may find one of the names of a pickle: by chance, they have control characters or no letters."""
    names = trial.result().names
    return not names or any(
        all(part and "\N{REPLACEMENT CHARACTER}" not in part for part in name.split(".")) for name in names
    )


def _is_proof(trial: Scan) -> bool:
    """Return whether a loader would do something before it fails, or a text be one that runs a program."""
    for finding in trial.result().findings:
        names = finding.names
        if finding.rule == rules.IMPORT.id and any(map(known_names.is_program, names)):
            return True
        is_sound = any(name.isascii() and all(map(str.isidentifier, name.split("."))) for name in names)
        if finding.rule in _PROOF and is_sound:
            return True
    return False
