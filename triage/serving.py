"""What serves: a model and all that was made ready with it, swapped as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.bundle import TriageModel
from models.conformal import PredictionSets, conformalize
from models.prediction import Level, Prediction
from models.registry import LoadedModel
from models.selective import NO_SAMPLE, ContractSample, conclude
from triage.appeal import Appeal, Decision, Versions
from triage.citydata import City
from triage.compatibility import check_compatible
from triage.decide import Context, decide
from triage.joining import Join
from triage.policy import Policy
from triage.routing import Router
from triage.urgency import DangerWords

SHORTLISTED: tuple[Level, ...] = ("category", "topic")
"""Levels with a shortlist; what an enterprise's would be depends on the rules of each appeal."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A model in its context: it decides, and stores nothing."""

    loaded: LoadedModel
    context: Context

    @classmethod
    def of(
        cls,
        loaded: LoadedModel,
        *,
        city: City,
        router: Router,
        danger_words: DangerWords,
        policy: Policy,
    ) -> Serving:
        """Make a model ready to decide for a city under a policy.

        Raises
        ------
        IncompatibleModelError
            The city's taxonomy does not know its labels.
        """
        model = loaded.model
        check_compatible(model, city.taxonomy, f"{loaded.name}/{loaded.version}")
        versions = Versions(
            model_name=loaded.name,
            model_version=loaded.version,
            model_hash=model.fingerprint,
            taxonomy=city.taxonomy.version,
            enterprises=city.enterprises.version,
            policy=f"{policy.version}-{danger_words.version}",
            rules=router.book.version,
        )
        context = Context(
            city=city,
            router=router,
            join=Join(**model.routing),
            danger_words=danger_words,
            policy=policy,
            contract=conclude(
                contract_sample(model, router),
                target=policy.target_precision,
                confidence=policy.confidence,
            ),
            sets=_sets(model, policy),
            versions=versions,
        )
        return cls(loaded, context)

    @property
    def contract_sample(self) -> ContractSample:
        """What the contract rests on."""
        return contract_sample(self.loaded.model, self.context.router)

    def predict(self, appeals: Sequence[Appeal]) -> list[Prediction]:
        """Have the model score appeals."""
        return self.loaded.model.predict(
            [appeal.text for appeal in appeals], [appeal.language for appeal in appeals]
        )

    def decide(
        self,
        appeal: Appeal,
        *,
        decision_id: str,
        at: datetime,
        prediction: Prediction | None = None,
    ) -> Decision:
        """Decide on an appeal, by what `predict` said of it or what it says now."""
        found = self.predict([appeal])[0] if prediction is None else prediction
        return decide(appeal, found, self.context, decision_id=decision_id, at=at)


def contract_sample(model: TriageModel, router: Router) -> ContractSample:
    """Return what the contract of a model under these rules rests on; nothing if it can't."""
    # A sample of probabilities joined with rules says nothing of those without, or vice versa.
    is_joined = bool(model.routing) == bool(router.book.rules)
    return model.contract_samples.get("enterprise", NO_SAMPLE) if is_joined else NO_SAMPLE


def _sets(model: TriageModel, policy: Policy) -> dict[Level, PredictionSets]:
    samples = {level: model.contract_samples.get(level, NO_SAMPLE) for level in SHORTLISTED}
    return {
        level: conformalize(sample, model.heads[level].classes, coverage=policy.shortlist_coverage)
        for level, sample in samples.items()
        if len(sample.label)
    }
