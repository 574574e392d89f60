"""Profiles, strictness, rules of a team, and three-valued logic."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mvc import errors
from mvc.readiness import verdict
from mvc.readiness.evaluation import all_uses, evaluate, evaluate_intent, rules_for, with_profile
from mvc.readiness.table import RULES
from mvc.readiness.verdict import OK, Verdict, no, unknown
from tests.readiness.subjects import LABELS, blocked, made, results

SERVED: dict[str, Any] = {"type": "OBJECT_DETECTION", "framework": "ONNX", "labelmap": LABELS}


def requiring(*requires: dict[str, Any]) -> dict[str, Any]:
    return {"intent": {"require": list(requires)}}


def test_only_breaches_of_required_rules_block() -> None:
    assert blocked(made(), "deployment") == {"model-latest", "type", "labelmap"}
    assert blocked(made("model-latest", **SERVED), "deployment") == set()
    assert blocked(made("model-latest", type="MASK", framework="PYTORCH", labelmap=LABELS), "deployment") == set()
    assert blocked(made(), "deployment/own") == set()


def test_unknown_results_block_only_when_strict() -> None:
    ready = made("pretrained-weights", **SERVED)
    assert blocked(ready, "pre-annotation") == set()
    assert blocked(ready, "pre-annotation", strict=True) == {
        "config", "dataset-labels", "dataset-type", "job-file", "weights-classes"
    }  # fmt: skip
    assert blocked(made("model-latest", holds={"model-latest": "onnx"}, **SERVED), "deployment", strict=True) == set()
    pytorch = made("model-latest", holds={"model-latest": "torch"}, **{**SERVED, "framework": "PYTORCH"})
    assert blocked(pytorch, "deployment", strict=True) == {"framework"}


def test_optional_rules_never_block() -> None:
    whole = made("pretrained-weights", "config", type="MASK", framework="ONNX", parameters={"a": 1})
    assert results(whole, "training")["labelmap"] == "no"
    assert "labelmap" not in blocked(whole, "training", strict=True)


def test_current_and_legacy_jobs_differ() -> None:
    old = made("model-latest=best.onnx", **SERVED)
    assert blocked(old, "pre-annotation/legacy") == set()
    assert blocked(old, "pre-annotation/current") == {"pretrained-weights"}
    new = made("pretrained-weights", **SERVED)
    assert blocked(new, "pre-annotation/legacy") == {"model-latest"}
    assert blocked(new, "pre-annotation/current") == set()


def test_the_first_profile_is_the_default() -> None:
    assert [with_profile(use) for use in ("training", "pre-annotation", "deployment", "conversion", "storage")] == [
        "training/current",
        "pre-annotation/current",
        "deployment/serving",
        "conversion",
        "storage",
    ]
    assert with_profile("deployment/own") == "deployment/own"


@pytest.mark.parametrize("use", ["deploy", "deployment/", "deployment/legacy", "storage/current", "", "edge"])
def test_an_unknown_use_is_refused_with_the_known_ones(use: str) -> None:
    with pytest.raises(errors.UnknownUse, match="pre-annotation/legacy"):
        with_profile(use)


def test_rules_are_listed_by_use() -> None:
    assert rules_for([]) == RULES
    assert [rule.name for rule in rules_for(["storage", "conversion"])] == ["job-file", "name"]
    assert {rule.use for rule in rules_for(["training/legacy"])} == {"training", "training/legacy"}


# --- a team's own


def test_a_metric_must_be_measured_and_high_enough() -> None:
    rule = requiring({"use": "deployment/own", "metric": "mAP50", "min": 0.6})
    assert blocked(made(**rule), "deployment/own") == {"require.0"}
    assert blocked(made(metrics={"mAP50": 0.59}, **rule), "deployment/own") == {"require.0"}
    assert blocked(made(metrics={"mAP50": 0.6}, **rule), "deployment/own") == set()
    assert "require.0" not in results(made(**rule), "deployment/serving")


def test_a_pattern_may_have_the_role() -> None:
    rule = requiring({"use": "storage", "role": "onnx"})
    assert blocked(made("other", **rule), "storage") == {"require.0"}
    assert blocked(made("onnx", **rule), "storage") == set()
    assert blocked(made("onnx/a=a", **rule), "storage") == set()


@pytest.mark.parametrize("wanted", ["safetensors", ".SafeTensors"])
def test_a_format_is_recognized_by_names_and_by_headers(wanted: str) -> None:
    rule = requiring({"use": "storage", "format": wanted})
    assert results(made(**rule), "storage")["require.0"] == "no"
    assert results(made("w=best.safetensors", **rule), "storage")["require.0"] == "ok"
    assert results(made("w=best", **rule), "storage")["require.0"] == "unknown"
    assert results(made("w=best", holds={"w": "safetensors"}, **rule), "storage")["require.0"] == "ok"
    assert results(made("w=best", holds={"w": "torch"}, **rule), "storage")["require.0"] == "no"


def test_a_rule_for_a_use_holds_in_every_profile() -> None:
    subject = made(**requiring({"use": "deployment", "role": "onnx"}))
    assert "require.0" in blocked(subject, "deployment/serving")
    assert "require.0" in blocked(subject, "deployment/own")


def test_a_team_defines_its_own_use() -> None:
    subject = made("onnx", **requiring({"use": "edge", "role": "onnx"}, {"use": "edge/eu", "role": "card"}))
    assert results(subject, "edge") == {"require.0": "ok"}
    assert results(subject, "edge/eu") == {"require.0": "ok", "require.1": "no"}
    with pytest.raises(errors.UnknownUse, match="edge/eu"):
        evaluate(subject, "edges")


@pytest.mark.parametrize(
    "require",
    [
        {"use": "storage"},
        {"use": "storage", "role": "a", "format": "b"},
        {"use": "storage", "metric": "a"},
        {"use": "storage", "role": "a", "sizes": {"max": 3}},
    ],
)
def test_a_rule_of_a_later_release_cannot_be_checked(require: dict[str, Any]) -> None:
    subject = made(**requiring(require, {"role": "without a use"}))
    assert results(subject, "storage") == {"name": "ok", "require.0": "unknown"}
    assert blocked(subject, "storage") == set()
    assert blocked(subject, "storage", strict=True) == {"require.0"}


def test_a_version_is_evaluated_for_its_intended_uses() -> None:
    meant = {"ready_for": ["deployment", "edge", "deployment/serving", "nowhere"]}
    subject = made("model-latest", intent=meant | {"require": [{"use": "edge", "role": "onnx"}]}, **SERVED)
    found = {each.use: each for each in evaluate_intent(subject)}
    assert {use: each.ready for use, each in found.items()} == {
        "deployment/serving": True,
        "edge": False,
        "nowhere": False,
    }
    assert "nowhere" in found["nowhere"].blockers[0].verdict.why
    assert evaluate_intent(made()) == ()


def test_all_uses_are_those_with_rules_and_a_teams_own() -> None:
    own = requiring(
        {"use": "edge", "role": "a"}, {"use": "deployment", "role": "a"}, {"use": "deployment/gpu", "role": "a"}
    )
    assert all_uses(made(**own).manifest) == (
        "training/current",
        "training/legacy",
        "pre-annotation/current",
        "pre-annotation/legacy",
        "deployment/serving",
        "deployment/own",
        "conversion",
        "storage",
        "edge",
        "deployment/gpu",
    )
    assert {rule.name for rule in rules_for(["edge"], made(**own).manifest)} == {"require.0"}
    assert len(rules_for([], made(**own).manifest)) == len(RULES) + 3


def test_a_profile_of_a_teams_own_has_the_rules_of_the_use() -> None:
    subject = made(**requiring({"use": "deployment/gpu", "role": "engine"}))
    assert {"labels-from-0", "require.0"} <= {rule.name for rule in rules_for(["deployment/gpu"], subject.manifest)}
    assert results(subject, "deployment/gpu") == {"require.0": "no"}


def test_a_fix_quotes_roles_and_metrics() -> None:
    subject = made(
        **requiring({"use": "storage", "role": "a; rm -rf ~"}, {"use": "storage", "metric": "$(x)", "min": 1})
    )
    fixes = [finding.rule.fix for finding in evaluate(subject, "storage").findings]
    assert fixes[1:] == ["mvc add FILE --as 'a; rm -rf ~'", "mvc set 'metrics.\"$(x)\"'=VALUE"]


# --- three values


def test_all_and_any_over_every_triple() -> None:
    values = (no("n"), unknown("u"), OK)
    for triple in itertools.product(values, repeat=3):
        ranks = [values.index(each) for each in triple]
        assert verdict.all_of(triple).result is values[min(ranks)].result
        assert verdict.any_of(triple).result is values[max(ranks)].result


def test_reasons_are_those_of_the_deciding_verdicts() -> None:
    assert verdict.all_of([no("a"), unknown("b"), no("c"), no("a")]) == no("a; c")
    assert verdict.any_of([no("a"), unknown("b"), no("c")]) == unknown("b")
    assert verdict.all_of([]) == OK
    assert verdict.any_of([]) == Verdict(verdict.Result.NO)


def test_all_needs_every_fix_and_any_the_first() -> None:
    assert verdict.all_of([no("a", "x"), OK, no("b", "y")]).fix == "x && y"
    assert verdict.all_of([no("a", "x"), no("b")]).fix == ""  # half of it would mend nothing
    assert verdict.any_of([no("a", "x"), no("b", "y")]).fix == "x"
