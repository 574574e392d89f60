from __future__ import annotations

from typing import Any

import pytest

from mvc.model.manifest import Manifest
from mvc.model.toml import secrets

# Put together here, so that no scanner takes this file for a leak.
TOKENS = {
    "AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "x" * 20,
    "Slack token": "xoxb-" + "123456789012-abc",
    "Slack webhook": "https://hooks.slack.com/services/" + "T0000/B0000/" + "x" * 24,
    "Hugging Face token": "hf_" + "aBcD" * 9,
    "OpenAI or Anthropic key": "sk-" + "proj-" + "a1b2c3d4" * 5,
    "Google key": "AIza" + "b" * 35,
    "Stripe key": "sk_live_" + "1" * 24,
    "npm token": "npm_" + "a" * 36,
    "PyPI token": "pypi-" + "A" * 60,
    "Docker token": "dckr_pat_" + "a" * 27,
    "Azure key": "AccountKey=" + "a" * 60 + "==",
    "JSON web token": "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK",
    "private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3Bl",
    "password in a URL": "https://ana:" + "hunter2@example.org/x",
    "token in a URL": "https://example.org/x?a=1&access_token=" + "12345678abc",
}


def test_every_shape_has_an_example() -> None:
    assert set(TOKENS) == set(secrets.PATTERNS)


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize(
    ("section", "wrap", "key"),
    [
        ("parameters", lambda text: {"a": {"b": ["x", f"see {text}, ok"]}}, "parameters.a.b.1"),
        ("docker", lambda text: {"env": {"A": text}}, "docker.env.A"),
        ("docker", lambda text: {"flags": [f"-e A={text}"]}, "docker.flags.0"),
        ("source", lambda text: {"experiment": {"url": text}}, "source.experiment.url"),
        ("model", lambda text: {"name": "x", "links": [text]}, "model.links.0"),
    ],
)
def test_each_pattern_is_found_in_every_section(kind: str, section: str, wrap: Any, key: str) -> None:
    sections = {"model": {"name": "x"}, section: wrap(TOKENS[kind])}
    (found,) = secrets.find(Manifest(**sections))
    assert (found.key, found.kind) == (key, kind)


@pytest.mark.parametrize("kind", TOKENS)
def test_a_message_is_looked_at_and_the_secret_is_not_repeated(kind: str) -> None:
    (found,) = secrets.find(Manifest({"name": "x"}), f"first\n\nuse {TOKENS[kind]}")
    assert found.key == "message"
    assert len(found.masked.partition("...")[0]) == 4
    assert TOKENS[kind][5:] not in found.masked


@pytest.mark.parametrize(
    "values",
    [
        {"api_token": "0123456789abcdef0123456789abcdef01234567"},
        {"wandb": {"apiKey": "0123456789abcdef0123456789abcdef01234567"}},
        {"run": "WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567 train"},
        {"db-password": "q8Zr2Lw9Xk4Tn7Vb"},
    ],
)
def test_a_random_value_under_a_telling_name_is_found(values: dict[str, Any]) -> None:
    (found,) = secrets.find(Manifest({"name": "x"}, parameters=values))
    assert found.kind == "random value under a key for secrets"


@pytest.mark.parametrize(
    "values",
    [
        {"pad_token": "[PAD]", "eos_token": "<|endoftext|>", "max_tokens": 2048, "tokenizer": "bert-base-uncased-v2"},
        {"checkpoint": "0123456789abcdef0123456789abcdef01234567", "digest": "sha256:" + "0f" * 32},
        {"secret": "aaaaaaaaaaaaaaaaaaaaaaaa1", "password": "${DB_PASSWORD}", "token": "TOKEN_FROM_ENVIRONMENT"},
        {"name": "sk-learn-pipeline-with-a-rather-long-name", "url": "https://example.org/models?name=yolo&size=640"},
        {"mail": "https://example.org/@ana", "time": "12:30@noon"},
    ],
)
def test_ordinary_values_are_left_alone(values: dict[str, Any]) -> None:
    assert (
        secrets.find(Manifest({"name": "x"}, parameters=values), "Trained with new tokens; see ana@example.org") == ()
    )


@pytest.mark.parametrize(
    ("url", "stripped"),
    [
        ("https://ana:pw@example.org/x.git", "https://example.org/x.git"),
        ("https://token@example.org:8443/x.git?private_token=1#f", "https://example.org:8443/x.git"),
        ("https://a:p@ss@example.org/x", "https://example.org/x"),
        ("ssh://git@example.org/x", "ssh://example.org/x"),
        ("git@example.org:team/x.git", "example.org:team/x.git"),
        ("https://example.org/@team/x", "https://example.org/@team/x"),
        ("/srv/git/a@b:c.git", "/srv/git/a@b:c.git"),
        ("../x.git", "../x.git"),
        ("", ""),
    ],
)
def test_user_password_and_query_are_taken_from_an_address(url: str, stripped: str) -> None:
    assert secrets.strip_userinfo(url) == stripped
