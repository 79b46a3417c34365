"""What handlers leave in a request's scope, for the log and the metrics."""

from __future__ import annotations

DECISION_ID = "triage.decision_id"
"""Id of the decision that was made or asked for, in its canonical form."""

PROBLEM_CODE = "triage.problem_code"
"""Code of the problem that is the answer."""
