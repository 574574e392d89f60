"""Graphs of TensorFlow as text: their nodes, the inner messages first.

node { name: "r" op: "ReadFile" input: "c"
       attr { key: "value" value { tensor { string_val: "/etc/passwd" } } } }
"""

from __future__ import annotations

from collections.abc import Callable

from mvc.formats.syntax import protobuf_text
from mvc.formats.syntax.protobuf_text import Fields
from mvc.scan.formats.tensorflow.nodes import Node, Paths, Written
from mvc.scan.scan import Scan

_GRAPH, _FUNCTION, _META = "graph_def", "function", "meta_graphs"
_TEXTS = ("s", "string_val", "tensor_content")


def examine(
    text: str, scan: Scan, report: Callable[[str, Scan], None], report_asset: Callable[[str, Scan], None]
) -> None:
    """Report the operations and paths of a graph as text. Raises ValueError where the parser of protocol buffers stops."""
    pending = _Pending()
    graphs: list[dict[str, Node]] = []
    for message, fields in protobuf_text.messages(text):
        for name in fields.get("op", ()):
            report(name, scan)
        pending.add(message, fields)
        if message == "asset_file_def":
            for path in fields.get("filename", ()):
                report_asset(path, scan)
        elif message == _FUNCTION:
            Paths(pending.taken(), (), scan).examine()
        elif message == _GRAPH:
            graphs.append(pending.taken())
        if message in (_META, ""):
            assets = pending.assets if message == _META else ()  # only a loader of a SavedModel replaces constants
            for graph in (*graphs, pending.taken()):
                Paths(graph, assets, scan).examine()
            graphs, pending.assets = [], []


class _Pending:
    """Parts of messages that have not ended."""

    def __init__(self) -> None:
        self.assets: list[str] = []
        self._nodes: dict[str, Node] = {}
        self._texts: list[str] = []
        self._entries: list[tuple[str, list[str]]] = []
        self._tensor = ""

    def add(self, message: str, fields: Fields) -> None:
        """Add a message to what encloses it."""
        self._texts += [text for name in _TEXTS for text in fields.get(name, ())]
        if message == "tensor_info":
            self._tensor = next(iter(fields.get("name", ())), "").partition(":")[0]
        elif message == "asset_file_def":
            self.assets.append(self._tensor)
        if "key" in fields:
            self._entries += [(key, self._texts) for key in fields["key"]]
            self._texts = []
        if "op" in fields:
            name = fields.get("name", [""])[-1]
            self._nodes[name] = Node(name, fields["op"][-1], fields.get("input", []), Written(self._entries))
            self._entries, self._texts = [], []

    def taken(self) -> dict[str, Node]:
        """Return the nodes so far, and keep none of them."""
        taken, self._nodes = self._nodes, {}
        return taken
