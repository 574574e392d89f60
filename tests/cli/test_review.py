"""`mvc diff --md` and `mvc changelog`: Markdown that fits into a comment, and shows any text as it is."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import mvc
from mvc.cli.app.terminal import escape
from mvc.cli.output import markdown
from mvc.cli.review.page import LIMIT, Section, page
from tests.cli.conftest import History
from tests.cli.shell import Shell
from tests.docs.pages import WRITE
from tests.weights import network, safetensors, tuned

GOLDEN = Path(__file__).parent / "data" / "review"
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = [
    "@team",
    "ana@acme.example",
    "a|b",
    "\\|a\\",
    "`x` ``y``",
    "**b** _c_ ~~d~~ *e*",
    "<img src=x onerror=alert(1)>",
    "</details><script>1</script>",
    "-->",
    "[a](https://evil.example) ![b](c)",
    "https://evil.example www.evil.example WWW.evil.example",
    "#1 !2 ~3 %4 $5 &6 GH-7 a/b#8",
    "$`x`$ $y$",
    "&amp; &#64;team &commat;team",
    "line\nbreak\r\n# heading",
    "\x1b[31m \u202eno\u2066",
    "# heading",
    "- item",
    "> quote",
    "1. one",
    "| - |",
    "[ ] task [^1] {#id} {{ x }}",
    ":tada: :+1:",
]
"""Texts that are markup, links or mentions somewhere."""
LINKED = re.compile(r"@(?!\u200b)|[#!~%$&](?=[^\s\u200b])|://|\bwww\.|\bGH-[0-9]", re.IGNORECASE)
"""What a host makes a link of."""


def compare_with_golden(name: str, found: str) -> None:
    path = GOLDEN / name
    if WRITE:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def _inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield token


def plain(inline: Token) -> str:
    """The text of a cell, if it has nothing but text."""
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}, inline.content
    return "".join(child.content for child in inline.children or ())


@pytest.fixture
def released(shell: Shell, history: History) -> Shell:
    """v1 (tag 2026.1) ─ v2 ─ v3 (alias prod), with every kind of change."""
    shell.write("args.yaml", b"lr: 0.1\n")
    shell.write("weights/best.onnx", b"six" * 50_000)
    shell.ok("add", "args.yaml", "--as", "config")
    shell.ok(
        "set",
        "labelmap.2=vest",
        "metrics.mAP50=0.49",
        "metrics.loss=0.3",
        "parameters.lr=0.1",
        "docker.image=acme/yolo",
    )
    shell.commit("Vests, for @team | #1", "--alias", "prod")
    return shell


def test_the_difference_in_markdown(released: Shell) -> None:
    compare_with_golden("diff.md", released.ok("diff", "v1", "v3", "--md").out)
    assert released.ok("diff", "v3", "v3", "--md").lines == ["## helmets v3", "", "no change"]
    assert released("diff", "v1", "v3", "--md", "--stat").code == 2


def test_the_changelog(released: Shell) -> None:
    compare_with_golden("changelog.md", released.ok("changelog", "2026.1").out)
    assert released.ok("changelog", "2026.1..HEAD").out == released.ok("changelog", "2026.1").out
    document = released.ok("--json", "changelog", "v1..v3").json
    assert [entry["number"] for entry in document["versions"]] == [3, 2]
    assert document["breaking"] is True
    assert released.ok("-q", "changelog", "v1").lines == [entry["id"] for entry in document["versions"]]
    assert released("changelog", "none..v3").code == 2
    log = mvc.open(released.folder).model("helmets").changelog("v1", "v3")
    assert (
        repr(log)
        == "<Changelog helmets v1..v3: 2 files, labelmap (breaking), parameters, metrics, docker, tracked (2 versions)>"
    )


@pytest.mark.parametrize("value", HOSTILE)
def test_any_text_stays_text(value: str) -> None:
    _check_cells([value, f"a{value}b", value * 2])


def test_random_texts_stay_text(rng: random.Random) -> None:
    pieces = [
        *"ab1 @#!~%$&*_`\\|<>[](){}:/.-+=^'\"\n",
        "www.",
        "https://",
        "GH-",
        "&lt;",
        "--",
        "```",
        "\u202e",
        "é",
        "\U0001f680",
    ]
    for _ in range(300):
        _check_cells(["x" + "".join(rng.choices(pieces, k=rng.randint(1, 12))) for _ in range(4)])


def _check_cells(values: list[str]) -> None:
    written = "\n".join(markdown.table(values, [values, values[::-1]]))
    cells = [plain(token) for token in _inline(READER.parse(written))]
    expected = [escape(value).strip() for value in [*values, *values, *values[::-1]]]
    assert [cell.replace("\u200b", "") for cell in cells] == expected
    for cell in cells:
        assert LINKED.search(cell) is None


def test_hostile_values_of_versions_stay_text(shell: Shell) -> None:
    shell.write("w.bin", b"one")
    shell.ok("add", "w.bin", "--as", "weights")
    for number, value in enumerate(HOSTILE):
        if value.isprintable():
            shell.ok("set", f'parameters."{number}"={value}'.replace("\\", "\\\\"), "--type", "str")
    first = shell.commit("First")
    shell.ok("unset", "parameters")
    shell.ok("set", "labelmap.0=<b>@team</b>")
    second = shell.commit("@team </details> `x`")
    for command in (["diff", first, second, "--md"], ["changelog", first]):
        tokens = READER.parse(shell.ok(*command).out)
        html = {line for token in tokens if token.type == "html_block" for line in token.content.splitlines()}
        assert all(
            re.fullmatch(r"<details>|</details>|<summary>[A-Z][a-z]+ \([0-9]+\)</summary>|", line) for line in html
        )
        assert all(re.search(r"@(?!\u200b)", plain(token)) is None for token in _inline(tokens))


def test_tensors_are_listed_by_module_with_their_drift(shell: Shell, rng: random.Random) -> None:
    weights = network(rng, layers=2, width=8)
    shell.write("w.safetensors", safetensors(weights))
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.commit("First")
    shell.write("w.safetensors", safetensors(tuned(weights, rng, rate=0.5) | {"new|<b>": ("U8", (2,), b"ab")}))
    shell.commit("Second")
    lines = shell.ok("--color", "always", "diff", "v1", "v2", "--md", "--tensors=deep").lines
    rows = lines[lines.index("| file | module | change |") + 2 : -2]
    assert rows[0].startswith("| w.safetensors |  | ")
    assert [row for row in rows if "L2 " in row and "largest " in row]
    assert "|  | new&#124;&lt;b&gt; | added |" in rows


def _section(title: str, rows: int, *, important: bool = False, width: int = 100) -> Section:
    return Section(
        title,
        ("key", "value"),
        tuple((f"{title}{n}", "\U0001f680" * width) for n in range(rows)),
        important=important,
        folded=not important,
    )


def test_a_long_page_keeps_what_matters_and_says_what_it_leaves_out() -> None:
    sections = [_section("Breaking", 100, important=True), _section("Values", 3_000), _section("Files", 3_000)]
    written = "\n".join(page(["top"], sections, "mvc diff a b"))
    assert LIMIT - 1_000 < len(written.encode("utf-16-le")) // 2 <= LIMIT
    rows = {
        title: len(re.findall(rf"^\| {title}[0-9]", written, re.MULTILINE)) for title in ("Breaking", "Values", "Files")
    }
    assert rows["Breaking"] == 100
    assert rows["Files"] > 5
    for title in ("Values", "Files"):
        assert f"… {3_000 - rows[title]} more rows; `mvc diff a b` lists all." in written
    assert written.count("<details>") == written.count("</details>") == 2


def test_breaking_changes_alone_may_fill_a_page() -> None:
    sections = [_section("Breaking", 3_000, important=True), _section("Files", 3)]
    written = "\n".join(page(["top"], sections, "mvc diff a b"))
    assert len(written.encode("utf-16-le")) // 2 <= LIMIT
    assert "Too long for this page: Files (3); `mvc diff a b` lists all." in written
    assert re.search(r"… [0-9]+ more rows", written)


@pytest.mark.parametrize("rows", [0, 1, 5, 60, 300])
def test_a_page_has_at_most_its_limit(rows: int) -> None:
    for limit in (800, 2_000, 5_000, 20_000):
        sections = [
            _section("Breaking", rows, important=True, width=9),
            _section("Values", rows),
            _section("Files", rows),
        ]
        written = "\n".join(page(["top"], sections, f"mvc diff {'`&' * 20}", limit))
        assert len(written.encode("utf-16-le")) // 2 <= limit
        assert written.count("<details>") == written.count("</details>")
