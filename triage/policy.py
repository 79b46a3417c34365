"""What the city has decided about deciding: the precision it asks for, and what urgent means."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Numbers that people set, not data.

    Attributes
    ----------
    target_precision, confidence
        The contract: what is routed without a person is right at least this often, and this
        sure is the promise.
    shortlist_coverage
        How often a reviewer's shortlist must hold the right category, or topic.
    urgent_probability
        From which probability of its urgency head on an appeal is urgent.
    secondary_probability
        From which probability on a topic of another category is offered as a second problem.
    urgent_hours
        An urgent appeal is due within these hours, or sooner if its topic says so.
    """

    target_precision: float = 0.95
    confidence: float = 0.90
    shortlist_coverage: float = 0.90
    urgent_probability: float = 0.5
    secondary_probability: float = 0.2
    urgent_hours: int = 12

    @property
    def version(self) -> str:
        """Content hash, 12 hexadecimal digits."""
        content = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]
