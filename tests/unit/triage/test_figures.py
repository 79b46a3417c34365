from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from triage.errors import InvalidPeriodError
from triage.figures import Count, Counts, DayCount, Intake, Period, to_csv

JAN, FEB = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_period_before_is_as_long_and_ends_where_it_begins() -> None:
    period = Period(JAN, FEB)
    assert period.before.until == JAN
    assert period.before.until - period.before.since == FEB - JAN


@pytest.mark.parametrize("until", [JAN, datetime(2025, 1, 1, tzinfo=UTC)])
def test_period_without_length_is_refused(until: datetime) -> None:
    with pytest.raises(InvalidPeriodError):
        Period(JAN, until)


def test_period_filters_are_a_query_string() -> None:
    assert Period(JAN, FEB).filters(category="snow") == {
        "since": "2026-01-01T00:00:00+00:00",
        "until": "2026-02-01T00:00:00+00:00",
        "category": "snow",
    }


def test_csv_has_a_header_and_no_filters() -> None:
    figure = Intake((DayCount(date(2026, 1, 5), None, 7, {"since": "x"}),))
    assert read(to_csv(figure)) == [{"day": "2026-01-05", "channel": "", "n_appeals": "7"}]


@pytest.mark.parametrize(
    "code", ["=1+1", "+7701", "-2", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("x")']
)
def test_csv_cell_like_a_formula_becomes_text(code: str) -> None:
    [row] = read(to_csv(Counts((Count(code, -1, None),))))
    assert row["code"] == "'" + code
    assert row["n_appeals"] == "-1"


def test_csv_separators_and_quotes_stay_in_their_cell() -> None:
    code = 'көше, "Сарыарқа"\nекінші жол; 1'
    [row] = read(to_csv(Counts((Count(code, 1, None),))))
    assert row["code"] == code


def test_csv_without_rows_is_empty() -> None:
    assert to_csv(Counts(())) == ""
