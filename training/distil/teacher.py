"""The teacher: a sentence encoder whose vectors and pieces of words the student is given."""

from __future__ import annotations

from tokenizers import Tokenizer

from models.encoders import SentenceTransformerEncoder
from models.errors import EncoderUnavailableError
from training.vectors import CachedEncoder, Encodes, VectorCache


class Teacher(CachedEncoder):
    """A sentence encoder that remembers.

    Parameters
    ----------
    encoder
        Computes the vectors.
    tokenizer
        The encoder's own; its pieces become the student's.
    cache
        Where vectors are kept from one run to the next.
    """

    def __init__(self, encoder: Encodes, tokenizer: Tokenizer, cache: VectorCache) -> None:
        super().__init__(encoder, cache)
        self.tokenizer = tokenizer


def load_teacher(name_or_folder: str, cache: VectorCache) -> Teacher:
    """Load a teacher by folder or hub name.

    Raises
    ------
    EncoderUnavailableError
        There is no such model, its library is not installed, or its tokeniser is not of
        the library `tokenizers`.
    """
    encoder = SentenceTransformerEncoder.load(name_or_folder)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name_or_folder).backend_tokenizer
    except Exception as error:  # each kind of tokeniser has errors of its own
        raise EncoderUnavailableError(f"{name_or_folder}: no fast tokeniser: {error}") from error
    return Teacher(encoder, tokenizer, cache)
