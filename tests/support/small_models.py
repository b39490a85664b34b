"""Small random encoders of each family, models over them, and made-up transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
import transformers
from hypothesis import strategies as st

from model.dataset import Transcript
from model.encoders.references import EncoderReference, reference_to
from model.network.emonet import EmoNet
from model.network.settings import Calibration, Settings

# the bits that the tests compare are those of one thread, as in every process of the job
torch.set_num_threads(1)

LABELS = ("joy", "neutral", "sadness")
NAMES = ("Ann Lee", "Bo", "cleo", None)
_TEXT = (
    "a again all and ann are at back before bo boat but by call cleo come day did dinner do door "
    "early ever fine fish for found friend give glad go good hate have he hello help her here "
    "him home how i in is it just keep key kind know late leave left letter light like lost love "
    "made man me meet mine more morning my never new night no not now of off oh old on one open "
    "or our out over please quiet rain ready said sea see send she ship so sorry speaker still "
    "stop stay sure take tell thank that the then there they think this time to today told too "
    "true two under until us wait walk want was we well went what when where who why will wind "
    "window with word wrong yes yet you young your"
)
WORDS = _TEXT.split()
_MARKS = list("abcdefghijklmnopqrstuvwxyz0123456789.,:;!?'")
_PIECES = [*WORDS, *_MARKS, *(f"##{mark}" for mark in _MARKS)]
_SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.2,
}


def save_bert(folder: Path, positions: int = 128) -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_PIECES]
    tokenizer = transformers.BertTokenizer(vocab=_numbered(vocabulary))
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=positions, **_SIZE
    )
    _save(folder, transformers.BertModel, config, tokenizer)


def save_mpnet(folder: Path) -> None:
    vocabulary = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>", *_PIECES]
    tokenizer = transformers.MPNetTokenizer(vocab=_numbered(vocabulary))
    config = transformers.MPNetConfig(
        vocab_size=len(vocabulary),
        max_position_embeddings=130,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **_SIZE,
    )
    _save(folder, transformers.MPNetModel, config, tokenizer)


def save_roberta(folder: Path) -> None:
    learner = tokenizers.ByteLevelBPETokenizer()
    learner.train_from_iterator(
        [" ".join(WORDS)] * 3,
        vocab_size=600,
        min_frequency=1,
        show_progress=False,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    )
    folder.mkdir(parents=True)
    vocabulary, merges = learner.save_model(str(folder))
    tokenizer = transformers.RobertaTokenizerFast.from_pretrained(folder)
    assert Path(vocabulary).is_file()
    assert Path(merges).is_file()
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=130,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **_SIZE,
    )
    _save(folder, transformers.RobertaModel, config, tokenizer)


SAVE = {"bert": save_bert, "roberta": save_roberta, "mpnet": save_mpnet}


def save_encoder(family: str, folder: Path) -> EncoderReference:
    SAVE[family](folder)
    return reference_to(str(folder))


def small_settings(**changes: Any) -> Settings:
    """As what ships, but windows so short that dialogues of a few turns fill several."""
    usual = {
        "tag": "global", "window_tokens": 64, "turn_tokens": 16, "trained_layers": 2,
        "embedding_layers": 0, "utterance_encoder_layers": 1,
    }  # fmt: skip
    return Settings(**{"labels": LABELS, **usual, **changes})


def untrained(
    reference: EncoderReference,
    seed: int = 0,
    calibration: Calibration | None = None,
    **changes: Any,
) -> EmoNet:
    """A model with a random head; larger weights than usual, so that little stays hidden."""
    torch.manual_seed(seed)
    model = EmoNet.over(reference, small_settings(**changes), calibration)
    with torch.no_grad():
        for part in (model.gru, model.project, model.classify):
            for parameter in part.parameters():
                parameter.mul_(3)
        for parameter in model.utterance.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model


def transcript(
    texts: Sequence[str],
    *,
    episode: str = "one",
    place: tuple[str | int, ...] = (1,),
    names: Sequence[str | None] | None = None,
    dialogues: Sequence[str] | None = None,
    labels: Sequence[str | None] | None = None,
) -> Transcript:
    who = list(names) if names is not None else [None] * len(texts)
    return Transcript(
        episode=episode,
        place=place,
        texts=list(texts),
        names=who,
        speakers=[name and f"id of {name}" for name in who],
        dialogues=list(dialogues) if dialogues is not None else ["d"] * len(texts),
        labels=list(labels) if labels is not None else [None] * len(texts),
    )


def cut(whole: Transcript, turns: int) -> Transcript:
    """Its first turns."""
    return Transcript(
        whole.episode,
        whole.place,
        whole.texts[:turns],
        whole.names[:turns],
        whole.speakers[:turns],
        whole.dialogues[:turns],
        whole.labels[:turns],
    )


def made_up(turns: int, *, seed: int = 0, dialogues: int = 1, words: int = 12) -> Transcript:
    """A transcript of random words, some turns long, some empty."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, random.integers(0, words + 1))) for _ in range(turns)]
    names = [NAMES[number] for number in random.integers(0, len(NAMES), turns)]
    labels = [LABELS[number] for number in random.integers(0, len(LABELS), turns)]
    ids = [f"d{turn * dialogues // turns}" for turn in range(turns)]
    return transcript(
        texts,
        episode=f"made up {seed}",
        place=(seed,),
        names=names,
        dialogues=ids,
        labels=labels,
    )


sentences = st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join) | st.text(max_size=20)


@st.composite
def transcripts(draw: st.DrawFn, max_turns: int = 12) -> Transcript:
    turns = draw(
        st.lists(
            st.tuples(sentences, st.sampled_from(NAMES), st.integers(0, 3)),
            min_size=1,
            max_size=max_turns,
        )
    )
    texts, names, scenes = zip(*turns, strict=True)
    return transcript(texts, names=names, dialogues=[f"d{scene}" for scene in sorted(scenes)])


def _numbered(vocabulary: Sequence[str]) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(vocabulary)}


def _save(
    folder: Path,
    network: type[transformers.PreTrainedModel],
    config: transformers.PreTrainedConfig,
    tokenizer: transformers.PreTrainedTokenizerBase,
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        drawn = network(config, add_pooling_layer=False)
        # transformers sets biases to zero and gains to one, where mistakes would hide
        for parameter in drawn.parameters():
            if parameter.ndim == 1:
                torch.nn.init.normal_(parameter, mean=parameter.detach().mean().item(), std=0.1)
    drawn.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
