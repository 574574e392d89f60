"""A small Google Cloud Storage for tests, in memory: `python -m tests.servers.gcs_server PORT`.

The part of the JSON API that gcsfs uses, one bucket, and generations: an upload with `ifGenerationMatch=0` fails with 412
when the object is there. What a real store keeps, this keeps; it signs nobody in.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "bucket"
_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/(.+)\Z")
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o\Z")
_LIST = re.compile(r"/storage/v1/b/([^/]+)/o/?\Z")
_PAGE = 1000


@dataclass(frozen=True)
class Stored:
    data: bytes
    generation: int
    updated: str


class Store:
    """Objects by name."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, Stored] = {}
        self.sessions: dict[str, tuple[str, bool, bytearray]] = {}
        self._generations = itertools.count(1_000_000)

    def put(self, name: str, data: bytes, *, create: bool) -> Stored | None:
        """The stored object; None when it exists and must not."""
        with self.lock:
            if create and name in self.objects:
                return None
            stored = Stored(data, next(self._generations), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
            self.objects[name] = stored
            return stored


STORE = Store()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        listing, one = _LIST.match(url.path), _OBJECT.match(url.path)
        if listing:
            self._list(query)
        elif one:
            self._get(unquote(one[2]), media=query.get("alt") == "media" or url.path.startswith("/download"))
        else:
            self._json(404, {"error": {"code": 404, "message": "no such thing"}})

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if "upload_id" in query:
            self.do_PUT()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not _UPLOAD.match(url.path):
            self._json(404, {"error": {"code": 404, "message": "no such thing"}})
        elif query.get("uploadType") == "resumable":
            name = json.loads(body or b"{}").get("name") or query["name"]
            session = f"s{next(_SESSIONS)}"
            STORE.sessions[session] = (name, query.get("ifGenerationMatch") == "0", bytearray())
            host = self.headers["Host"]
            self._reply(200, b"", {"Location": f"http://{host}{url.path}?upload_id={session}"})
        else:
            name, data = self._simple(query, body)
            self._stored(name, STORE.put(name, data, create=query.get("ifGenerationMatch") == "0"))

    def do_PUT(self) -> None:
        session = parse_qs(urlsplit(self.path).query)["upload_id"][0]
        name, create, held = STORE.sessions[session]
        held += self.rfile.read(int(self.headers.get("Content-Length") or 0))
        total = self.headers.get("Content-Range", "").rpartition("/")[2]
        if total.isdecimal() and len(held) >= int(total):
            del STORE.sessions[session]
            self._stored(name, STORE.put(name, bytes(held), create=create))
        else:
            self._reply(308, b"", {"Range": f"bytes=0-{len(held) - 1}"})

    def do_DELETE(self) -> None:
        one = _OBJECT.match(urlsplit(self.path).path)
        with STORE.lock:
            there = one is not None and STORE.objects.pop(unquote(one[2]), None) is not None
        self._json(*((204, None) if there else (404, {"error": {"code": 404, "message": "not found"}})))

    def _simple(self, query: dict[str, str], body: bytes) -> tuple[str, bytes]:
        """Name and bytes of an upload in one request."""
        kind = self.headers.get("Content-Type", "")
        if "multipart" not in kind:
            return query["name"], body
        boundary = kind.partition("boundary=")[2].strip("\"'").encode()
        _, about, data, *_ = body.split(b"--" + boundary)
        metadata = json.loads(about.partition(b"\n\n" if b"\r\n\r\n" not in about else b"\r\n\r\n")[2])
        mark = b"\r\n\r\n" if data.startswith(b"\r\n") else b"\n\n"
        content = data.partition(mark)[2]
        return metadata["name"], content.removesuffix(b"\r\n" if mark == b"\r\n\r\n" else b"\n")

    def _get(self, name: str, *, media: bool) -> None:
        stored = STORE.objects.get(name)
        if stored is None:
            self._json(404, {"error": {"code": 404, "message": f"no such object: {name}"}})
        elif media:
            self._media(stored.data)
        else:
            self._json(200, _about(name, stored))

    def _media(self, data: bytes) -> None:
        match = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if match is None:
            self._reply(200, data, {})
        elif int(match[1]) >= len(data):
            self._json(416, {"error": {"code": 416, "message": "out of range"}})
        else:
            part = data[int(match[1]) : int(match[2]) + 1 if match[2] else None]
            self._reply(206, part, {"Content-Range": f"bytes {match[1]}-{int(match[1]) + len(part) - 1}/{len(data)}"})

    def _list(self, query: dict[str, str]) -> None:
        prefix, after = query.get("prefix", ""), query.get("pageToken", "")
        delimiter = query.get("delimiter")
        with STORE.lock:
            every = sorted((name, stored) for name, stored in STORE.objects.items() if name.startswith(prefix))
        items, folders = [], set()
        for name, stored in every:
            rest = name[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            elif name > after:
                items.append(_about(name, stored))
        page: dict[str, Any] = {"kind": "storage#objects", "items": items[:_PAGE], "prefixes": sorted(folders)}
        if len(items) > _PAGE:
            page["nextPageToken"] = items[_PAGE - 1]["name"]
        self._json(200, page)

    def _stored(self, name: str, stored: Stored | None) -> None:
        if stored is None:
            self._json(412, {"error": {"code": 412, "message": "at least one of the pre-conditions did not hold"}})
        else:
            self._json(200, _about(name, stored))

    def _json(self, status: int, value: object) -> None:
        self._reply(status, b"" if value is None else json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_SESSIONS = itertools.count(1)


def _about(name: str, stored: Stored) -> dict[str, str]:
    md5 = base64.b64encode(hashlib.md5(stored.data, usedforsecurity=False).digest()).decode()
    return {
        "kind": "storage#object", "id": f"{BUCKET}/{name}/{stored.generation}", "name": name, "bucket": BUCKET,
        "generation": str(stored.generation), "size": str(len(stored.data)), "updated": stored.updated,
        "timeCreated": stored.updated, "md5Hash": md5, "contentType": "application/octet-stream",
    }  # fmt: skip


def main() -> None:
    """Serve."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.request_queue_size = 64
    server.serve_forever()


if __name__ == "__main__":
    main()
