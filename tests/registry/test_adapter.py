"""Picsellia through the real SDK: reads, creates, uploads, and errors."""

from __future__ import annotations

import gzip
import io
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import urllib3

from mvc import errors
from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia import session
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.registry.protocol import RemoteModel, RemoteVersion
from tests.servers.picsellia import TOKEN, Fault, Platform, serve
from tests.servers.picsellia_rules import Rules
from tests.servers.picsellia_wire import Call

LARGE = 25 * 1024 * 1024
Connect = Callable[..., PicselliaRegistry]


def _once(kind: str, fault: Fault) -> Callable[[Call], Fault | None]:
    """Fail the first call whose shape ends with `kind`."""
    left = [fault]
    return lambda call: left.pop() if call.shape.startswith(kind) and left else None


def _always(kind: str, fault: Fault) -> Callable[[Call], Fault | None]:
    return lambda call: fault if call.shape.startswith(kind) else None


def _version(registry: PicselliaRegistry, name: str = "v1-abc") -> RemoteVersion:
    return registry.create_version(registry.create_model("helmets", "none"), {"name": name})


# --- files


@pytest.mark.parametrize("kind", ["aws", "minio", "google", "azure"])
def test_files_of_any_size_are_uploaded_and_downloaded(kind: str, tmp_path: Path, naps: list[float]) -> None:
    platform = Platform(Rules(client_type=kind))
    with serve(platform) as host:
        registry = picsellia.connect("acme", TOKEN, host=host)
        version = _version(registry)
        for size in (0, 10, LARGE, LARGE + 7):
            path = tmp_path / "sent"
            path.write_bytes(bytes(range(250)) * (size // 250) + b"x" * (size % 250))
            file = registry.upload(version, f"role-{size}", "bést weights.onnx", path)
            got: list[bytes] = []
            assert registry.download(file, got.append) == size
            assert b"".join(got) == path.read_bytes()
            assert (file.filename, file.large) == ("bést weights.onnx", size > LARGE)
        assert [file.name for file in registry.files(version)] == [
            "role-0",
            "role-10",
            f"role-{LARGE}",
            f"role-{LARGE + 7}",
        ]
        registry.close()


def test_a_file_too_large_for_memory_is_refused_before_the_upload(
    tmp_path: Path, connect: Connect, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picsellia, "MEMORY", LARGE)
    path = tmp_path / "big"
    path.write_bytes(b"x" * (LARGE + 1))
    registry = connect()
    version = _version(registry)
    registry.upload(version, "in-parts", "big", path)
    platform.rules.client_type = "azure"
    with pytest.raises(errors.NeedsMemory, match="26214401 bytes"):
        registry.upload(version, "whole", "big", path)
    assert [file.name for file in registry.files(version)] == ["in-parts"]
    assert registry.upload(version, "whole", "big", path, allow_memory=True).name == "whole"


def test_a_download_of_a_wrong_length_is_an_error(registry: PicselliaRegistry, platform: Platform) -> None:
    row = platform.add_version(platform.add_model("helmets"))
    platform.add_file(row, "weights", b"x" * 100)
    version = registry.version(row["id"])
    assert version is not None
    [file] = registry.files(version)
    got: list[bytes] = []
    with pytest.raises(errors.RegistryFault, match="100 bytes"):
        registry.download(file, got.append, limit=99)
    assert got == []
    platform.faults = _once("GET /storage/read", Fault(403))
    assert registry.download(file, got.append, limit=100) == 100


# --- reading


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("page", [70, 100, 230, 500])
def test_a_listing_is_read_to_its_end(page: int, counts: bool, registry: PicselliaRegistry, platform: Platform) -> None:
    model = platform.add_model("helmets")
    platform.rules.page, platform.rules.counts = page, counts
    for number in range(230):
        platform.add_version(model, name=f"n{number}")
    found = registry.find_model("helmets")
    assert found is not None
    assert [version.number for version in registry.versions(found)] == list(range(230))


def test_a_listing_without_pages_is_read_once(registry: PicselliaRegistry, platform: Platform) -> None:
    platform.rules.pages_files = False
    row = platform.add_version(platform.add_model("helmets"))
    for number in range(150):
        platform.add_file(row, f"file{number}", b"")
    version = registry.version(row["id"])
    assert version is not None
    assert len(registry.files(version)) == 150


def test_a_version_of_an_unknown_type_does_not_hide_others(registry: PicselliaRegistry, platform: Platform) -> None:
    model = platform.add_model("helmets")
    platform.add_version(model, type="HOLOGRAM", framework="YOLOV8")
    platform.add_version(model)
    found = registry.find_model("helmets")
    assert found is not None
    assert [version.raw.get("type") for version in registry.versions(found)] == ["HOLOGRAM", "NOT_CONFIGURED"]


def test_signed_addresses_are_not_kept(registry: PicselliaRegistry, platform: Platform) -> None:
    row = platform.add_version(platform.add_model("helmets"))
    platform.add_file(row, "weights", b"x")
    version = registry.version(row["id"])
    assert version is not None
    assert "X-Signature" not in repr([file.raw for file in registry.files(version)])


def test_a_context_has_the_experiment_and_its_datasets(registry: PicselliaRegistry, platform: Platform) -> None:
    row = platform.add_version(platform.add_model("helmets"))
    dataset = platform.add_dataset_version("sites", "latest")
    experiment = platform.add_experiment("night", train=dataset)
    platform.trained_by(row, experiment, {"epochs": 3})
    version = registry.version(row["id"])
    assert version is not None
    context = registry.context(version)
    assert context is not None
    assert context.experiment == experiment["id"]
    assert [(each.alias, each.id) for each in context.datasets] == [("train", dataset["id"])]
    assert [(each.alias, each.name, each.version) for each in registry.datasets(experiment["id"])] == [
        ("train", "sites", "latest")
    ]
    named = registry.experiment(experiment["id"])
    assert named is not None
    assert named.name == "night"
    del platform.contexts[row["id"]]
    assert registry.context(version) is None
    assert registry.experiment("nobody/../made this") is None


# --- faults


def test_a_create_whose_answer_is_lost_is_looked_up_before_a_retry(
    registry: PicselliaRegistry, platform: Platform
) -> None:
    platform.rules.unique = False  # a second one would be created silently
    for faults in (Fault(after=True), Fault(500, after=True), Fault(503, after=True), Fault(garbage=True, after=True)):
        platform.models.clear()
        platform.versions.clear()
        platform.faults = _once("POST /api/organization/*/models", faults)
        model = registry.create_model("helmets", "none")
        platform.faults = _once("POST /api/model/*/versions", faults)
        version = registry.create_version(model, {"name": "v1-abc"})
        assert [row["id"] for row in platform.models.values()] == [model.id]
        assert [row["id"] for row in platform.versions.values()] == [version.id]


def test_a_create_that_is_retried_after_a_refusal_creates_once(
    registry: PicselliaRegistry, platform: Platform, tmp_path: Path
) -> None:
    platform.rules.unique = False
    version = _version(registry)
    (tmp_path / "x").write_bytes(b"x")
    for fault in (Fault(), Fault(503), Fault(429), Fault(after=True)):
        platform.files.clear()
        platform.faults = _once("POST /api/model/version/*/modelfiles", fault)
        file = registry.upload(version, "weights", "x", tmp_path / "x")
        assert [row["id"] for row in platform.files.values()] == [file.id]


def test_a_file_of_somebody_else_is_a_conflict(registry: PicselliaRegistry, platform: Platform, tmp_path: Path) -> None:
    version = _version(registry)
    platform.add_file(platform.versions[version.id], "weights", b"another")
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(errors.RegistryConflict):
        registry.upload(version, "weights", "x", tmp_path / "x")


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault(401), errors.RegistryDenied, 12),
        (Fault(403), errors.RegistryDenied, 12),
        (Fault(400), errors.RegistryFault, 128),
        (Fault(413), errors.RegistryFault, 128),
        (Fault(429), errors.RegistryUnreachable, 15),
        (Fault(500), errors.RegistryUnreachable, 15),
        (Fault(503), errors.RegistryUnreachable, 15),
        (Fault(), errors.RegistryUnreachable, 15),
        (Fault(stall=0.4), errors.RegistryUnreachable, 15),
        (Fault(garbage=True), errors.RegistryFault, 128),
    ],
)
def test_a_lasting_failure_is_an_error_with_its_exit_code(
    fault: Fault, error: type[errors.MvcError], code: int, platform: Platform, connect: Connect
) -> None:
    registry = connect(timeouts=(2.0, 0.1)) if fault.stall else connect()
    assert registry.models() == []
    platform.faults = _always("GET /api/organization/*/models", fault)
    with pytest.raises(error) as caught:
        registry.models()
    assert caught.value.exit_code == code
    assert "picsellia://acme" in caught.value.message


def test_a_refused_token_names_its_variable(connect: Connect) -> None:
    with pytest.raises(errors.RegistryDenied, match="401") as caught:
        connect(token="canary-wrong-token").models()
    assert "PICSELLIA_TOKEN" in caught.value.hint
    with pytest.raises(errors.RegistryLacks, match="no organization elsewhere"):
        connect(organization="elsewhere").models()


def test_a_platform_without_object_storage_is_an_error(naps: list[float], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    platform = Platform(Rules(connector=False))
    with serve(platform) as host:
        registry = picsellia.connect("acme", TOKEN, host=host)
        version = _version(registry)
        with pytest.raises(errors.NoConnector):
            registry.upload(version, "weights", "x", tmp_path / "x")
        registry.close()


def test_retry_after_of_a_busy_platform_is_respected(
    registry: PicselliaRegistry, platform: Platform, naps: list[float]
) -> None:
    assert registry.models() == []
    platform.faults = _once("GET /api/organization/*/models", Fault(429))
    assert registry.models() == []
    assert naps == [0.5]


def test_the_sdk_retries_a_failed_connection(platform: Platform) -> None:
    """The only test that waits for the SDK's own retries: 0.5 seconds."""
    registry = picsellia.connect("acme", TOKEN, host=platform.host)
    platform.faults = _once("GET /api/organization/*/models", Fault())
    assert registry.models() == []
    assert [call.shape for call in platform.calls].count("GET /api/organization/*/models") == 2
    registry.close()


# --- secrets and silence


def test_errors_show_neither_token_nor_signed_addresses(
    connect: Connect,
    platform: Platform,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    registry = connect()
    version = _version(registry)
    (tmp_path / "x").write_bytes(b"x")
    registry.upload(version, "good", "x", tmp_path / "x")
    [file] = registry.files(version)
    texts = [repr(registry), repr(file), repr(version)]
    for shape in ("GET /api/organization/*/models", "GET /storage", "POST /storage", "POST /api/object-storage"):
        for fault in (
            Fault(),
            Fault(500, message=f"{TOKEN} is wrong, see http://x/y?sig=canary-sig"),
            Fault(garbage=True),
        ):
            platform.faults = _always(shape, fault)
            for call in (
                registry.models,
                lambda: registry.download(file, lambda _: None),
                lambda: registry.upload(version, "more", "x", tmp_path / "x"),
            ):
                try:
                    call()
                except errors.MvcError as error:
                    texts += traceback.format_exception(error)
                    texts.append(error.message)
    out, err = capfd.readouterr()
    for secret in (TOKEN, "X-Signature", "canary-sig"):
        assert secret not in "".join(texts), secret
        assert secret not in caplog.text + out + err, secret
    assert "***" in "".join(texts)
    assert (out, err) == ("", "")


def test_netrc_is_not_read(connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password other\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert connect().models() == []


_HOST_PROGRAM = """
import logging, os, sys
logging.basicConfig(stream=sys.stderr, level=logging.DEBUG, format="root:%(message)s")
before = logging.getLogger("mine")
from mvc.registry.picsellia import adapter as registry
found = registry.connect("acme", sys.argv[1], host=sys.argv[2])
found.create_model("helmets", "none")
found.models()
before.info("still here")
import picsellia
logging.getLogger("picsellia").info("the program's own use is heard")
assert not before.disabled and "PICSELLIA_SDK_CUSTOM_LOGGING" not in os.environ
"""


def test_the_sdk_neither_prints_nor_takes_over_logging(platform: Platform) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HOST_PROGRAM, TOKEN, platform.host],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("root:")]
    assert lines == ["root:still here", "root:the program's own use is heard"]


def test_find_model_returns_the_created_model(registry: PicselliaRegistry) -> None:
    made = registry.create_model("helmets", "for sites")
    assert registry.find_model("helmets") == RemoteModel(made.id, "helmets")
    assert registry.find_model("hats") is None
    assert [model.description for model in registry.models()] == ["for sites"]


# --- answers that are too long


@pytest.mark.parametrize(
    "body", [b" " * (session.MAX_ANSWER + 1), b"[" + b"[]," * session.MAX_MARKS + b"[]]"], ids=["bytes", "values"]
)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("making", [False, True])
def test_reading_stops_at_the_largest_answer(body: bytes, compressed: bool, making: bool) -> None:
    sent = io.BytesIO(gzip.compress(body) if compressed else body)
    answer = requests.Response()
    answer.raw = urllib3.HTTPResponse(
        sent, {"content-encoding": "gzip"} if compressed else {}, preload_content=False, decode_content=False
    )
    asked = session.Session("picsellia:acme", TOKEN)
    with pytest.raises(errors.RegistryUncertain if making else errors.RegistryFault, match="more than 16 MiB"):
        asked._receive(answer, "/api/organization/x/models", creates=making)
