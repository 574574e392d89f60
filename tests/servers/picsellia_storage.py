"""The storage behind the stand-in platform, which takes uploads the way S3, Google's and Azure's storage do.

    form     POST /storage/form             S3 and Google, up to 25 MiB: fields and the file in one form
    blob     PUT  /storage/blob/NAME        Azure, any size
    part     PUT  /storage/part/UPLOAD/N    S3 above 25 MiB, 25 MiB each, then completed by their tags
    chunks   PUT  /storage/chunks/UPLOAD    Google above 25 MiB: each with the range it is, 308 until the last

Each address carries a signature; without it the answer is 403.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.servers.picsellia_wire import Answer, Call, Refusal

TOP = "/storage/"
FORM = f"{TOP}form"
LARGE = 25 * 1024 * 1024
_LEAST_PART = 5 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z")


def form_path(name: str) -> str:
    return f"{TOP}form/{name}"


def blob_path(name: str) -> str:
    return f"{TOP}blob/{name}"


def read_path(name: str) -> str:
    return f"{TOP}read/{name}"


@dataclass
class Objects:
    """Objects by name; uploads in parts that are under way; a secret to sign with."""

    data: dict[str, bytes] = field(default_factory=dict)
    secret: str = field(default_factory=lambda: uuid.uuid4().hex)
    _names: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _chunks: dict[str, bytearray] = field(default_factory=dict)

    def signed(self, path: str) -> str:
        return f"{quote(path)}?X-Signature={self._signature(path)}"

    def begin_parts(self, name: str) -> str:
        upload = uuid.uuid4().hex
        self._names[upload], self._parts[upload] = name, {}
        return upload

    def part_path(self, upload: str, number: int) -> str:
        if upload not in self._parts:
            raise Refusal(404, "No such upload")
        return f"{TOP}part/{upload}/{number}"

    def begin_chunks(self, name: str) -> str:
        upload = uuid.uuid4().hex
        self._names[upload], self._chunks[upload] = name, bytearray()
        return f"{TOP}chunks/{upload}"

    def complete(self, name: str, upload: str, parts: Sequence[dict[str, Any]]) -> None:
        there = self._parts.get(upload)
        if there is None or self._names[upload] != name:
            raise Refusal(404, "No such upload")
        numbers = [part["PartNumber"] for part in parts]
        if numbers != sorted(there) or any(part["ETag"] != _tag(there[part["PartNumber"]]) for part in parts):
            raise Refusal(400, "The parts are not those that were sent")
        if any(len(there[number]) < _LEAST_PART for number in numbers[:-1]):
            raise Refusal(400, "A part is too small")
        self.data[name] = b"".join(there[number] for number in numbers)
        del self._parts[upload]

    def answer(self, call: Call) -> Answer:
        if (call.method, call.path) == ("POST", FORM):
            return self._form(call)
        if call.query.get("X-Signature") != self._signature(call.path):
            return Answer(403, raw=b"<Error><Code>AccessDenied</Code></Error>")
        kind, _, name = call.path.removeprefix(TOP).partition("/")
        if call.method == "GET" and kind == "read":
            data = self.data.get(name)
            return Answer(404, raw=b"<Error><Code>NoSuchKey</Code></Error>") if data is None else Answer(200, raw=data)
        if call.method == "PUT":
            return {"blob": self._blob, "part": self._part, "chunks": self._chunk}[kind](call, name)
        return Answer(405, raw=b"")

    def _signature(self, path: str) -> str:
        return hashlib.sha256(f"{self.secret}{path}".encode()).hexdigest()

    def _form(self, call: Call) -> Answer:
        fields, name, data = _parse_form(call)
        key = fields.get("key", "")
        if fields.get("policy") != self.signed(form_path(key)):
            return Answer(403, raw=b"<Error><Code>AccessDenied</Code></Error>")
        if name != key or "Content-Type" not in fields or len(data) > LARGE:
            return Answer(400, raw=b"<Error><Code>InvalidArgument</Code></Error>")
        self.data[key] = data
        return Answer(204)

    def _blob(self, call: Call, name: str) -> Answer:
        if call.headers.get("x-ms-blob-type") != "BlockBlob" or call.headers.get("x-ms-meta-by") != "stand-in":
            return Answer(400, raw=b"<Error><Code>MissingRequiredHeader</Code></Error>")
        self.data[name] = call.body
        return Answer(201, raw=b"")

    def _part(self, call: Call, name: str) -> Answer:
        upload, _, number = name.partition("/")
        if upload not in self._parts:
            return Answer(404, raw=b"<Error><Code>NoSuchUpload</Code></Error>")
        self._parts[upload][int(number)] = call.body
        return Answer(200, raw=b"", headers={"ETag": _tag(call.body)})

    def _chunk(self, call: Call, upload: str) -> Answer:
        match = _RANGE.match(call.headers.get("content-range", ""))
        got = self._chunks.get(upload)
        if match is None or got is None:
            return Answer(400, raw=b"no range")
        first, last, total = map(int, match.groups())
        if last - first + 1 != len(call.body) or first > len(got):
            return Answer(416, raw=b"not the next range")
        got[first:] = call.body
        if last + 1 < total:
            return Answer(308, raw=b"", headers={"Range": f"bytes=0-{last}"})
        self.data[self._names[upload]] = bytes(got)
        return Answer(200, raw=b"")


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _parse_form(call: Call) -> tuple[dict[str, str], str, bytes]:
    """The fields of a form, and the name and bytes of its file."""
    boundary = call.headers["content-type"].partition("boundary=")[2].encode()
    fields: dict[str, str] = {}
    name, data = "", b""
    for part in call.body.split(b"--" + boundary)[1:-1]:
        head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found = dict(re.findall(r'(name|filename)="([^"]*)"', head.decode()))
        if "filename" in found:
            name, data = found["filename"], body.removesuffix(b"\r\n")
        else:
            fields[found["name"]] = body.removesuffix(b"\r\n").decode()
    return fields, name, data
