"""The four tables of a city: districts, streets, taxonomy, enterprises."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from triage.appeal import Bilingual
from triage.boundaries import Boundary
from triage.citydata.files import Columns, csv_rows
from triage.citydata.problems import Report, Row, TooManyProblemsError, UnusableFileError, shown
from triage.districts import District, Districts, Street, district_key
from triage.enterprises import ENTERPRISE_TYPES, Enterprise, EnterpriseRegistry
from triage.taxonomy import Category, Taxonomy, Topic

DISTRICTS, STREETS = "districts.csv", "streets.csv"
TAXONOMY, ENTERPRISES = "taxonomy.csv", "enterprises.csv"
_COLUMNS = {
    DISTRICTS: Columns(("district", "name_ru", "name_kk"), optional=("boundary",)),
    STREETS: Columns(("street_ru", "street_kk", "district"), optional=("aliases",)),
    TAXONOMY: Columns(
        required=(
            *("topic", "category", "category_ru", "category_kk"),
            *("topic_ru", "topic_kk", "usual_enterprise", "sla_hours"),
        ),
        optional=("replaced_by", "valid_to"),
        flags=("deprecated",),
    ),
    ENTERPRISES: Columns(
        required=(
            *("enterprise_id", "type", "name_ru", "name_kk"),
            *("district", "number", "aliases"),
        ),
        flags=("active",),
    ),
}
TABLES = tuple(_COLUMNS)
T = TypeVar("T")
_SLA_HOURS = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class City:
    """What a city's tables say."""

    taxonomy: Taxonomy
    enterprises: EnterpriseRegistry
    districts: Districts
    streets: tuple[Street, ...]


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes that other files may name; None where a table could not be read whole."""

    districts: Collection[str] | None
    topics: Collection[str] | None
    enterprises: Collection[str] | None


@dataclass(frozen=True, slots=True)
class _Table:
    rows: tuple[Row, ...]
    whole: bool

    def codes(self, column: str) -> Collection[str] | None:
        # With a row or more missing, every mention of its code would be reported as well.
        known = {row.get(column) for row in self.rows} - {""}
        return known if known and self.whole else None


def siblings(folder: Path) -> tuple[Path, Path]:
    """Return where an install puts the coming files and the former ones."""
    return Path(f"{folder}.incoming"), Path(f"{folder}.previous")


def settled(folder: Path) -> Path:
    """Return where the files lie: an install cut off between its renames left them aside."""
    incoming, previous = siblings(folder)
    cut_off = not folder.exists() and incoming.is_dir() and previous.is_dir()
    return previous if cut_off else folder


def load_city(folder: Path) -> City:
    """Read a city's tables; its appeals are not read.

    Raises
    ------
    InvalidCityFileError
        With every problem of the tables.
    """
    return _whole(lambda report: read_tables(settled(folder.resolve()), report)[0])


def load_taxonomy(path: Path) -> Taxonomy:
    """Read one taxonomy file, whatever its name.

    Raises
    ------
    InvalidCityFileError
        With every problem of the file.
    """

    def read(report: Report) -> Taxonomy:
        table = _read_table(path, report, TAXONOMY)
        return _taxonomy(table, Codes(None, table.codes("topic"), None))

    return _whole(read)


def load_enterprises(path: Path) -> EnterpriseRegistry:
    """Read one enterprise registry file, whatever its name; districts are taken as they are.

    Raises
    ------
    InvalidCityFileError
        With every problem of the file.
    """
    nothing_known = Codes(None, None, None)
    return _whole(
        lambda report: _enterprises(_read_table(path, report, ENTERPRISES), nothing_known)
    )


def read_tables(folder: Path, report: Report) -> tuple[City, Codes]:
    """Read and check the four tables; the city is of use only if nothing was reported."""
    districts, streets, taxonomy, enterprises = (
        _read_table(folder / name, report, name) for name in TABLES
    )
    codes = Codes(
        districts.codes("district"), taxonomy.codes("topic"), enterprises.codes("enterprise_id")
    )
    city = City(
        districts=_districts(districts),
        streets=_streets(streets, codes),
        taxonomy=_taxonomy(taxonomy, codes),
        enterprises=_enterprises(enterprises, codes),
    )
    return city, codes


def _whole(read: Callable[[Report], T]) -> T:
    """Return what is read if nothing was reported, else raise with all that was."""
    report = Report()
    with suppress(TooManyProblemsError):
        found = read(report)
        if not report.problems:
            return found
    raise report.error()


def _read_table(path: Path, report: Report, table: str) -> _Table:
    before = len(report.problems)
    rows: list[Row] = []
    with suppress(UnusableFileError):
        for row in csv_rows(path, _COLUMNS[table], report):
            cells = {name: cell.strip() for name, cell in row.cells.items()}
            rows.append(replace(row, cells=cells))
        if not rows:
            report.add(path.name, None, "no rows under the header")
    return _Table(tuple(rows), whole=len(report.problems) == before)


def _districts(table: _Table) -> Districts:
    lines: dict[str, int] = {}
    owners: dict[tuple[str, ...], str] = {}
    districts = []
    for row in table.rows:
        code, names = row.unique("district", lines), row.name("name_ru", "name_kk")
        district = District(code, names, _boundary(row))
        for name in (district.name.ru, district.name.kk):
            owner = owners.setdefault(district_key(name), district.code)
            if name and owner != district.code:
                row.reject(f"{shown(name)} is the name of district {shown(owner)} already")
        districts.append(district)
    return Districts.of(districts)


def _boundary(row: Row) -> Boundary | None:
    wkt = row.get("boundary")
    try:
        return Boundary.parse(wkt) if wkt else None
    except ValueError as error:
        row.reject(f"boundary: {error}")
        return None


def _streets(table: _Table, codes: Codes) -> tuple[Street, ...]:
    lines: dict[Street, int] = {}
    streets = []
    for row in table.rows:
        name = row.name("street_ru", "street_kk")
        row.needed("district")
        street = Street(name, row.known("district", codes.districts))
        first = lines.setdefault(street, row.line)
        if first != row.line:
            row.reject(f"duplicate street {shown(name.ru)}, first in line {first}")
        streets.append(replace(street, aliases=_aliases(row)))
    return tuple(streets)


def _taxonomy(table: _Table, codes: Codes) -> Taxonomy:
    lines: dict[str, int] = {}
    categories = _categories(table)
    deprecated = {row.get("topic") for row in table.rows if row.get("deprecated").lower() == "true"}
    topics = [_topic(row, lines, deprecated, codes) for row in table.rows]
    return Taxonomy.of(categories, topics)


def _categories(table: _Table) -> Collection[Category]:
    first: dict[str, tuple[int, Category]] = {}
    owners: dict[Bilingual, str] = {}
    for row in table.rows:
        category = Category(row.needed("category"), row.name("category_ru", "category_kk"))
        line, known = first.setdefault(category.code, (row.line, category))
        owner = owners.setdefault(category.name, category.code)
        if known.name != category.name:
            row.reject(f"category {shown(category.code)} has another name than in line {line}")
        elif owner != category.code and line == row.line and category.name.ru:
            row.reject(
                f"unknown category {shown(category.code)} under a name that another one has,"
                f" did you mean {shown(owner)}?"
            )
    return [category for _, category in first.values()]


def _topic(row: Row, lines: dict[str, int], deprecated: Collection[str], codes: Codes) -> Topic:
    is_deprecated = row.get("topic") in deprecated
    for column in ("replaced_by", "valid_to"):
        if row.get(column) and not is_deprecated:
            row.reject(f"{column} stands beside a topic that is not deprecated")
    return Topic(
        code=row.unique("topic", lines),
        category=row.get("category"),
        name=row.name("topic_ru", "topic_kk"),
        sla_hours=_sla_hours(row),
        usual_enterprise=row.get("usual_enterprise"),
        deprecated=row.flag("deprecated", default=False),
        replaced_by=_successors(row, deprecated, codes),
        valid_to=_day(row, "valid_to"),
    )


def _successors(row: Row, deprecated: Collection[str], codes: Codes) -> tuple[str, ...]:
    successors = _listed(row, "replaced_by")
    for successor in successors:
        row.check_known("replaced_by", successor, codes.topics)
        if successor in deprecated:
            row.reject(f"replaced_by names {shown(successor)}, which is deprecated itself")
    return successors


def _day(row: Row, column: str) -> date | None:
    value = row.get(column)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        row.reject(f"{column} must be a date like 2026-01-31, not {shown(value)}")
        return None


def _sla_hours(row: Row) -> int:
    value = row.needed("sla_hours")
    if _SLA_HOURS.fullmatch(value):
        return int(value)
    if value:
        row.reject(f"sla_hours must be a positive whole number below 100000, not {shown(value)}")
    return 0


def _enterprises(table: _Table, codes: Codes) -> EnterpriseRegistry:
    lines: dict[str, int] = {}
    return EnterpriseRegistry.of(_enterprise(row, lines, codes) for row in table.rows)


def _enterprise(row: Row, lines: dict[str, int], codes: Codes) -> Enterprise:
    row.needed("type")
    return Enterprise(
        id=row.unique("enterprise_id", lines),
        type=row.known("type", ENTERPRISE_TYPES),
        name=row.name("name_ru", "name_kk"),
        district=row.known("district", codes.districts) or None,
        number=row.get("number") or None,
        aliases=_aliases(row),
        active=row.flag("active", default=True),
    )


def _aliases(row: Row) -> tuple[str, ...]:
    return _listed(row, "aliases")


def _listed(row: Row, column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.get(column).split("|") if part.strip())
