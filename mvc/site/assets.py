"""The front-end: index.html, scripts and styles of the folder `page`, as an export has them.

page/index.html   <link rel="stylesheet" href="style.css">     one style and one script, each named by its content
                  <script src="dom.js"></script>               scripts are joined in this order
                  <script src="app.js"></script>
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import NamedTuple

from mvc.model.ids import digest
from mvc.site.documents.script import HASH

GENERATOR = "mvc ui"
_FOLDER = Path(__file__).parent / "page"
_STYLE = re.compile(r'<link rel="stylesheet" href="([a-z_-]+\.css)">\n?')
_SCRIPT = re.compile(r'<script src="([a-z_-]+\.js)"></script>\n?')
_LEFT_OUT = re.compile(rb"^(?: *//| */\*\*| +\*).*\n|^ +", re.MULTILINE)
_JOINS = re.compile(rb"(?<=[\[({,;=>&|}\n])\n+|\n+(?=[\])}.?:&|])")
_OPERATORS = re.compile(rb"[ \n](=>|[=!]==|[<>]=|&&|\|\||\?\?|[=?:*<>])[ \n]")
"""Operators whose spaces are left out: no text of the front-end has one between spaces."""
_TITLE = re.compile(r"<title>[^<]*</title>")
_POLICY = "default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; base-uri 'none'; form-action 'none'"
POLICY = _POLICY.format(scripts="'self'", styles="'self'")
"""The content security policy of a page that loads its parts from files."""


class Assets(NamedTuple):
    """The front-end: the template of index.html, and the joined styles and scripts."""

    template: str
    style: bytes
    app: bytes

    @property
    def style_name(self) -> str:
        """The name of the file of styles."""
        return f"style-{digest(self.style)[:HASH]}.css"

    @property
    def app_name(self) -> str:
        """The name of the file of scripts."""
        return f"app-{digest(self.app)[:HASH]}.js"

    def linked(self, title: str, listing: str, scripts: list[str]) -> bytes:
        """Return index.html that loads its parts from files: styles, the front-end, then `scripts`."""
        style = f'<link rel="stylesheet" href="{self.style_name}">'
        tags = [f'<script src="{html.escape(name)}"></script>' for name in (self.app_name, *scripts)]
        return self._page(title, POLICY, [f'<meta name="mvc-files" content="{listing}">', style, *tags])

    def inline(self, title: str, scripts: list[bytes]) -> bytes:
        """Return index.html that contains its parts, for one file: styles, the front-end, then `scripts`."""
        data = b"".join(scripts).decode()
        app, style = self.app.decode(), self.style.decode()
        policy = _POLICY.format(scripts=f"{_source(app)} {_source(data)}", styles=_source(style))
        return self._page(
            title, policy, [f"<style>{style}</style>", *(f"<script>{each}</script>" for each in (app, data))]
        )

    def _page(self, title: str, policy: str, head: list[str]) -> bytes:
        first = [
            f'<meta name="generator" content="{GENERATOR}">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        ]
        lines = "\n".join([*first, f"<title>{html.escape(title)}</title>", *head])
        return _TITLE.sub(lambda _: lines, self.template, count=1).encode()


def load() -> Assets:
    """Read the front-end."""
    template = (_FOLDER / "index.html").read_text(encoding="utf-8")
    style, app = (_joined(pattern.findall(template)) for pattern in (_STYLE, _SCRIPT))
    return Assets(_SCRIPT.sub("", _STYLE.sub("", template)), style, app)


def _joined(names: list[str]) -> bytes:
    """Return the files as browsers get them: without comments, indentation, most ends of lines, and spaces of operators."""
    lines = _LEFT_OUT.sub(b"", b"".join((_FOLDER / name).read_bytes() for name in names))
    return _JOINS.sub(b"", _OPERATORS.sub(rb"\1", lines))


def _source(text: str) -> str:
    """Return what allows an inline script or style by its content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
