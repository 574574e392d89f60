"""A real registry of images (Debian's docker-registry) on 127.0.0.1, open or with a login, and a client that pushes to it."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bcrypt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.servers.processes import running

USER, PASSWORD = "ana", "canary-password-51c2"
IDENTITY = "canary-identity-88ad"
INDEX = "application/vnd.oci.image.index.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_SERVICE, _ISSUER = "registry of the tests", "tokens of the tests"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Registry:
    """A registry at `host` (with its port), and who may push: the header `authorization` of a repository."""

    host: str
    log: Path
    tokens: Tokens | None = None
    basic: str = ""

    def name(self, repository: str) -> str:
        """The name of an image there."""
        return f"{self.host}/{repository}"

    def push(self, repository: str, tag: str, content: bytes, *, type_: str = MANIFEST) -> str:
        """Push an image of one platform, whose layer is `content`; its digest."""
        body = json.dumps(self._manifest(repository, content, type_)).encode()
        return self.put(repository, tag, body, type_)

    def push_index(self, repository: str, tag: str, contents: Mapping[str, bytes], *, type_: str = INDEX) -> str:
        """Push an image for several platforms (`linux/amd64`), each with its layer; the index's digest."""
        entries = []
        each_type = MANIFEST if type_ == INDEX else DOCKER_MANIFEST
        for platform, content in contents.items():
            body = json.dumps(self._manifest(repository, content, each_type)).encode()
            system, architecture = platform.split("/")
            entry = {"mediaType": each_type, "digest": self.put(repository, digest(body), body, each_type)}
            entries.append({**entry, "size": len(body), "platform": {"os": system, "architecture": architecture}})
        body = json.dumps({"schemaVersion": 2, "mediaType": type_, "manifests": entries}).encode()
        return self.put(repository, tag, body, type_)

    def put(self, repository: str, reference: str, body: bytes, type_: str) -> str:
        """Put a manifest or an index; its digest, as the registry says it."""
        answer = self._ask("PUT", f"/v2/{repository}/manifests/{reference}", body, {"Content-Type": type_})
        return answer.headers["Docker-Content-Digest"]

    def delete(self, repository: str, named: str) -> None:
        """Delete what has this digest, and the tags that stand for it."""
        self._ask("DELETE", f"/v2/{repository}/manifests/{named}")

    def _manifest(self, repository: str, content: bytes, type_: str) -> dict[str, Any]:
        kind = "oci.image" if type_ == MANIFEST else "docker.container.image"
        config, layer = b"{}", content
        for blob in (config, layer):
            where = self._ask("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
            self._ask("PUT", f"{where}{'&' if '?' in where else '?'}digest={digest(blob)}", blob)
        named = {"mediaType": f"application/vnd.{kind}.config.v1+json", "digest": digest(config), "size": len(config)}
        layers = [{"mediaType": "application/octet-stream", "digest": digest(layer), "size": len(layer)}]
        return {"schemaVersion": 2, "mediaType": type_, "config": named, "layers": layers}

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        url = path if "://" in path else f"http://{self.host}{path}"
        sent = dict(headers or {})
        if self.tokens is not None:
            repository = urllib.parse.urlsplit(url).path.removeprefix("/v2/")
            repository = repository.partition("/manifests/")[0].partition("/blobs/")[0]
            sent["Authorization"] = f"Bearer {self.tokens.token((repository, ['pull', 'push', 'delete']))}"
        elif self.basic:
            sent["Authorization"] = self.basic
        answer = requests.request(method, url, data=body, headers=sent, timeout=30)
        assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer


@contextlib.contextmanager
def serve(program: str, folder: Path, auth: Mapping[str, Any] | None = None) -> Iterator[Registry]:
    """Run a registry with all it needs in `folder`, and stop it."""

    def command(port: int) -> list[str]:
        config: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "images")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{port}", "secret": "not one"},
        }
        if auth is not None:
            config["auth"] = auth
        (folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        return [program, "serve", str(folder / "config.yml")]

    with running(command, folder / "registry.log") as port:
        yield Registry(f"127.0.0.1:{port}", folder / "registry.log")


@contextlib.contextmanager
def serve_with_password(program: str, folder: Path) -> Iterator[Registry]:
    """A registry that asks for USER and PASSWORD (`Basic`)."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n", encoding="utf-8")
    with serve(program, folder, {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}) as registry:
        registry.basic = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        yield registry


@contextlib.contextmanager
def serve_with_tokens(program: str, folder: Path) -> Iterator[Registry]:
    """A registry that takes tokens only (`Bearer`), and who hands them out."""
    with Tokens.running(folder) as tokens:
        auth = {"realm": tokens.realm, "service": _SERVICE, "issuer": _ISSUER, "rootcertbundle": str(folder / "cert")}
        with serve(program, folder, {"token": auth}) as registry:
            registry.tokens = tokens
            yield registry


@dataclass
class Tokens:
    """Hands out signed tokens: for `open/...` to anybody, for others to USER, by password or identity token.

    `asked` is what came: method, parameters, and whether a login came along.
    """

    realm: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    asked: list[tuple[str, dict[str, str], bool]] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path) -> Iterator[Tokens]:
        """Listen on 127.0.0.1; the certificate that tokens are signed with goes to `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key)
        (folder / "cert").write_bytes(certificate.public_bytes(Encoding.PEM))
        server = ThreadingHTTPServer(("127.0.0.1", 0), _TokenHandler)
        tokens = cls(f"http://127.0.0.1:{server.server_port}/token", key, certificate)
        server.RequestHandlerClass.tokens = tokens  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield tokens
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def token(self, *access: tuple[str, list[str]]) -> str:
        """A token for actions in repositories, signed as the registry's specification has it."""
        now = int(dt.datetime.now(dt.UTC).timestamp())
        chain = base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()
        header = {"typ": "JWT", "alg": "ES256", "x5c": [chain]}
        claims = {
            "iss": _ISSUER, "sub": USER, "aud": _SERVICE, "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
            "access": [{"type": "repository", "name": name, "actions": actions} for name, actions in access],
        }  # fmt: skip
        signed = f"{_base64(json.dumps(header).encode())}.{_base64(json.dumps(claims).encode())}"
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def answer(self, method: str, given: dict[str, str], authorization: str | None) -> tuple[int, dict[str, str]]:
        """Status and body."""
        self.asked.append((method, {k: v for k, v in given.items() if k != "refresh_token"}, bool(authorization)))
        scopes = [scope.split(":") for scope in given.get("scope", "").split()]
        kind, repository, actions = scopes[0] if scopes and all(len(scope) == 3 for scope in scopes) else ("", "", "")
        basic = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        known = authorization == basic or given.get("refresh_token") == IDENTITY
        if given.get("service") != _SERVICE or kind != "repository" or actions not in {"pull", "pull,push"}:
            return 400, {"error": "which?"}
        is_open = actions == "pull" and repository.startswith("open/")
        if not known and (authorization or method == "POST" or not is_open):
            return 401, {"error": "who?"}
        name = "access_token" if method == "POST" else "token"
        return 200, {name: self.token(*((name, actions.split(",")) for _, name, actions in scopes))}


class _TokenHandler(BaseHTTPRequestHandler):
    tokens: Tokens

    def do_GET(self) -> None:
        self._reply(urllib.parse.urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _reply(self, query: str) -> None:
        fields = urllib.parse.parse_qs(query)
        given = {name: " ".join(values) for name, values in fields.items()}
        status, answer = self.tokens.answer(self.command, given, self.headers.get("Authorization"))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base class has it
        """Keep quiet."""


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
