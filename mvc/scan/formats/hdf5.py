"""HDF5: Keras's configuration in the attributes of the root, pickles of PyTables, datasets and links in other files.

    model_config     {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", …}, …]}}
    dense/kernel     external storage: "/etc/passwd"
    axis0            rows of bytes, PSEUDOATOM = "object"            PyTables, and so pandas, unpickles them

The file is parsed by the HDF5 library in a subprocess. Source: keras/src/legacy/saving/legacy_h5_format.py; the HDF5 user guide,
"External Storage", "Virtual Datasets" and "External Links".
"""

from __future__ import annotations

from mvc import lazy
from mvc.formats import hdf5 as header
from mvc.formats.source import Source
from mvc.scan.formats import json_text
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

FILE = Rule("hdf5-file", Verdict.HOSTILE, "The HDF5 library would read {}, another file.")
LONG = Rule(
    "hdf5-long", Verdict.UNREADABLE, "Keras would build a model by the attribute {}, which is too long to be scanned."
)
CONFIG = Rule("hdf5-config", Verdict.UNREADABLE, "Keras would build a model by the attribute {}, which is not JSON.")
FAILED = Rule("hdf5-failed", Verdict.UNREADABLE, "A loader may read what the HDF5 library could not list: {}.")
ABSENT = Rule(
    "hdf5-not-scanned", Verdict.UNKNOWN, "A loader would read its attributes; install modelvc[hdf5] to scan them."
)
RULES = (FILE, LONG, CONFIG, FAILED, ABSENT, *json_text.RULES)

_USER_BLOCK = 512
_MAX_USER_BLOCK = 1 << 30


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as HDF5, or does so after a user block, whose size is 512 bytes times a power of two."""
    return start.startswith(header.MAGIC) or bool(_user_block(source))


def scan(source: Source, scan: Scan) -> None:
    """Report the classes of a configuration, and other files. Raises HeaderError."""
    if not lazy.installed("h5py"):
        scan.report(ABSENT)
        return
    if source.depth:
        source.spend(header.COST)
    try:
        for kind, name, text in header.references(source):
            _report(kind, name, text, scan)
    except header.CrashedError as error:
        scan.report(FAILED, detail=str(error))


def _report(kind: str, name: str, text: str, scan: Scan) -> None:
    """Report one answer of the HDF5 library."""
    if kind == "file":
        scan.report(FILE, member=name, detail=text)
    elif kind == "long":
        scan.report(LONG, detail=name)
    elif kind == "pickle":
        data = text.encode("latin-1")
        trial = scan.trial()
        trial.nested(Source(lambda offset, size: data[offset : offset + size], len(data), f"{name}.pkl"), name)
        if not trial.result().is_unknown or trial.result().verdict > Verdict.UNKNOWN:  # a text may end as a pickle does
            scan.adopt(trial)
    elif kind == "failed":
        scan.report(FAILED, detail=text)
    else:
        try:
            values = json_text.parsed(text)
        except (ValueError, RecursionError):
            scan.report(CONFIG, detail=name)
            return
        json_text.examine(values, name, scan, name)


def _user_block(source: Source) -> int:
    """Return the size of the user block, 0 if no HDF5 follows one."""
    offset = _USER_BLOCK
    while offset + len(header.MAGIC) <= min(source.size, _MAX_USER_BLOCK):
        if source.read(offset, len(header.MAGIC)) == header.MAGIC:
            return offset
        offset *= 2
    return 0
