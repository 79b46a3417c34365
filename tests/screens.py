"""Writes a picture of each page: `python tests/screens.py docs/screens` (or `make screens`).

The model is fitted on one corpus of the starter data, and the pages show appeals of the other.
"""

from __future__ import annotations

import os
import sys
import tempfile
from io import BytesIO
from itertools import product
from pathlib import Path

import typer
from browser import DESKTOP, PHONE, Person, find_chromium, open_browser, seat, sign_in
from filled_service import Service, register_two, serving
from lived_month import live_through
from model_fixture import fit_corpus
from PIL import Image

from models import folder
from triage.config import STARTER_DATA
from triage.roles import Role

READER = "Сәуле"
PAGES = {
    "signin": "/pages/signin",
    "queue": "/pages/queue",
    "decision": "/pages/decisions/{decision_id}",
    "overview": "/pages/overview",
    "audit": "/pages/audit",
    "models": "/pages/models",
    "ledger": "/pages/ledger",
    "people": "/pages/people",
}
# Else a phone would be told of keys that it does not have.
NO_HOVER = "--blink-settings=primaryHoverType=1,availableHoverTypes=1"
VIEWS = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
}
LANGUAGES = ("ru", "kk")
MAX_HEIGHT = 1400
COLOURS = 64
MAX_BYTES = 2_500_000
"""Of all pictures: they lie in the repository."""


def main(out: Path) -> None:
    """Serve a month of starter data and take the pictures."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no browser: apt-get install chromium")
    out.mkdir(parents=True, exist_ok=True)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        folder.save(fit_corpus(STARTER_DATA / "appeals.jsonl"), home / "fitted")
        register_two(home / "fitted", home)
        live_through(home)
        with serving(home) as service:
            n_bytes = _write_all(chromium, service, out)
    typer.echo(f"{n_bytes / 1e6:.2f} MB in {out}")
    if n_bytes > MAX_BYTES:
        sys.exit("too large for the repository: lower MAX_HEIGHT or COLOURS")


def _write_all(chromium: str, service: Service, out: Path) -> int:
    """Write every picture, and return how many bytes they have."""
    service.add_person(READER, Role.ADMIN)
    decision_id = service.waiting(1)[0]["decision_id"]
    n_bytes = 0
    for view, options in VIEWS.items():
        hover = [NO_HOVER] if view == "phone" else []
        with open_browser(chromium, *hover) as browser:
            for language, (name, path) in product(LANGUAGES, PAGES.items()):
                person = seat(browser, service.address, language, **options)
                if name != "signin":
                    sign_in(person, service.new_link(READER), READER)
                picture = _take(person, path.format(decision_id=decision_id))
                person.page.context.close()
                n_bytes += (out / f"{name}-{language}-{view}.png").write_bytes(picture)
    return n_bytes


def _take(person: Person, path: str) -> bytes:
    """Return the upper part of a page as PNG in few colours."""
    person.open(path)
    person.wait_for_parts()
    person.page.evaluate("scrollTo(0, 0)")
    whole = Image.open(BytesIO(person.page.screenshot(full_page=True))).convert("RGB")
    upper = whole.crop((0, 0, whole.width, min(whole.height, MAX_HEIGHT)))
    written = BytesIO()
    upper.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
