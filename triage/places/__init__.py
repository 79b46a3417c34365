"""Places found in text: addresses, streets, districts, bus routes, numbered facilities."""

from triage.place import Kind, Place
from triage.places.gazetteer import Findings, Gazetteer

__all__ = ["Findings", "Gazetteer", "Kind", "Place"]
