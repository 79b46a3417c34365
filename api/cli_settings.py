"""`triage settings`: every variable, as a list or as the table of docs/operations.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from triage.config import PREFIX, STARTER_DATA, Settings

BEGIN, END = "<!-- settings -->", "<!-- /settings -->"
"""What stands around the table in a document."""


def settings(
    markdown: Annotated[bool, typer.Option(help="As a Markdown table")] = False,
    update: Annotated[
        Path | None, typer.Option(help="Document whose table is brought up to date")
    ] = None,
) -> None:
    """List every TRIAGE_* variable with its default."""
    if update is not None:
        update.write_text(updated(update.read_text("utf-8")), "utf-8")
    elif markdown:
        typer.echo(markdown_table())
    else:
        for name, field in Settings.model_fields.items():
            typer.echo(f"{PREFIX}{name.upper():20} {field.description} [{_default(field.default)}]")


def markdown_table() -> str:
    """Return the table of all variables."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_code(_default(field.default))} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what it sets |", "|---|---|---|", *rows])


def updated(document: str) -> str:
    """Return a document with the table as it is now."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown_table()}\n{END}{after}"


def _default(value: Any) -> str:
    if value == STARTER_DATA:
        return "the package's own"
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _code(default: str) -> str:
    return f"`{default}`" if default else "empty"
