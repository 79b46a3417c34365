"""Takes a snapshot: one label an appeal, without personal data, with a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from models.folder import file_sha256
from models.prediction import LEVELS
from training.data import Examples, read_examples
from training.errors import InvalidTrainingDataError
from training.provenance import code_version
from training.snapshots import files
from training.snapshots.mapping import LabelMap
from training.snapshots.resolving import WEIGHTS
from training.snapshots.rows import Rows, unmapped_rows
from training.splits import near_duplicate_groups
from triage.citydata import City
from triage.progress import Reporter, Silent
from triage.store import labels
from triage.store.sessions import Sessions


@dataclass(frozen=True)
class Period:
    """Labels from `since` on and before `until`, both aware of their zone."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise InvalidTrainingDataError(
                f"--since {self.since.isoformat()} is not before --until {self.until.isoformat()}"
            )

    @property
    def last_day(self) -> date:
        """The last day that is in the period, by the clock of `until`."""
        return (self.until - timedelta.resolution).date()


@dataclass(frozen=True)
class Snapshot:
    """A written snapshot: its file, and all that the manifest says."""

    path: Path
    manifest: dict[str, Any]


def take_snapshot(
    sessions: Sessions,
    city_code: str,
    city: City,
    period: Period,
    out: Path,
    *,
    history: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    progress: Reporter | None = None,
) -> Snapshot:
    """Write what people said in a period, and what files hold, as one file to fit on.

    The same store, files and period give the same bytes. An appeal's label is the audit's, else
    the last review's; labels are those of the taxonomy as it held on the last day. Dates narrow
    the store only: files are taken whole.

    Parameters
    ----------
    out
        Must not exist yet; the manifest and lists of what could not be taken are put beside it.
    mapping
        From our columns to the files'.

    Raises
    ------
    InvalidTrainingDataError, InvalidRecordsError
        The file exists, a file of history can't be read, or there is not a single label.
    """
    progress = progress or Silent()
    files.check_new(out)
    examples = read_examples(history, mapping=mapping) if history else None
    rows = Rows(LabelMap(city.taxonomy, city.enterprises, period.last_day))
    with sessions.read.begin() as session:
        found = labels.labelled_between(
            session, city=city_code, since=period.since, until=period.until
        )
        rows.add_store(progress.track("reading the store", found))
    if examples:
        rows.add_history(examples)
    if not rows.rows:
        raise InvalidTrainingDataError(
            f"nothing was reviewed or checked from {period.since.isoformat()} to"
            f" {period.until.isoformat()}, and there is no history"
        )
    _group(rows, progress)
    return _write(out, rows, _facts(city_code, city, period, history, examples))


def _group(rows: Rows, progress: Reporter) -> None:
    texts = [row["text"] for row in rows.rows]
    groups = near_duplicate_groups(progress.track("comparing texts", texts, len(texts)))
    for row, group in zip(rows.rows, groups, strict=True):
        row["group"] = str(group)


def _facts(
    city_code: str,
    city: City,
    period: Period,
    history: Sequence[str],
    examples: Examples | None,
) -> dict[str, Any]:
    return {
        "city": city_code,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "code_version": code_version(),
        "taxonomy_version": city.taxonomy.version,
        "enterprises_version": city.enterprises.version,
        "history": {Path(path).name: file_sha256(Path(path)) for path in history},
        "history_warnings": list(examples.warnings) if examples else [],
        "weights": {source.value: weight for source, weight in WEIGHTS.items()},
    }


def _write(out: Path, rows: Rows, facts: Mapping[str, Any]) -> Snapshot:
    unmapped, left_out = files.beside(out, files.UNMAPPED), files.beside(out, files.LEFT_OUT)
    sha256 = files.write_rows(out, rows.rows)
    has_unmapped = files.write_csv(unmapped, unmapped_rows(rows))
    has_left_out = files.write_csv(left_out, map(asdict, rows.left_out))
    manifest = {
        **facts,
        "sha256": sha256,
        "rows": len(rows.rows),
        "rows_by_source": _counts(rows, "label_source"),
        "rows_by_language": _counts(rows, "language"),
        "labels": {level: sum(row[level] is not None for row in rows.rows) for level in LEVELS},
        "groups": len({row["group"] for row in rows.rows}),
        "left_out": dict(sorted(Counter(one.reason for one in rows.left_out).items())),
        "left_out_file": left_out.name if has_left_out else None,
        "unmapped": dict(sorted(Counter(one.reason for _, one in rows.unmapped).items())),
        "unmapped_file": unmapped.name if has_unmapped else None,
    }
    files.write_manifest(files.beside(out, files.MANIFEST), manifest)
    return Snapshot(out, manifest)


def _counts(rows: Rows, column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] for row in rows.rows).items()))
