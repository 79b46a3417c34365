"""Writes the report of a comparison: Markdown with plots beside it, and one HTML file."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.benchmark.tables import table
from training.compare import Comparison
from training.comparison.changes import write_changes
from training.comparison.sections import Section, sections
from triage.promotion import GateReport

TEMPLATES = Path(__file__).parent.parent / "data"
TEMPLATE = "comparison.html"
MARKDOWN, HTML, CHANGES, FIGURES = "report.md", "report.html", "changes.csv", "figures.json"


@dataclass(frozen=True, slots=True)
class _Plot:
    """A plot as a page of one file holds it."""

    caption: str
    data: str


def write_report(
    comparison: Comparison,
    folder: Path,
    *,
    facts: Sequence[str] = (),
    gates: Sequence[GateReport] = (),
) -> None:
    """Write the report, its plots, the changed appeals and the figures into a folder.

    Parameters
    ----------
    facts
        Lines that say where the figures come from.
    """
    from training.comparison.plots import draw  # matplotlib takes half a second to load

    folder.mkdir(parents=True, exist_ok=True)
    drawings = list(draw(comparison))
    for drawing in drawings:
        (folder / f"{drawing.name}.svg").write_text(drawing.svg, encoding="utf-8")
    captions = {one.name: one.caption for one in drawings}
    plots = {one.name: _Plot(one.caption, b64encode(one.svg.encode()).decode()) for one in drawings}
    title = f"{comparison.challenger} against {comparison.champion}"
    found = list(sections(comparison, gates))
    markdown = _markdown(title, facts, found, captions)
    (folder / MARKDOWN).write_text(markdown, encoding="utf-8")
    (folder / HTML).write_text(_html(title, facts, found, plots), encoding="utf-8")
    write_changes(comparison.changes, folder / CHANGES)
    figures = json.dumps(_figures(comparison), ensure_ascii=False, indent=2)
    (folder / FIGURES).write_text(figures + "\n", encoding="utf-8")


def _markdown(
    title: str, facts: Sequence[str], found: Sequence[Section], captions: Mapping[str, str]
) -> str:
    parts = [f"# {title}\n", *(f"{fact}\n" for fact in facts)]
    for section in found:
        parts += [f"## {section.title}\n", f"{section.text}\n"]
        if section.rows:
            rows = [[_cell(cell) for cell in row] for row in section.rows]
            parts.append(table(section.columns, rows))
        parts += [
            f"![{captions[name]}]({name}.svg)\n\n*{captions[name]}.*\n"
            for name in section.plots
            if name in captions
        ]
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Keep what would end a cell or a row, or be taken for a tag, out of a Markdown table."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _html(
    title: str, facts: Sequence[str], found: Sequence[Section], plots: Mapping[str, _Plot]
) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    plain = [_without_marks(section) for section in found]
    lines = [fact.replace("`", "") for fact in facts]
    template = environment.get_template(TEMPLATE)
    return template.render(title=title, facts=lines, sections=plain, plots=plots)


def _without_marks(section: Section) -> Section:
    """Take Markdown's own marks out, of which the sections hold two."""
    rows = tuple(tuple(cell.replace("**", "") for cell in row) for row in section.rows)
    text = section.text.replace("`", "")
    return Section(section.title, text, section.columns, rows, section.plots)


def _figures(comparison: Comparison) -> dict[str, Any]:
    return {
        "champion": comparison.champion,
        "challenger": comparison.challenger,
        "measured": [
            {"bucket": one.bucket.label, "level": one.level, **_jsonable(asdict(one.contrast))}
            for one in comparison.measured
        ],
        "load": [asdict(one) for one in comparison.load],
    }


def _jsonable(value: Any) -> Any:
    """Turn NaN, which JSON does not know, into null, and round the rest."""
    if isinstance(value, dict):
        return {name: _jsonable(one) for name, one in value.items()}
    if isinstance(value, float):
        return None if isnan(value) else round(value, 6)
    return value
