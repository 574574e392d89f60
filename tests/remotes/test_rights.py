"""What the tables of docs/reference/remotes say of keys: each may do what its row says, and no more."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc import errors, lazy
from mvc.remotes import remote as remotes
from mvc.remotes.backends import address, azure, connect, probe, s3
from mvc.remotes.backends.backend import Outcome
from mvc.transport import connection
from tests.older import plain_record
from tests.remotes.backends import Place
from tests.remotes.clones import WEIGHTS, ana, clone, set_origin
from tests.servers import cloud
from tests.servers.cloud import Cloud
from tests.servers.sshd import Sshd

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "remotes"
READER, PUSHER, COLLECTOR = "reader", "pusher", "collector"
Hold = Callable[[str], Place]
"""Has the environment hold the key of that name; the place, and the settings to reach it with this key."""


def row(page: str, key: str) -> str:
    """What a page says of a key, the first word in code of its row."""
    (found,) = re.findall(rf"^\| {key} \| `([^`]*)`", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def block(page: str, name: str) -> Any:
    """The JSON below `<!-- name -->`."""
    (found,) = re.findall(rf"<!-- {name} -->\n```json\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    return json.loads(found)


def everyone_does_their_part(tmp_path: Path, monkeypatch: Any, rng: random.Random, hold: Hold) -> None:
    """A pusher pushes, beaten and not; a reader reads, and pushes nothing; the collector alone deletes, and upgrades."""
    hers, weights = ana(tmp_path, monkeypatch, rng)

    def origin(shell: Any, key: str) -> None:
        set_origin(shell, hold(key))

    origin(hers, PUSHER)
    with connection.open_remote(hers.repository, "origin") as there:
        there.backend.create(remotes.NAME, plain_record())
    hers.ok("push")
    his = clone(tmp_path, monkeypatch, "ben", place=hold(READER))
    assert (his.folder / WEIGHTS).read_bytes() == (hers.folder / WEIGHTS).read_bytes()
    his.set(parameters__epochs=2)
    his.commit("his")
    said = his("push")
    assert said.code == 12, said
    origin(hers, PUSHER)
    weights.train()
    hers.commit("hers")
    hers.ok("push")
    origin(his, PUSHER)
    said = his("push")
    assert said.code == 13, said
    his.ok("push", "--rebase")
    hers.ok("pull")
    collect = ("gc", "--remote", "origin")
    said = hers(*collect)
    assert said.code == 12, said
    hers.ok("push", "origin", "main:new")  # no flag holds it up
    origin(hers, COLLECTOR)
    hers.ok(*collect)
    assert hers.ok("remote", "upgrade", "origin", "--json").json["new"]
    origin(hers, PUSHER)
    hers.ok("push", "origin", "main:newer")
    hers.ok("fsck", "--remote", "origin", "--read-data")


# --- S3


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: Any) -> Any:
    """A store that asks who one is, as `hold`."""
    with cloud.moto(tmp_path) as server:
        place, keys = server.place(), {}
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        iam = lazy.load("boto3").client("iam", endpoint_url=server.options["endpoint"])
        for name in (READER, PUSHER, COLLECTOR):
            policy = json.dumps(block("s3.md", name)).replace("team-models/vision", place.removeprefix("s3://"))
            iam.create_user(UserName=name)
            iam.put_user_policy(UserName=name, PolicyName="mvc", PolicyDocument=policy.replace("team-models", "bucket"))
            keys[name] = iam.create_access_key(UserName=name)["AccessKey"]
        # moto, where it asks for rights, may let two make a name at the same moment: the probe's race is run before.
        probe.ensure(s3.connect(address.parse(place, tmp_path), server.options), "n")
        cloud.ask_for_rights(server)

        def hold(key: str) -> Place:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[key]["AccessKeyId"])
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[key]["SecretAccessKey"])
            return place, server.options

        yield hold


def test_s3(accounts: Hold, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    everyone_does_their_part(tmp_path, monkeypatch, rng, accounts)


def test_s3_the_lifecycle_rule_is_taken(clouds: Callable[[str], Cloud], monkeypatch: Any) -> None:
    server = clouds("s3")
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    client = lazy.load("boto3").client("s3", endpoint_url=server.options["endpoint"])
    client.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration=block("s3.md", "lifecycle"))
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
    client.delete_bucket_lifecycle(Bucket="bucket")
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert "Expiration" not in rule  # of what is current
    (statement,) = block("s3.md", "bucket policy")["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", "arn:aws:s3:::team-models/vision/refs/*")


# --- Azure


def test_azure(clouds: Callable[[str], Cloud], tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    server = clouds("az")
    place: Place = (server.place(), {})

    def hold(key: str) -> Place:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", cloud.azure_key(server, row("azure.md", key)))
        return place

    everyone_does_their_part(tmp_path, monkeypatch, rng, hold)


def test_azure_a_pack_that_is_too_long_for_the_library_goes_in_one_request(
    clouds: Callable[[str], Cloud], tmp_path: Path, monkeypatch: Any
) -> None:
    server = clouds("az")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", cloud.azure_key(server, row("azure.md", PUSHER)))
    pack = tmp_path / "pack"
    with open(pack, "wb") as file:
        file.truncate(66 << 20)
    assert pack.stat().st_size < azure.SINGLE
    backend = azure.connect(address.parse(server.place(), tmp_path), {})
    backend.put("packs/77/77", pack)
    (listed,) = backend.list("packs")
    assert listed.size == pack.stat().st_size
    with pytest.raises(errors.RemoteDenied):
        backend.delete(["packs/77/77"])


def test_azure_a_name_that_is_taken_is_no_matter_of_rights(
    clouds: Callable[[str], Cloud], tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    server = clouds("az")
    hers, _ = ana(tmp_path, monkeypatch, rng)
    hers.repository.config.set_remote("origin", {"url": server.place()})
    outcomes = {}
    for key in (PUSHER, READER):
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", cloud.azure_key(server, row("azure.md", key)))
        with connection.open_remote(hers.repository, "origin") as remote:
            outcomes[key] = [_create(remote.backend, name) for name in ("refs/a", "refs/a", f"refs/{key}")]
    taken = Outcome.TAKEN
    assert outcomes == {
        PUSHER: [Outcome.CREATED, taken, Outcome.CREATED],
        READER: [taken, taken, "denied"],
    }


def _create(backend: Any, name: str) -> Outcome | str:
    try:
        outcome: Outcome = backend.create(name, b"entry")
    except errors.RemoteDenied:
        return "denied"
    return outcome


# --- SSH


def test_sftp(sshd_with: Callable[[str], Sshd], tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    servers = {key: sshd_with(row("sftp.md", key)) for key in (READER, PUSHER, COLLECTOR)}

    def hold(key: str) -> Place:
        return servers[key].url(tmp_path / "place"), servers[key].options

    everyone_does_their_part(tmp_path, monkeypatch, rng, hold)


def test_sftp_a_pack_that_lies_there_cut_is_told_to_whoever_may_not_replace_it(
    sshd_with: Callable[[str], Sshd], tmp_path: Path
) -> None:
    server = sshd_with(row("sftp.md", PUSHER))
    pack, there = tmp_path / "pack", tmp_path / "place" / "packs" / "77" / "77"
    pack.write_bytes(b"whole")
    there.parent.mkdir(parents=True)
    there.write_bytes(b"")
    backend = connect.connect(address.parse(server.url(tmp_path / "place"), tmp_path), server.options)
    with pytest.raises(errors.RemoteDenied, match=r"packs/77/77 is truncated on the server"):
        backend.put("packs/77/77", pack)
    assert there.read_bytes() == b""
    backend.close()
