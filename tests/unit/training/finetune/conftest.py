from __future__ import annotations

import pytest

from models.encoders import DenseEncoder
from training.encoders import STATIC, choose_encoder


@pytest.fixture(scope="session")
def static_encoder() -> DenseEncoder:
    encoder = choose_encoder(STATIC)
    assert encoder is not None
    return encoder
