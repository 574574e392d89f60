"""The libraries of in-toto and DSSE accept attestations of mvc by every kind of key, and refuse each changed byte."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from tests.cli.shell import Shell, begin

KEYS: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "rsa": rsa.generate_private_key(65537, 3072),
}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"weights")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("one")
    shell.set(parameters__lr=0.01)
    shell.commit("two")
    return shell


def accepted(envelope: dict[str, Any], key: Any) -> bool:
    public = SSlibKey.from_crypto(key.public_key())
    try:
        return set(Envelope.from_dict(copy.deepcopy(envelope)).verify([public], 1)) == {public.keyid}
    except (VerificationError, ValueError):
        return False


def test_securesystemslib_accepts_envelopes_of_every_kind_of_key(shell: Shell, tmp_path: Path) -> None:
    no_password = serialization.NoEncryption()
    for name, key in KEYS.items():
        for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH):
            path = tmp_path / name
            path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, no_password))
            shell.ok("attest", "--type", "provenance", "--key", str(path))
    shell.ok("export", "v2", str(tmp_path / "out"), "--attestations")
    lines = (tmp_path / "out" / "attestations.intoto.jsonl").read_text().splitlines()
    names = [name for name in KEYS for _ in range(2)]
    assert len(lines) == len(names)
    for name, line in zip(names, lines, strict=True):
        envelope = json.loads(line)
        assert [other for other in KEYS if accepted(envelope, KEYS[other])] == [name]
    envelope = json.loads(lines[0])
    payload = base64.b64decode(envelope["payload"])
    for at in range(len(payload)):
        changed = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
        assert not accepted({**envelope, "payload": base64.b64encode(changed).decode()}, KEYS["ed25519"]), at
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    for at in range(len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        one = {**envelope["signatures"][0], "sig": base64.b64encode(changed).decode()}
        assert not accepted({**envelope, "signatures": [one]}, KEYS["ed25519"]), at
    assert not accepted({**envelope, "payloadType": "application/json"}, KEYS["ed25519"])


def test_in_toto_accepts_the_statements(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    pkcs8, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(KEYS["p256"].private_bytes(serialization.Encoding.PEM, pkcs8, no_password))
    shell.ok("attest", "--type", "provenance", "--key", str(path))
    shell.ok("attest", "--type", "scan", "--key", str(path))
    found = shell.ok("attest", "--list", "--json").json["attestations"]
    for listed in found:
        statement = json_format.Parse(base64.b64decode(listed["envelope"]["payload"]), statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        assert statement.predicate_type == listed["type"]
        if listed["type"] == "https://slsa.dev/provenance/v1":
            text = json_format.MessageToJson(statement.predicate)
            parsed = json_format.Parse(text, provenance_pb2.Provenance())
            assert parsed.build_definition.external_parameters["parameters"]["lr"] == 0.01
            parent = shell.ok("rev-parse", "v1").out.strip()
            assert [each.digest["blake3"] for each in parsed.build_definition.resolved_dependencies] == [parent]
            assert parsed.run_details.builder.id == "urn:mvc:builder:not-recorded"
