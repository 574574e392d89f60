"""`mvc ui --export`: the folder, what a second export changes in it, and what it refuses."""

from __future__ import annotations

from pathlib import Path

from tests.cli.shell import Shell
from tests.site.documents import documents, files, of_schema, read


def _export(shell: Shell, *more: str) -> Path:
    shell.ok("ui", "--export", "../out", *more)
    return shell.folder.parent / "out"


def test_the_overview_names_the_files_of_the_models(shell: Shell) -> None:
    found = read(_export(shell))
    [overview] = of_schema(found, "site")
    [model] = overview["models"]
    index = found[model["file"]]
    ids = index["versions"]["id"]
    assert overview["title"] == "detectors"
    assert (model["key"], model["versions"], model["branches"], model["number"]) == ("helmets", 3, 2, 2)
    assert model["aliases"] == [{"name": "prod", "id": ids[0], "number": 2}]
    assert index["versions"]["number"] == [2, 2, 1]
    assert index["versions"]["parents"] == [[2], [2], []]
    assert index["versions"]["branch"] == ["main", "side", "main"]
    assert index["versions"]["breaking"] == [True, False, False]
    assert index["versions"]["subject"] == ["Night images", "Side work", "First baseline"]
    assert index["metrics"] == {"mAP50": [0.5, 0.61, 0.5]}
    assert index["refs"]["tags"] == [{"name": "2026.1", "row": 2}]
    assert [move["reason"] for move in index["aliases"]["prod"]] == ["passed the night test", ""]
    assert found[index["versions"]["state"][0]]["notes"][0]["text"] == "bad in rain"


def test_a_version_has_a_document_of_its_own(shell: Shell) -> None:
    found = read(_export(shell))
    [overview] = of_schema(found, "site")
    newest = found[overview["models"][0]["file"]]["versions"]["id"][0]
    version = found[f"{overview['folders']['versions']}/{newest}"]
    assert version["message"] == "Night images\n\nswapped classes"
    assert version["labelmap"] == [{"id": 0, "name": "head"}, {"id": 1, "name": "helmet"}]
    assert version["values"] == {"metrics": {"mAP50": 0.5}, "parameters": {"epochs": 3}}
    [file] = version["files"]
    assert (file["role"], file["format"], file["tensors"], file["dtypes"]) == (
        "model-latest",
        "safetensors",
        2,
        ["F32"],
    )
    assert {"deployment/serving", "storage"} <= {each["use"] for each in version["readiness"]}


def test_the_tensors_of_a_version_are_compared_with_those_of_its_parent(shell: Shell) -> None:
    found = read(_export(shell))
    [overview] = of_schema(found, "site")
    [[old, new]] = found[overview["models"][0]["file"]]["compared"]
    [file] = found[f"{overview['folders']['compare']}/{old}-{new}"]["files"]
    assert [(each["name"], each["change"]) for each in file["tensors"]] == [
        ("conv.weight", "changed"),
        ("conv.bias", "same"),
    ]


def test_a_second_export_gives_the_same_bytes(shell: Shell) -> None:
    first = files(_export(shell))
    said = shell.ok("ui", "--export", "../out", "--json")
    assert said.json["files"] == 0
    assert files(_export(shell)) == first
    shell.ok("ui", "--export", "../other")
    assert files(shell.folder.parent / "other") == first


def test_one_more_version_adds_its_files_and_removes_the_old_indexes(shell: Shell) -> None:
    before = files(_export(shell))
    shell.set(metrics__mAP50=0.7)
    shell.commit("More images")
    after = files(_export(shell))
    shell.ok("ui", "--export", "../fresh")
    assert after == files(shell.folder.parent / "fresh")
    kept = {name for name in before if "/versions-" in name}
    assert kept < after.keys()


def test_a_folder_of_others_is_refused_and_left_alone(shell: Shell) -> None:
    shell.write("../out/index.html", b"<p>my page")
    said = shell("ui", "--export", "../out")
    assert (said.code, "not a page" in said.err) == (16, True)
    assert files(shell.folder.parent / "out") == {"index.html": b"<p>my page"}


def test_the_page_of_another_repository_is_replaced_on_request_only(shell: Shell, example: Shell) -> None:
    example.ok("ui", "--export", "../out", "--model", "shapes-base")
    before = files(example.folder.parent / "out")
    for other, arguments in ((shell, ()), (example, ("--model", "helmet-classifier"))):
        said = other("ui", "--export", "../out", *arguments)
        assert (said.code, "shapes-base of example" in said.err) == (16, True)
        assert files(shell.folder.parent / "out") == before
    example.ok("ui", "--export", "../out")  # more models
    example.ok("ui", "--export", "../out", "--model", "shapes-base")
    assert files(shell.folder.parent / "out") == before
    assert len(files(_export(shell, "--force"))) < len(before) + 3
    assert files(shell.folder.parent / "out") == files(_export_to(shell, "../fresh"))
    assert shell("ui", "--single", "../page.html", "--force").code == 2


def _export_to(shell: Shell, place: str) -> Path:
    shell.ok("ui", "--export", place)
    return shell.folder / place


def test_one_file_contains_every_document(shell: Shell) -> None:
    shell.ok("ui", "--single", "../page.html")
    page = (shell.folder.parent / "page.html").read_text(encoding="utf-8")
    data = page.rpartition("<script>")[2].partition("</script>")[0]
    assert documents(data).keys() == read(_export(shell)).keys()


def test_mail_addresses_are_left_out_on_request(shell: Shell) -> None:
    plain = b"".join(files(_export(shell)).values())
    redacted = b"".join(files(_export(shell, "--redact", "emails")).values())
    assert b"ana@example.org" in plain
    assert b"example.org" not in redacted


def test_a_wrong_path_is_a_wrong_request(shell: Shell) -> None:
    shell.write("../page/index.html", b"mine")
    before = files(shell.folder.parent / "page")
    for option, path in (
        ("--single", "../absent/x.html"),
        ("--single", "../page"),
        ("--export", "../page/index.html"),
        ("--export", "../page/index.html/below"),
    ):
        said = shell("ui", option, path)
        assert (said.code, f"{option} expects" in said.err) == (2, True)
    assert files(shell.folder.parent / "page") == before
    assert not (shell.folder.parent / "absent").exists()


def test_options_that_name_no_page_are_refused(shell: Shell) -> None:
    assert shell("ui", "--export", "../out", "--single", "../page.html").code == 2
    assert shell("ui", "--export", "../out", "--base-url", "javascript:alert(1)").code == 2
    assert shell("ui", "--export", "../out", "--compare", "v1").code == 2
    assert not (shell.folder.parent / "out").exists()
