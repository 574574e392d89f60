"""`mvc card`: the header of the Hub, the facts of a version, changes since the last tag, and what people wrote stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from mvc.formats.values import front_matter
from mvc.porcelain.bom import FORMATS
from mvc.registry.documents import annex_iv
from tests.cli.shell import Shell, begin
from tests.formats.test_licenses import CHECKPOINT
from tests.registry.documents.models import MODEL_TOML

HOSTILE = "<script>alert(1)</script> | [x](javascript:alert(1)) `--> <!-- mvc: end --> \x1b[2J\x9b\u202e"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        shell = begin(tmp_path_factory.mktemp("card"), patch)
        shell.write("best.pt", CHECKPOINT)
        shell.write("README.md", b"# Helmets")
        shell.write("model.toml", MODEL_TOML.encode())
        shell.commit("First")
        shell.set(parameters__epochs=200)
        shell.commit("Longer", "--tag", "2026.1")
        shell.ok("unset", "labelmap.1")
        shell.set(metrics__mAP50=0.8, labelmap__1="hat")
        shell.write("new.txt", b"new")
        shell.ok("add", "new.txt")
        shell.commit("Hats")
        shell.write("old.json", b'{"metrics": {"mAP50": 0.4}}')
        shell.write("results.json", b'{"metrics": {"mAP50": 0.6, "recall": 0.5}}')
        for path in ("old.json", "results.json"):
            shell.ok("eval", "add", "HEAD", "--dataset", "night@3", "--file", path)
        shell.set(model__description=HOSTILE, labelmap__2=HOSTILE, model__license="Acme, for internal use")
        shell.set(model__tags='["night\\u202e \\U0001f600"]')
        shell.commit(HOSTILE)
        yield shell


def test_the_hub_reads_the_header(shell: Shell) -> None:
    data = ModelCard(shell.ok("card", "v3").out).data
    assert (data.license, data.pipeline_tag, data.tags) == ("mit", "object-detection", ["safety", "mvc"])
    (result,) = data.eval_results
    assert (result.metric_name, result.metric_value, result.dataset_name) == ("mAP50", 0.8, "site@3")
    own = ModelCard(shell.ok("card", "v4").out).data
    assert (own.license, own.license_name) == ("other", "Acme, for internal use")
    assert own.tags == ["night\u202e \U0001f600", "mvc"]


def test_the_text_has_the_facts_and_the_changes_since_the_last_tag(shell: Shell) -> None:
    card = shell.ok("card", "v3").out
    for line in (
        "## Version 3",
        "Hats",
        "Finds helmets &amp; vests",
        "- deployment",
        "| mAP50 | 0.8 |",
        "| 1 | hat |",
        "- dataset site@3 (train)",
        "- experiment night shift <https://example.org/e1>",
        "| optimizer.lr | 0.01 |",
        "### Changes since v2 (2026.1)",
        "- class 1 renamed: head to hat",
        "- metrics mAP50: 0.71 to 0.8",
        "| night@3 | mAP50 | 0.6 |",
        "| night@3 | recall | 0.5 |",
        "- file new.txt: added",
        "- base model base-yolo@v3",
    ):
        assert line in card.splitlines()
    assert "| 0.4 |" not in card
    assert "night@3" not in shell.ok("bom", "v3").out
    assert "### Changes since v1" in shell.ok("card", "v2").out
    assert "### Changes" not in shell.ok("card", "v1").out
    assert shell.ok("card", "v3", "--json").json["since"] == "v2 (2026.1)"
    assert shell.ok("card", "v3", "-q").out == shell.ok("rev-parse", "v3").out


def test_annex_iv_lists_each_point_and_marks_what_is_not_recorded(shell: Shell) -> None:
    card = shell.ok("card", "v3", "--annex-iv").out
    points = [f"### {point.name}" for point in (*annex_iv._GENERAL, *annex_iv._DEVELOPMENT)]
    assert [line for line in card.splitlines() if line.startswith("### ")] == points
    assert [name[4:7] for name in points] == [f"({letter})" for letter in "abcdefghabcdefgh"]
    assert card.count("*Open: ") == len(points)
    assert annex_iv.NOTE in card
    for line in (
        "## 6. Changes through the lifecycle",
        "| night@3 | mAP50 | 0.6 |",
        "Since v2 (2026.1):",
        "- class 1 renamed: head to hat",
        "| mAP50 | 0.8 |",
    ):
        assert line in card.splitlines()
    assert "no earlier one" in shell.ok("card", "v1", "--annex-iv").out


def test_what_people_wrote_stays_and_mvc_replaces_its_part(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "README.md"
    shell.ok("card", "v2", "-o", str(target))
    text = target.read_text()
    assert text == shell.ok("card", "v2").out
    edited = text.replace("tags:", "language: de\ndate: 2026-02-03\ntags:").replace(
        "# helmets", "# Helmets\n\nAsk Ana."
    )
    target.write_text(edited + "\nBye.\n")
    shell.ok("card", "v3", "-o", str(target))
    card = target.read_text()
    header = front_matter.split(card).values
    assert (header["language"], header["date"], header["license"]) == ("de", "2026-02-03", "mit")
    assert "Ask Ana." in card
    assert card.endswith("Bye.\n")
    assert "## Version 3" in card
    assert "## Version 2" not in card
    assert shell.ok("card", "v3", "-o", str(target)).code == 0
    assert target.read_text() == card


@pytest.mark.parametrize("data", [b"---\na: [\n---\nText", b"---\n- a\n---\nText", b"\xff\xfe", b"x" * ((1 << 20) + 1)])
def test_a_file_that_cannot_be_read_is_left_as_it_is(shell: Shell, tmp_path: Path, data: bytes) -> None:
    target = tmp_path / "README.md"
    target.write_bytes(data)
    refused = shell("card", "v3", "-o", str(target))
    assert refused.code == 2
    assert "Cannot update" in refused.err
    assert target.read_bytes() == data


def test_texts_of_a_version_have_no_effect_in_the_card(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "README.md"
    for options in ((), ("--annex-iv",)):
        shell.ok("card", "v4", *options, "-o", str(target))
        card = target.read_text()
        assert card.count("<!-- mvc: end -->") == 1
        html = MarkdownIt("commonmark").enable("table").render(card.split("---\n", 2)[2])
        assert "<script" not in html
        assert 'href="javascript' not in html
        assert all(line.isprintable() for line in card.split("\n"))
        shell.ok("card", "v3", "-o", str(target))
        assert target.read_text().count("alert(1)") == 0


@pytest.mark.parametrize("format_", FORMATS)
def test_texts_of_a_version_have_no_effect_on_a_terminal_that_shows_a_bill_of_materials(
    shell: Shell, format_: str
) -> None:
    text = shell.ok("bom", "v4", "--format", format_).out
    assert all(line.isprintable() for line in text.split("\n"))
    assert shell.ok("bom", "v4", "--format", format_, "--json").json["document"] == json.loads(text)
    assert json.dumps(HOSTILE, ensure_ascii=True) in json.dumps(json.loads(text), ensure_ascii=True)
