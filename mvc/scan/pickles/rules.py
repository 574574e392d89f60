"""Rules of pickles. What breaks the first ones is a class or function; what breaks the others is a structure."""

from __future__ import annotations

from mvc.scan.verdict import Rule, Verdict

CALL = Rule(
    "pickle-call", Verdict.HOSTILE, "A loader would call functions that no file of weights needs, with its arguments."
)
IMPORT = Rule(
    "pickle-import", Verdict.HOSTILE, "A loader would import modules that run programs, or read and write files."
)
CLASS = Rule("pickle-class", Verdict.CODE, "A loader needs the code of these classes, and runs it.")
CODE_CALL = Rule("pickle-code-call", Verdict.CODE, "A loader needs the code of these functions, and runs it.")
REFERENCE = Rule("pickle-reference", Verdict.CODE, "A loader would import the modules of these classes or functions.")
CLASS_ITEMS = Rule(
    "pickle-class-items", Verdict.CODE, "A loader would add items to objects of these classes, by their own code."
)
CLASS_ARGUMENTS = Rule(
    "pickle-class-arguments", Verdict.CODE, "A loader would make objects of these classes with arguments of the file."
)
DATA_CLASS = Rule("pickle-data-class", Verdict.DATA, "It has objects of classes of data.")
PERSISTENT = Rule(
    "pickle-persistent", Verdict.UNKNOWN, "It refers to objects outside of it, which only its own loader knows."
)

ARGUMENTS = Rule(
    "pickle-arguments", Verdict.HOSTILE, "A loader would call known functions with arguments that no writer gives them."
)
CALLABLE = Rule("pickle-callable", Verdict.HOSTILE, "A loader would call a value that is not a named function.")
NAME = Rule("pickle-name", Verdict.HOSTILE, "A loader would look up a name that is not one of Python: {}.")
NAME_SOURCE = Rule(
    "pickle-name-source",
    Verdict.HOSTILE,
    "A loader would look up a name that the pickle computes, which no writer does.",
)
DOTTED_NAME = Rule(
    "pickle-dotted-name", Verdict.HOSTILE, "A loader would follow attributes to a function that another module defines."
)
EXTENSION = Rule(
    "pickle-extension", Verdict.HOSTILE, "A loader would look up a number in a table of its own program (EXT)."
)
INSTANCE = Rule(
    "pickle-instance", Verdict.HOSTILE, "A loader would call a class by opcodes that no writer uses (INST, OBJ)."
)
ITEMS = Rule(
    "pickle-items", Verdict.HOSTILE, "A loader would add items to a value that is neither a list, a dict nor a set."
)
STATE = Rule(
    "pickle-state", Verdict.HOSTILE, "A loader would set the attributes of a value that has no state of its own."
)
FRAME = Rule(
    "pickle-frame", Verdict.HOSTILE, "Its frames do not hold whole opcodes, and unpicklers differ in what they read."
)
INDEX = Rule(
    "pickle-index",
    Verdict.UNREADABLE,
    "It has an index that unpicklers read differently, or only some have memory for.",
)
PROTOCOL = Rule("pickle-protocol", Verdict.UNREADABLE, "It has a protocol that the scan does not know.")
ARRAY = Rule(
    "joblib-array", Verdict.UNREADABLE, "Its array has no size that the scan knows, so what follows it cannot be read."
)
OUTSIDE = Rule(
    "joblib-outside", Verdict.HOSTILE, "joblib would read an array from a file that is not beside the pickle: {}."
)
SHARD = Rule(
    "torch-shard", Verdict.HOSTILE, "PyTorch would read tensors from {}, outside of the folder of the checkpoint."
)
STORAGE = Rule(
    "pickle-storage", Verdict.UNREADABLE, "It has a tensor in a text that the scan does not read, and a loader would."
)

RULES = (
    CALL, IMPORT, CLASS, CODE_CALL, REFERENCE, CLASS_ITEMS, CLASS_ARGUMENTS, DATA_CLASS, PERSISTENT,
    ARGUMENTS, CALLABLE, NAME, NAME_SOURCE, DOTTED_NAME, EXTENSION, INSTANCE, ITEMS, STATE, FRAME, INDEX, PROTOCOL, ARRAY,
    OUTSIDE, SHARD, STORAGE,
)  # fmt: skip
"""All of them."""
