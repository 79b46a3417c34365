"""A city's own files: read, checked line by line, installed in one step."""

from triage.citydata.check import check_appeals, check_city
from triage.citydata.install import install_city
from triage.citydata.problems import MAX_PROBLEMS, Problem
from triage.citydata.tables import (
    ENTERPRISES,
    TAXONOMY,
    City,
    load_city,
    load_enterprises,
    load_taxonomy,
    settled,
)

__all__ = [
    "ENTERPRISES",
    "MAX_PROBLEMS",
    "TAXONOMY",
    "City",
    "Problem",
    "check_appeals",
    "check_city",
    "install_city",
    "load_city",
    "load_enterprises",
    "load_taxonomy",
    "settled",
]
