"""Stores of objects, each a real process on 127.0.0.1 with an empty bucket, and the address and settings that reach it."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from azure.storage.blob import BlobServiceClient, generate_container_sas

from tests.servers.processes import running

AWS = {"AWS_ACCESS_KEY_ID": "canary-key", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_DEFAULT_REGION": "us-east-1"}
"""What the environment holds for servers that speak S3."""
_AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # everyone's: Azurite's own
_ACCOUNT = "devstoreaccount1"
TOOLS = Path(os.environ.get("MVC_TEST_TOOLS") or Path("~/.cache/mvc-test-tools").expanduser())
"""Where programs lie that pip cannot install; `.ci/run` puts them there."""


@dataclass(frozen=True)
class Cloud:
    """A store: where new places on it are, and the settings and environment to reach it."""

    bucket: str
    options: dict[str, str]
    environ: dict[str, str]
    log: Path
    numbers: Iterator[int]

    def place(self) -> str:
        """The URL of an empty place."""
        return f"{self.bucket}/place-{next(self.numbers)}"


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[Cloud]:
    """S3 as moto has it, which our own program starts."""
    command = [sys.executable, "-m", "tests.servers.s3_server"]
    with running(lambda port: [*command, "-H", "127.0.0.1", "-p", str(port)], folder / "moto.log") as port:
        url = f"http://127.0.0.1:{port}"
        _put(f"{url}/bucket")
        yield _cloud("s3://bucket", {"endpoint": url}, AWS, folder / "moto.log")


def ask_for_rights(server: Cloud) -> None:
    """Have moto ask from now on who one is, and look what their policies allow."""
    _ask_after(server, b"0")


def ask_for_no_rights(server: Cloud) -> None:
    """Have moto answer everybody again, as it does at first."""
    _ask_after(server, b"inf")


def _ask_after(server: Cloud, requests: bytes) -> None:
    url = f"{server.options['endpoint']}/moto-api/reset-auth"
    headers = {"Content-Type": "text/plain"}
    request = urllib.request.Request(url, data=requests, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=30):
        pass


@contextlib.contextmanager
def rclone(folder: Path) -> Iterator[Cloud]:
    """S3 as rclone serves it from a folder: it has no `If-None-Match`."""
    (folder / "served" / "bucket").mkdir(parents=True)
    program = str(Path(sys.executable).with_name("rclone"))

    def command(port: int) -> list[str]:
        keys = f"{AWS['AWS_ACCESS_KEY_ID']},{AWS['AWS_SECRET_ACCESS_KEY']}"
        return [
            program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", keys, "--config", os.devnull,
            str(folder / "served"),
        ]  # fmt: skip

    with running(command, folder / "rclone.log") as port:
        yield _cloud("s3://bucket", {"endpoint": f"http://127.0.0.1:{port}"}, AWS, folder / "rclone.log")


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Cloud]:
    """Azure's blobs as Azurite has them."""
    program = TOOLS / "node_modules" / ".bin" / "azurite-blob"

    def command(port: int) -> list[str]:
        return [
            str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence",
            "--skipApiVersionCheck", "--disableTelemetry", "--silent",
        ]  # fmt: skip

    with running(command, folder / "azurite.log") as port:
        endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
        text = f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_AZURE_KEY};BlobEndpoint={endpoint};"
        environ = {"AZURE_STORAGE_CONNECTION_STRING": text}
        _make_container(text)
        yield _cloud("az://bucket", {}, environ, folder / "azurite.log")


def azure_key(server: Cloud, rights: str) -> str:
    """What the environment holds for a key to the container of `server` that has these rights of a SAS (`rlc`)."""
    until = datetime.now(UTC) + timedelta(hours=1)
    sas = generate_container_sas(_ACCOUNT, "bucket", account_key=_AZURE_KEY, permission=rights, expiry=until)
    parts = server.environ["AZURE_STORAGE_CONNECTION_STRING"].split(";")
    (endpoint,) = [part for part in parts if part.startswith("BlobEndpoint=")]
    return f"{endpoint};SharedAccessSignature={sas}"


def has_azurite() -> bool:
    """Whether Azurite is installed."""
    return (TOOLS / "node_modules" / ".bin" / "azurite-blob").exists()


@contextlib.contextmanager
def google(folder: Path) -> Iterator[Cloud]:
    """Google's store as the tests have it: it keeps `ifGenerationMatch`."""

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "tests.servers.gcs_server", str(port)]

    with running(command, folder / "gcs.log") as port:
        options = {"endpoint": f"http://127.0.0.1:{port}", "anonymous": "true", "project": "test"}
        yield _cloud("gs://bucket", options, {}, folder / "gcs.log")


@contextlib.contextmanager
def emulator(folder: Path) -> Iterator[Cloud]:
    """Google's store as gcp-storage-emulator has it: it drops `ifGenerationMatch`."""
    program = _python("gcp-storage-emulator")

    def command(port: int) -> list[str]:
        return [*program, "start", "--host", "127.0.0.1", "--port", str(port), "-M", "--default-bucket", "bucket", "-q"]

    with running(command, folder / "emulator.log") as port:
        options = {"endpoint": f"http://127.0.0.1:{port}", "anonymous": "true", "project": "test"}
        yield _cloud("gs://bucket", options, {}, folder / "emulator.log")


def remember_what_s3_is(patch: pytest.MonkeyPatch) -> None:
    """Have each client not read anew the library's descriptions of what S3 is, which takes longer than many requests."""
    load, known = botocore.loaders.JSONFileLoader.load_file, dict[str, Any]()

    def remembered(self: Any, path: str) -> Any:
        if path not in known:
            known[path] = load(self, path)
        return known[path]

    patch.setattr(botocore.loaders.JSONFileLoader, "load_file", remembered)


SERVERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Cloud]]] = {
    "s3": moto,
    "gs": google,
    "az": azurite,
}
"""Those that keep what they promise."""
BAD: dict[str, Callable[[Path], contextlib.AbstractContextManager[Cloud]]] = {"rclone": rclone, "emulator": emulator}
"""Those that let a name be created twice."""


def _cloud(bucket: str, options: dict[str, str], environ: dict[str, str], log: Path) -> Cloud:
    return Cloud(bucket, options, dict(environ), log, itertools.count())


def _python(script: str) -> list[str]:
    return [sys.executable, str(Path(sys.executable).with_name(script))]


def _put(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=30):
        pass


def _make_container(text: str) -> None:
    with BlobServiceClient.from_connection_string(text) as client:
        client.create_container("bucket")
