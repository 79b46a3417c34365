"""Transformers of a few thousand random weights, as sentence-transformers folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ("unk", "pad", "cls", "sep", "mask")
N_PIECES = 800


def make_transformer(
    tokenizer: Tokenizer,
    folder: Path,
    *,
    n_dimensions: int,
    n_layers: int,
    n_positions: int = 512,
    max_tokens: int | None = None,
    prompts: dict[str, str] | None = None,
) -> Path:
    """Save a BERT that has learnt nothing, with mean pooling; return its folder.

    Parameters
    ----------
    prompts
        The first of them is the default.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=n_dimensions,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        intermediate_size=2 * n_dimensions,
        max_position_embeddings=n_positions,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder / "bert")
    names = {f"{name}_token": f"[{name.upper()}]" for name in SPECIAL}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=max_tokens)
    model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension())],
        device="cpu",
        prompts=prompts,
        default_prompt_name=next(iter(prompts), None) if prompts else None,
    )
    model.save(str(folder / "model"))
    return folder / "model"


def word_pieces(texts: Sequence[str]) -> Tokenizer:
    """Return a tokeniser with pieces of the words of some texts."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [f"[{name.upper()}]" for name in SPECIAL]
    trainer = trainers.WordPieceTrainer(
        vocab_size=N_PIECES, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=ends
    )
    return tokenizer
