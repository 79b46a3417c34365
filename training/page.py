"""A report's page: Markdown with its plots beside it, and the same in one HTML file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.benchmark.tables import table

TEMPLATES = Path(__file__).parent / "data"
TEMPLATE = "page.html"
MARKDOWN, HTML = "report.md", "report.html"


@dataclass(frozen=True)
class Section:
    """A heading, what there is to say, a table, and the names of the plots below it."""

    title: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    plots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """A plot as SVG, under the name of its file, and what it shows."""

    name: str
    caption: str
    svg: str


def write_page(
    folder: Path,
    title: str,
    facts: Sequence[str],
    sections: Sequence[Section],
    drawings: Sequence[Drawing],
) -> None:
    """Write a page in both forms, and its plots, into a folder.

    Parameters
    ----------
    facts
        Lines that say where the figures come from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {one.name: one for one in drawings}
    for one in drawings:
        (folder / f"{one.name}.svg").write_text(one.svg, encoding="utf-8")
    markdown = _markdown(title, facts, sections, drawn)
    (folder / MARKDOWN).write_text(markdown, encoding="utf-8")
    (folder / HTML).write_text(_html(title, facts, sections, drawn), encoding="utf-8")


def _markdown(
    title: str,
    facts: Sequence[str],
    sections: Sequence[Section],
    drawn: Mapping[str, Drawing],
) -> str:
    parts = [f"# {title}\n", *(f"{fact}\n" for fact in facts)]
    for section in sections:
        parts += [f"## {section.title}\n", f"{section.text}\n"]
        if section.rows:
            rows = [[_cell(cell) for cell in row] for row in section.rows]
            parts.append(table(section.columns, rows))
        shown = [drawn[name] for name in section.plots if name in drawn]
        parts += [f"![{one.caption}]({one.name}.svg)\n\n*{one.caption}.*\n" for one in shown]
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Keep what would end a cell or a row, or be taken for a tag, out of a Markdown table."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _html(
    title: str,
    facts: Sequence[str],
    sections: Sequence[Section],
    drawn: Mapping[str, Drawing],
) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    plots = {
        one.name: {"caption": one.caption, "data": b64encode(one.svg.encode()).decode()}
        for one in drawn.values()
    }
    return environment.get_template(TEMPLATE).render(
        title=title,
        facts=[_plain(fact) for fact in facts],
        sections=[_without_marks(section) for section in sections],
        plots=plots,
    )


def _without_marks(section: Section) -> Section:
    rows = tuple(tuple(map(_plain, row)) for row in section.rows)
    return replace(section, text=_plain(section.text), rows=rows)


def _plain(text: str) -> str:
    """Take Markdown's own marks out, of which the sections hold two."""
    return text.replace("`", "").replace("**", "")
