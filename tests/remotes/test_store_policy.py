"""`mvc remote policy`: what it prints for each kind of store, and that S3 then lets only the role move `prod`."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc import lazy
from mvc.remotes.backends import address, probe, s3
from tests.cli.shell import Said, Shell, begin
from tests.remotes.clones import ana, clone, set_origin
from tests.servers import cloud

PROD = "--protect=alias:prod"
PLACES = {
    "s3": "s3://team-models/vision",
    "gcs": "gs://team-models/vision",
    "azure": "az://models/vision",
    "unix": "/srv/vision",
}
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/ana"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    return begin(tmp_path, monkeypatch)


def at(shell: Shell, place: str) -> Shell:
    shell.repository.config.set_remote("origin", {"url": place})
    return shell


def policy(shell: Shell, *arguments: str) -> Said:
    return shell("remote", "policy", "origin", *arguments)


# --- what is protected


@pytest.mark.parametrize(
    ("ref", "folders"),
    [
        ("alias:prod", ["heads/prod", "tags/prod", "aliases/prod"]),
        ("branch:Main", ["heads/%4dain", "tags/%4dain", "aliases/%4dain"]),
        ("alias:release/*", ["aliases/release%2f*"]),
        ("tag:v?.[0-9]", ["tags/v*.*"]),
        ("tag:v??", ["tags/v*"]),
        ("alias:*", ["aliases/*"]),
    ],
)
def test_a_name_is_protected_in_every_kind_and_a_pattern_in_its_own(shell: Shell, ref: str, folders: list[str]) -> None:
    printed = json.loads(policy(at(shell, PLACES["s3"]), "--protect", ref).out)
    for statement in printed["Statement"]:
        assert statement["Resource"] == [f"arn:aws:s3:::team-models/vision/refs/*/{folder}/*" for folder in folders]


def test_without_an_option_the_refs_of_rules_that_say_who_approves_are_protected(shell: Shell) -> None:
    at(shell, PLACES["s3"])
    assert (policy(shell).code, json.loads(policy(shell, "--json").err)["kind"]) == (2, "nothing-to-protect")
    shell.write(
        "policy.toml",
        b'[[rule]]\non = ["alias:prod", "push:origin"]\nsigned-by = ["ana@example.org"]\n'
        b'[[rule]]\non = ["tag:v*"]\nfrom = "alias:prod"\n'
        b'[[rule]]\non = ["branch:main"]\nroll-back = false\n',
    )
    said = policy(shell, "--json").json
    assert (said["refs"], said["roles"], said["form"]) == (["alias:prod", "tag:v*"], [], "s3")
    assert policy(shell, "--protect=alias:other", "--json").json["refs"] == ["alias:other"]


@pytest.mark.parametrize(
    ("place", "arguments", "kind"),
    [
        ("s3", ["--print=unix", PROD], "other-store"),
        ("s3", ["--protect=prod"], "bad-protection"),
        ("s3", ["--protect=commit"], "bad-protection"),
        ("s3", ["--protect=alias:"], "bad-protection"),
        ("s3", ["--protect=alias:a..b"], "bad-protection"),
        ("s3", [PROD, "--role=ana"], "bad-principal"),
        ("s3", [PROD, "--pusher=arn:aws:iam::123456789012:role/team"], "bad-principal"),
        ("s3", [PROD, "--role=arn:aws:sts::123456789012:assumed-role/release/ana"], "bad-principal"),
        ("s3", [f"--protect=alias:{'x' * 190}{number}" for number in range(20)], "too-many-protected"),
        ("gcs", [PROD, "--role=ana"], "bad-principal"),
        ("gcs", ["--protect=alias:*prod"], "bad-protection"),
        ("gcs", [f"--protect=alias:a{number}" for number in range(5)], "too-many-protected"),
        ("azure", [PROD, "--pusher=ana"], "bad-principal"),
        ("azure", [f"--protect=alias:{'x' * 190}{number}" for number in range(20)], "too-many-protected"),
        ("unix", ["--protect=alias:release/*"], "bad-protection"),
        ("unix", [PROD, "--role=a b"], "bad-principal"),
        ("unix", [PROD, "--role=$(id)"], "bad-principal"),
        ("unix", [PROD, "--role=a", "--role=b"], "bad-principal"),
        ("unix", [PROD, "--role=a", "--pusher=a"], "bad-principal"),
    ],
)
def test_what_cannot_be_printed_is_refused_and_nothing_is(
    shell: Shell, place: str, arguments: list[str], kind: str
) -> None:
    said = policy(at(shell, PLACES[place]), *arguments, "--json")
    assert (said.code, said.out, json.loads(said.err)["kind"]) == (2, "", kind)


def test_a_registry_has_no_such_permissions(shell: Shell) -> None:
    assert json.loads(policy(at(shell, "picsellia://acme"), PROD, "--json").err)["kind"] == "other-store"


@pytest.mark.parametrize(("form", "place"), PLACES.items())
def test_placeholders_stand_for_what_is_not_named_and_a_note_says_so(shell: Shell, form: str, place: str) -> None:
    said = policy(at(shell, place), "--print", form, PROD)
    assert said.code == 0
    assert "--role" in said.err
    assert ("--pusher" in said.err) == (form != "s3")
    assert ("`account`" in said.err) == (form == "azure")
    assert ("account=ACCOUNT\n" in said.out) == (form == "azure")


def test_an_account_of_the_settings_is_no_placeholder(shell: Shell) -> None:
    shell.repository.config.set_remote("origin", {"url": PLACES["azure"], "account": "teamvision"})
    said = policy(shell, PROD)
    assert ("account=teamvision\n" in said.out, "account" in said.err) == (True, False)
    assert policy(shell, PROD, "--json").json["placeholders"] == ["role", "pusher"]


def test_scripts_are_shell_scripts_whatever_the_path_is(shell: Shell) -> None:
    for place in ("/srv/it's; rm -rf $HOME/`id`", "gs://b/it;s", "az://c/$(id)"):
        said = policy(at(shell, place), PROD)
        assert said.code == 0, said
        subprocess.run(["sh", "-n"], input=said.out, text=True, check=True)


def test_an_s3_policy_is_for_the_partition_and_the_prefix(shell: Shell) -> None:
    role = "arn:aws-cn:iam::123456789012:role/*/release"
    printed = json.loads(policy(at(shell, "s3://b/what*now"), PROD, "--role", role).out)
    only, nobody, overwrites = printed["Statement"]
    assert only["Resource"][2] == "arn:aws-cn:s3:::b/what${*}now/refs/*/aliases/prod/*"
    assert only["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": [role]}}
    assert "Condition" not in nobody
    assert overwrites["Condition"] == {"Null": {"s3:if-none-match": "true"}}


# --- S3 as moto has it


class Store:
    """A bucket that asks for rights: ana may take the role `release`, ben may do anything but what its policy denies."""

    def __init__(self, server: cloud.Cloud, place: str, monkeypatch: Any) -> None:
        self.server, self.place, self._patch = server, place, monkeypatch
        self._keys: dict[str, dict[str, str]] = {}

    def client(self, service: str) -> Any:
        return lazy.load("boto3.session").Session().client(service, endpoint_url=self.server.options["endpoint"])

    def hold(self, who: str) -> None:
        """Have the environment hold the keys of that role or user."""
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
            if name in self._keys[who]:
                self._patch.setenv(f"AWS_{name}", self._keys[who][name])
            else:
                self._patch.delenv(f"AWS_{name}", raising=False)

    def people(self) -> None:
        iam = self.client("iam")
        for name in ("ana", "ben"):
            iam.create_user(UserName=name)
            key = iam.create_access_key(UserName=name)["AccessKey"]
            self._keys[name] = {"ACCESS_KEY_ID": key["AccessKeyId"], "SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        iam.put_user_policy(UserName="ben", PolicyName="all", PolicyDocument=json.dumps(FULL))
        arn = iam.create_role(RoleName="release", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="release", PolicyName="all", PolicyDocument=json.dumps(FULL))
        taken = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="ana")["Credentials"]
        self._keys["release"] = {
            "ACCESS_KEY_ID": taken["AccessKeyId"],
            "SECRET_ACCESS_KEY": taken["SecretAccessKey"],
            "SESSION_TOKEN": taken["SessionToken"],
        }

    def names(self, folder: str) -> list[str]:
        prefix = f"{self.place.removeprefix('s3://bucket/')}/{folder}"
        found = self.client("s3").list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in found]


@pytest.fixture
def store(clouds: Callable[[str], cloud.Cloud], tmp_path: Path, monkeypatch: Any) -> Any:
    server = clouds("s3")
    cloud.remember_what_s3_is(monkeypatch)
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    store = Store(server, server.place(), monkeypatch)
    store.people()
    # moto, where it asks for rights, may let two make a name at the same moment: the probe's race is run before.
    probe.ensure(s3.connect(address.parse(store.place, tmp_path), server.options), "n")
    yield store
    cloud.ask_for_no_rights(server)  # other tests use the server, too
    store.client("s3").delete_bucket_policy(Bucket="bucket")


def lock(shell: Shell, store: Store) -> None:
    """Apply the printed policy, and have the store ask for rights from now on."""
    role = "arn:aws:iam::123456789012:role/release"
    printed = shell.ok("remote", "policy", "origin", "--print", "s3", PROD, "--role", role).out
    store.client("s3").put_bucket_policy(Bucket="bucket", Policy=printed)
    cloud.ask_for_rights(store.server)


def refused(call: Any, *arguments: Any, **named: Any) -> bool:
    """Whether the store says 403."""
    try:
        call(*arguments, **named)
    except lazy.load("botocore.exceptions").ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    return False


def other_ways_are_refused(hers: Shell, store: Store) -> None:
    """Whoever may do anything with the bucket can neither write nor delete moves of prod; nor can the role change one."""
    hers.ok("alias", "set", "other", "v1")
    hers.ok("push", "origin", "other")
    *_, prod = store.names("refs/helmets/aliases/prod/")
    (other,) = store.names("refs/helmets/aliases/other/")
    new = prod.replace("0000000002", "0000000003")
    for who, may in (("ben", False), ("release", True)):
        store.hold(who)
        at = {"Bucket": "bucket"}
        client = store.client("s3")
        assert client.get_object(**at, Key=prod)["Body"].read()
        assert refused(client.put_object, **at, Key=prod, Body=b"x")
        assert refused(client.put_object, **at, Key=new, Body=b"x")  # without the condition that it is new
        assert refused(client.copy_object, **at, Key=new, CopySource=f"bucket/{other}")
        assert refused(client.create_multipart_upload, **at, Key=new)
        assert refused(client.delete_object, **at, Key=prod)
        assert refused(client.delete_object, **at, Key=prod, VersionId="null")
        assert refused(client.put_object_acl, **at, Key=prod, ACL="public-read") != may
        answer = client.delete_objects(**at, Delete={"Objects": [{"Key": prod}]})
        assert [each["Code"] for each in answer["Errors"]] == ["AccessDenied"]
        assert refused(client.put_object, **at, Key=new, Body=b"x", IfNoneMatch="*") != may
        assert not refused(client.put_object, **at, Key=f"{other}-{who}", Body=b"x")
        assert not refused(client.delete_object, **at, Key=f"{other}-{who}")


def test_s3_lets_only_the_role_move_prod(store: Store, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    hers, weights = ana(tmp_path, monkeypatch, rng)
    set_origin(hers, (store.place, store.server.options))
    lock(hers, store)
    store.hold("release")
    hers.ok("push")
    hers.ok("alias", "set", "prod", "v1")
    hers.ok("push", "origin", "prod")

    store.hold("ben")
    his = clone(tmp_path, monkeypatch, "ben", place=(store.place, store.server.options))
    his.set(parameters__epochs=2)
    his.commit("his")
    his.ok("push")
    before = store.names("refs/")
    his.ok("alias", "set", "prod", "HEAD")
    said = his("push", "origin", "prod", "--json")
    assert (said.code, json.loads(said.err)["kind"]) == (12, "ref-denied"), said
    assert "403" in said.err
    said = his("push", "origin", "--delete", "prod")
    assert said.code == 12, said
    assert his("push", "origin", "main:prod").code == 13  # mvc refuses it by itself: the name is an alias there
    assert store.names("refs/") == before
    his.set(parameters__epochs=3)
    his.commit("his second")
    his.ok("alias", "set", "prod", "HEAD")
    said = his("push", "origin", "main", "prod")
    assert said.code == 13, said
    assert [line[:3] for line in said.lines[1:3]] == ["   ", " ! "]
    assert len(store.names("refs/helmets/aliases/prod/")) == 1
    assert "=" in his.ok("push", "origin", "main").out  # it was recorded here that main moved

    store.hold("release")
    hers.ok("pull")
    hers.ok("alias", "set", "prod", "HEAD")
    hers.ok("push", "origin", "prod")
    weights.train()
    hers.commit("hers")
    hers.ok("push")
    assert len(store.names("refs/helmets/aliases/prod/")) == 2
    other_ways_are_refused(hers, store)
