"""Licenses: names, spellings and expressions mean what SPDX and model hubs mean by them; texts are recognised."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.model.licenses import names, spdx, texts
from mvc.model.licenses.claim import Claim, contradictions
from mvc.model.licenses.expression import License, parse


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("mit", "MIT"),
        ("MIT License", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("AGPL-3.0 License (https://ultralytics.com/license)", "AGPL-3.0"),
        ("AGPL-3.0 (https://ultralytics.com/license)", "AGPL-3.0"),
        ("https://www.gnu.org/licenses/agpl-3.0.html", "AGPL-3.0"),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "CC-BY-NC-4.0"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("llama3.1", "LicenseRef-Llama-3.1-Community"),
        ("openrail++", "LicenseRef-OpenRAIL-plus-plus-M"),
        ("LicenseRef-Acme", "LicenseRef-Acme"),
        ("apache-2.0 or mit", "Apache-2.0 OR MIT"),
        ("MIT AND (BSD-3-Clause OR GPL-2.0+)", "MIT AND (BSD-3-Clause OR GPL-2.0+)"),
        ("gpl-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("for internal use at Acme only", ""),
        ("MIT OR", ""),
        ("(MIT OR Apache-2.0", ""),
        ("MIT OR Acme", ""),
        ("MIT WITH Acme-exception", ""),
        ("other", ""),
        ("", ""),
    ],
)
def test_a_text_names_a_license_or_none(text: str, expression: str) -> None:
    assert parse(text).expression == expression


@given(st.text(st.sampled_from("()+- \n" + string.ascii_letters), max_size=200) | st.text(max_size=50))
def test_any_text_is_parsed_and_an_expression_is_its_own_form(text: str) -> None:
    expression = parse(text).expression
    assert parse(expression).expression == expression


def test_a_long_expression_is_no_license_and_takes_no_time() -> None:
    assert not parse(" AND ".join(["(MIT OR ISC)"] * 60)).is_known
    assert not parse("(" * 2_000 + "MIT").is_known
    assert not parse("MIT OR " * 100_000 + "MIT").is_known


@pytest.mark.parametrize(
    ("declared", "claimed", "contradicts"),
    [
        ("MIT", "AGPL-3.0", True),
        ("Proprietary", "AGPL-3.0 (https://ultralytics.com/license)", True),
        ("our own terms", "AGPL-3.0", True),
        ("MIT", "MIT AND AGPL-3.0", True),
        ("agpl-3.0", "AGPL-3.0-or-later", False),
        ("AGPL-3.0-only", "AGPL-3.0", False),
        ("Apache-2.0 AND AGPL-3.0", "AGPL-3.0", False),
        ("MIT", "MIT OR Apache-2.0", False),
        ("MIT", "the terms of Acme", False),
        (None, "AGPL-3.0", False),
        ("", "AGPL-3.0", False),
    ],
)
def test_a_known_license_that_the_model_does_not_name_contradicts(
    declared: str | None, claimed: str, contradicts: bool
) -> None:
    claim = Claim("best.pt", "license", parse(claimed))
    assert contradictions(declared, [claim]) == ((claim,) if contradicts else ())


@pytest.mark.parametrize(
    ("text", "license_"),
    [
        ("GNU AFFERO GENERAL PUBLIC LICENSE\n  Version 3, 19 November 2007\n\n … General Public License …", "AGPL-3.0"),
        ("   Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"),
        ("Creative Commons Attribution-NonCommercial 4.0 International Public License", "CC-BY-NC-4.0"),
        ("Copyright Ana\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this software and … The above copyright notice and this permission notice shall", "MIT"),
        ("CreativeML Open RAIL-M\ndated August 22, 2022", "LicenseRef-CreativeML-OpenRAIL-M"),
        ("Permission is hereby granted, free of charge, to any person obtaining a copy of this software.", "MIT-0"),
        ("Ask Ana. " * 200 + "See the Apache License, Version 2.0.", None),
        ("", None),
    ],
)  # fmt: skip
def test_texts_of_licenses_are_recognised(text: str, license_: str | None) -> None:
    assert texts.recognise(text) == license_


def test_bsd_licenses_differ_by_their_third_clause() -> None:
    two = "Redistribution and use in source and binary forms, with or without modification, are permitted provided that: 1. …"
    assert texts.recognise(two) == "BSD-2-Clause"
    assert texts.recognise(f"{two} 3. Neither the name of Acme nor …") == "BSD-3-Clause"
    assert (
        texts.recognise(
            f"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee … {two}"
        )
        == "0BSD"
    )


def test_every_name_in_the_tables_is_an_identifier_with_its_own_form() -> None:
    known = {*names._SPELLINGS.values(), *(name for _, name in (*texts._TITLES, *texts._SENTENCES))}
    for name in known:
        assert names.identifier(name) == name
    for key in (*names._HUB_KEYS, *names._REFERENCES):
        identifier = names.identifier(key)
        assert identifier is not None
        assert names.hub_key(identifier) == key
    assert names.hub_key("AGPL-3.0-or-later") == "agpl-3.0"
    assert names.hub_key("LicenseRef-Acme") is None
    assert all(key == name.lower() for key, name in (*spdx.LICENSES.items(), *spdx.EXCEPTIONS.items()))
    assert License("x").shown == "x"
