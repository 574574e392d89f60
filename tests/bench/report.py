"""What the benchmark prints and keeps: figures, tables, and whether each goal was met."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.measure import Times


@dataclass
class Report:
    """What was printed: `figures` by their names, and which goals were missed."""

    figures: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    _section: str = ""
    _act: str = ""

    def title(self, text: str) -> None:
        """Begin a section."""
        self._section, self._act = text, ""
        print(f"\n{text}", flush=True)

    def act(self, text: str) -> None:
        """Begin a part of a section, about one act of every contestant."""
        self._act = text
        self.say(text)

    def say(self, text: str) -> None:
        """A remark."""
        print(f"  {text}", flush=True)

    def line(self, name: str, times: Times, note: str = "") -> None:
        """One contestant's figures."""
        self._keep(f"{name.strip()}, s", times.median)
        print(f"  {name:34} {times!s:34} {note}".rstrip(), flush=True)

    def table(self, caption: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
        """Figures of every contestant, one a column."""
        widths = [max(8, len(column)) for column in columns]
        print(f"  {caption:26}" + "".join(f"  {c:>{w}}" for c, w in zip(columns, widths, strict=True)))
        for name, cells in rows.items():
            for column, cell in zip(columns, cells, strict=True):
                with contextlib.suppress(ValueError):  # no figure was measured there
                    self._keep(f"{caption}, {name}, {column}", float(cell.replace(",", "")))
            print(f"    {name:24}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True)), flush=True)

    def ratio(self, name: str, found: float, processor: float) -> None:
        """Print what a figure is of an earlier one, on the clock and in processor time."""
        self._keep(f"{name.strip()}, x", found)
        self._keep(f"{name.strip()} of processor time, x", processor)
        print(f"  {name:34} {found:7.2f} x  (processor {processor:.2f} x)", flush=True)

    def goal(self, name: str, found: float, most: float, unit: str) -> None:
        """Hold a figure against its goal."""
        held = found <= most
        self._keep(f"{name}, {unit}", found)
        verdict = "PASS" if held else "FAIL"
        print(f"  {verdict}  {name}: {_short(found)} {unit}, goal {_short(most)} {unit}", flush=True)
        if not held:
            self.failed.append(name)

    def _keep(self, name: str, figure: float) -> None:
        self.figures[": ".join(filter(None, (self._section, self._act, name)))] = round(figure, 6)


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
