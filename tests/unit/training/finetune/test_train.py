from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from appeal_files import corpus
from scipy.special import log_softmax

from models.classifier import LinearHead
from models.encoders import SentenceTransformerEncoder, Vectors
from training.heads import Task
from triage.progress import Silent

N_TEXTS = 48
ROWS = corpus()[:N_TEXTS]
TEXTS = [row["text"] for row in ROWS]
TOPICS = np.array([row["topic"] for row in ROWS], dtype=object)
CLASSES = {"topic": (*sorted(set(TOPICS)), "яяя")}
"""One class more than the texts have."""


@pytest.fixture(scope="module")
def vectors(transformer: SentenceTransformerEncoder) -> Vectors:
    return transformer.encode(TEXTS)


@pytest.fixture(scope="module")
def tune(transformer: SentenceTransformerEncoder, vectors: Vectors) -> Any:
    from training.finetune.train import fine_tune

    def tune(epochs: int = 2, seed: int = 0, labels: Any = TOPICS) -> Any:
        return fine_tune(
            transformer,
            TEXTS,
            [Task("topic", labels)],
            CLASSES,
            vectors,
            epochs=epochs,
            seed=seed,
            step="fine-tuning",
            progress=Silent(),
        )

    return tune


@pytest.fixture(scope="module")
def tuned(tune: Any) -> Any:
    return tune()


def loss(head: LinearHead, vectors: Vectors) -> float:
    logits = vectors @ head.coef + head.intercept
    columns = Task("topic", TOPICS).columns(head.classes)
    return -float(log_softmax(logits, axis=1)[np.arange(N_TEXTS), columns].mean())


def weights(encoder: SentenceTransformerEncoder) -> dict[str, np.ndarray]:
    return {name: part.numpy() for name, part in encoder.model.state_dict().items()}


def test_fine_tune_more_epochs_fit_the_labels_better(tune: Any, tuned: Any) -> None:
    longer, heads = tune(epochs=12)
    assert loss(heads["topic"], longer.encode(TEXTS)) < loss(
        tuned[1]["topic"], tuned[0].encode(TEXTS)
    )


def test_fine_tune_changes_upper_layers_alone_and_of_a_copy(
    transformer: SentenceTransformerEncoder, tune: Any, vectors: Vectors
) -> None:
    before = {name: part.copy() for name, part in weights(transformer).items()}
    after = weights(tune()[0])
    changed = {name for name, part in before.items() if (after[name] != part).any()}
    assert {name.split("layer.")[1][0] for name in changed} == {"1", "2"}
    assert all((weights(transformer)[name] == part).all() for name, part in before.items())
    assert (transformer.encode(TEXTS) == vectors).all()


def test_fine_tune_same_seed_gives_the_same_encoder_and_heads(tune: Any, tuned: Any) -> None:
    again, other = tune(), tune(seed=1)
    assert (again[0].encode(TEXTS) == tuned[0].encode(TEXTS)).all()
    assert (again[1]["topic"].coef == tuned[1]["topic"].coef).all()
    assert (other[0].encode(TEXTS) != tuned[0].encode(TEXTS)).any()


def test_fine_tune_class_without_a_text_is_a_sure_no(tuned: Any) -> None:
    encoder, heads = tuned
    logits = encoder.encode(TEXTS) @ heads["topic"].coef + heads["topic"].intercept
    assert heads["topic"].classes == CLASSES["topic"]
    assert (logits[:, -1] < logits[:, :-1].max(axis=1) - 5).all()


def test_fine_tune_texts_without_a_label_teach_nothing_of_it(tune: Any) -> None:
    from training.finetune.network import ABSENT_BIAS

    labels = np.full(N_TEXTS, None, dtype=object)
    labels[:2] = TOPICS[:2]
    _, heads = tune(labels=labels, epochs=1)
    unknown = [name not in set(TOPICS[:2]) for name in CLASSES["topic"]]
    assert heads["topic"].intercept[unknown] == pytest.approx(ABSENT_BIAS, abs=0.5)


def test_fine_tune_leaves_the_random_numbers_of_others_and_the_longest_text_alone(
    transformer: SentenceTransformerEncoder, tune: Any
) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3).tolist()
    torch.manual_seed(5)
    encoder, _ = tune(epochs=1)
    assert torch.rand(3).tolist() == expected
    assert encoder.model.max_seq_length == transformer.model.max_seq_length


def test_network_heads_over_vectors_are_those_that_were_trained(
    transformer: SentenceTransformerEncoder, vectors: Vectors
) -> None:
    import torch

    from training.finetune.network import Network

    network = Network(transformer.model, vectors, [Task("topic", TOPICS)], CLASSES)
    centred = (torch.tensor(vectors) - network.centre) * network.scale
    logits = network.heads["topic"](centred).detach().numpy()
    head = network.linear_heads()["topic"]
    assert vectors @ head.coef + head.intercept == pytest.approx(logits, abs=1e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_network_probe_is_logistic_regression(
    transformer: SentenceTransformerEncoder, vectors: Vectors, n_classes: int
) -> None:
    from sklearn.linear_model import LogisticRegression

    from training.finetune.network import PROBE_C, PROBE_ITERATIONS, Network

    labels = np.array([f"класс {row % n_classes}" for row in range(N_TEXTS)], dtype=object)
    classes = tuple(sorted(set(labels)))
    network = Network(transformer.model, vectors, [Task("topic", labels)], {"topic": classes})
    head = network.linear_heads()["topic"]
    seen = (vectors - vectors.mean(axis=0)) * network.scale
    expected = LogisticRegression(C=PROBE_C, max_iter=PROBE_ITERATIONS).fit(seen, labels)
    logits = vectors @ head.coef + head.intercept
    assert np.exp(log_softmax(logits, axis=1)) == pytest.approx(
        expected.predict_proba(seen), abs=1e-4
    )
