"""The scan: each scanner alone, and all of them on one file. A scanner that fails would let a file pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvc import lazy
from mvc.formats.source import HeaderError, TooLongError
from mvc.scan import known, scan
from mvc.scan.known import Scanner
from tests.formats.headers import source
from tests.fuzz.target import PROCESS, Target

_SUFFIXES = {
    "zip": (".pt", ".npz", ".keras", ".jit", ".pt2", ".mar"),
    "torch": ("legacy.pt", "legacy.ckpt"),
    "onnx": (".onnx",),
    "gguf": (".gguf",),
    "hdf5": (".h5",),
    "tflite": (".tflite",),
    "safetensors": (".safetensors",),
    "tar": (".nemo",),
}
_NAMES = {
    "tensorflow": "saved_model.pb",
    "template": "chat_template.jinja",
    "text": "config.yaml",
    "program": "a.py",
    "model-text": "m.textproto",
}


class _Strict(scan.Scan):
    """A scan in which an error of a scanner is not turned into a finding."""

    @contextmanager
    def failures(self, member: str = "") -> Iterator[None]:
        try:
            yield
        except TooLongError as error:
            self.report(scan.TOO_LONG, member=member, detail=str(error))
        except HeaderError as error:
            self.report(scan.MALFORMED, member=member, detail=str(error))


def _scanned(scanner: Scanner, data: bytes) -> None:
    name = _NAMES.get(scanner.name, "model.bin")
    strict = _Strict()
    module = lazy.load(scanner.path)
    if not data or not scanner.is_possible(data[: scan.START], name):
        return
    if module.matches(data[: scan.START], source(data, name)):
        module.scan(source(data, name), strict)
    _check(strict)


def _all(data: bytes) -> None:
    """Scan a file under the name in its first line."""
    name, _, rest = data.partition(b"\n")
    strict = _Strict()
    if rest:
        strict.content(source(rest, name.decode("utf-8", "replace") or "model.bin"))
    _check(strict)


def _check(strict: scan.Scan) -> None:
    for finding in strict.result().findings:
        assert finding.rule != scan.FAILED.id, finding.message
        assert finding.message.isprintable()
        assert finding.place.isprintable() or not finding.place


def _target(scanner: Scanner) -> Target:
    return Target(
        f"scan-{scanner.name}",
        lambda data: _scanned(scanner, data),
        (HeaderError,),
        suffixes=_SUFFIXES.get(scanner.name, ()),
        cost=PROCESS if scanner.name == "hdf5" else 1,
    )


TARGETS = (*map(_target, known.SCANNERS), Target("scan", _all, (HeaderError,)))
