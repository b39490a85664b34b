"""Episodes as the model reads them, and whole data sets of them. Nothing of Beam is here."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
from beam_pipeline.records import EmonetError, Episode, amount_of
from model.dataset import Transcript, label_counts

_SHOWN_LABELS = 12


def transcript_of(episode: Episode) -> Transcript:
    """The columns that the model reads."""
    columns = episode.utterances.to_pydict()
    return Transcript(
        episode=episode.episode_id,
        place=episode.place,
        texts=columns["text"],
        names=columns["speaker_name"],
        speakers=columns["speaker_id"],
        dialogues=columns["dialogue_id"],
        labels=columns["gold"],
    )


def read_transcripts(
    inputs: Sequence[str], options: ReadOptions, *, gold: bool = True
) -> list[Transcript]:
    """All episodes of a data set, in timeline order.

    Args:
      inputs: files, folders and patterns.
      options: how they are read.
      gold: whether their labels are learned from or scored on.

    Raises:
      EmonetError: an input matches nothing, anything in it is refused, its labels are wanted and
        are what emonet predicted, or two files claim one episode: a data set is whole, or it is
        not what a score names.
    """
    paths = expand_inputs(inputs)
    contents = [content for path in paths for content in read_path(path, options)]
    refused = [one for content in contents for one in content.rejected]
    if refused:
        first = refused[0]
        where = f"{first.source} {first.position}".strip()
        raise EmonetError(
            f"{where}: {first.reason} {first.detail}; mend it or leave it out "
            f"({amount_of(refused)} refused in all)"
        )
    predicted = [content.source.path for content in contents if content.predicted]
    if gold and predicted:
        raise EmonetError(
            f"{predicted[0]}: its column label is what emonet predicted, by its columns model_id "
            "and prob_*, and no gold label; give data that people labelled, or name the column of "
            "their labels with --columns label=NAME"
        )
    episodes = sorted(
        (episode for content in contents for episode in content.episodes),
        key=lambda episode: episode.place,
    )
    check_each_once(episodes)
    return [transcript_of(episode) for episode in episodes]


def check_each_once(episodes: Iterable[Episode]) -> None:
    """Refuses episodes of which some have the same id.

    Raises:
      EmonetError: some have; the first is named.
    """
    counts = collections.Counter(episode.episode_id for episode in episodes)
    doubled = [episode_id for episode_id, count in counts.items() if count > 1]
    if doubled:
        raise EmonetError(f"{len(doubled)} episodes come twice, first {doubled[0]}; give each once")


def without_test_episodes(
    auxiliary: Sequence[Transcript], train: Sequence[Transcript], dev: Sequence[Transcript]
) -> list[Transcript]:
    """The part of an auxiliary data set that may be trained on without seeing a test.

    Two data sets of one show may share episodes. Those of dev are left out, and, of the seasons
    that `train` and `dev` are of, all but the episodes of `train`: the rest of such a season may
    be the test set.
    """
    learned, chosen = ({t.episode for t in part} for part in (train, dev))
    seasons = {t.place[:2] for t in (*train, *dev)}
    return [
        t
        for t in auxiliary
        if t.episode not in chosen and (t.episode in learned or t.place[:2] not in seasons)
    ]


def renamed_labels(
    transcripts: Sequence[Transcript], names: Mapping[str, str]
) -> tuple[list[Transcript], int]:
    """Transcripts with the gold labels of another set under the names of ours.

    Args:
      transcripts: with theirs.
      names: ours, by theirs; an utterance with any other label has none then.

    Returns:
      The transcripts, and how many utterances lost their label.

    Raises:
      EmonetError: no utterance has one of the labels named.
    """
    found = label_counts(transcripts)
    missing = [name for name in names if name not in found]
    if missing:
        usual = ", ".join(label for label, _ in found.most_common(_SHOWN_LABELS)) or "none"
        raise EmonetError(f"--labels: no utterance has the label {missing[0]!r}; found are {usual}")
    renamed = [
        dataclasses.replace(t, labels=[label and names.get(label) for label in t.labels])
        for t in transcripts
    ]
    return renamed, found.total() - label_counts(renamed).total()
