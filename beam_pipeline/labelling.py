"""Episodes -> labelled rows: what the encode and label stages compute, and a plain loop over both.

Law of this module: nothing of Beam. The loop and the job give the same rows, to the last bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from beam_pipeline.corpus.speakers import remembered
from beam_pipeline.memory import Recall, by_speaker, last_n, tails
from beam_pipeline.records import Episode, Labelled, labels_schema
from beam_pipeline.transcripts import transcript_of
from model.dataset import group_turns
from model.evaluation.calibration import probabilities
from model.network.emonet import READ_AT_ONCE, EmoNet
from model.network.speaker import recalled_windows


@dataclasses.dataclass(frozen=True)
class Encoded:
    """An episode and its encoding, as `model.network.emonet.Encoding` has it.

    Attributes:
      episode: the episode.
      context_logits: (utterances, classes) float32.
      embeddings: (utterances, d) float16.
    """

    episode: Episode
    context_logits: np.ndarray
    embeddings: np.ndarray

    @property
    def speakers(self) -> list[str | None]:
        """The speaker id of each utterance."""
        return self.episode.utterances["speaker_id"].to_pylist()  # type: ignore[no-any-return]

    @property
    def remembered(self) -> list[str | None]:
        """The same, without those whom no other episode can meet again."""
        return remembered(self.speakers, self.episode.utterances["speaker_kind"].to_pylist())


def encode_episodes(model: EmoNet, episodes: Sequence[Episode]) -> list[Encoded]:
    """Adds context logits and utterance embeddings, which depend on each episode alone."""
    encodings = model.encode_all([transcript_of(episode) for episode in episodes])
    return [
        Encoded(episode, encoding.context_logits, encoding.embeddings)
        for episode, encoding in zip(episodes, encodings, strict=True)
    ]


def label_episode(
    model: EmoNet, encoded: Encoded, recalls: Iterable[Recall], model_id: str
) -> Labelled:
    """The rows of one episode.

    Args:
      model: prepared for inference.
      encoded: the episode and its encoding.
      recalls: of each of its speakers who is remembered, in any order.
      model_id: written to every row.
    """
    embeddings, windows = recalled_windows(
        encoded.speakers,
        encoded.embeddings,
        by_speaker(recalls),
        model.settings.history,
    )
    speaker = model.speaker_logits(embeddings, windows)
    logits = encoded.context_logits + speaker
    lengths = (windows >= 0).sum(axis=1).astype(np.int32)
    rows = _rows(encoded.episode, logits, speaker, lengths, model.settings.labels, model_id)
    return Labelled(encoded.episode.place, rows)


def label_episodes(model: EmoNet, episodes: Iterable[Episode], model_id: str) -> Iterator[Labelled]:
    """Labels episodes one after another, in timeline order, with no memory before the first.

    Args:
      model: prepared for inference.
      episodes: in any order; all are held at once.
      model_id: written to every row.

    Yields:
      Each labelled episode, in timeline order.
    """
    n = model.settings.history
    memory: dict[str, np.ndarray] = {}
    nothing = np.zeros((0, model.embedder.width), np.float16)
    timeline = sorted(episodes, key=lambda one: one.place)
    groups = group_turns(timeline, lambda one: one.utterances.num_rows, READ_AT_ONCE)
    for encoded in (one for group in groups for one in encode_episodes(model, group)):
        place = encoded.episode.place
        own = dict(tails(encoded.remembered, encoded.embeddings, place, n))
        recalls = [Recall(who, 0, memory.get(who, nothing)) for who in own]
        yield label_episode(model, encoded, recalls, model_id)
        for who, tail in own.items():
            memory[who] = last_n(memory.get(who, nothing), tail.embeddings, n)


def _rows(
    episode: Episode,
    logits: np.ndarray,
    speaker: np.ndarray,
    lengths: np.ndarray,
    labels: Sequence[str],
    model_id: str,
) -> pa.Table:
    utterances = episode.utterances
    count = utterances.num_rows
    chosen = logits.argmax(axis=1)
    label = pa.DictionaryArray.from_arrays(pa.array(chosen, pa.int8()), pa.array(list(labels)))
    return pa.table(
        [
            *(
                pa.repeat(pa.scalar(value, type_), count)
                for value, type_ in (
                    (episode.corpus, pa.string()),
                    (episode.language, pa.string()),
                    (episode.show, pa.string()),
                    (episode.season, pa.int32()),
                    (episode.number, pa.int32()),
                    (episode.episode_id, pa.string()),
                )
            ),
            utterances["dialogue_id"],
            pa.array(np.arange(count, dtype=np.int32)),
            *(utterances[name] for name in utterances.column_names[1:-1]),
            label,
            *probabilities(logits).T,
            speaker[np.arange(count), chosen],
            lengths,
            pa.repeat(pa.scalar(model_id), count),
        ],
        schema=labels_schema(labels),
    )
