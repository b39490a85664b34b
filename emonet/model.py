"""The model over what a program holds in memory: the same reading and arithmetic as the job's."""

from __future__ import annotations

import dataclasses
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.paths import expand_inputs, read_path
from beam_pipeline.corpus.reading import FileContent, read_bytes
from beam_pipeline.corpus.refusals import named
from beam_pipeline.labelling import label_episodes
from beam_pipeline.records import EmonetError, Episode
from beam_pipeline.stages.model_cache import ModelSource
from beam_pipeline.transcripts import check_each_once, transcript_of, without_test_episodes
from model.checkpoint import PRETRAINED, Checkpoint, open_checkpoint
from model.dataset import Data, Transcript, label_set
from model.encoders.references import DEFAULT_ENCODER, reference_to
from model.evaluation.scores import Scores, evaluate
from model.network.emonet import EmoNet
from model.network.encoder import fastest_device
from model.network.precision import precision_on
from model.network.settings_file import settings_of
from model.training.hold_out import split
from model.training.train import train

_CORPUS = "memory"


@dataclasses.dataclass(frozen=True)
class Model:
    """A model that is ready to label.

    Attributes:
      checkpoint: what it was loaded from; its `settings` name the labels and languages.
      network: prepared for inference.
    """

    checkpoint: Checkpoint
    network: EmoNet


def load(checkpoint: str | Path | None, encoder: str | None) -> Model:
    """See `emonet.load_model`."""
    opened = open_checkpoint(Path(checkpoint or PRETRAINED), encoder=encoder)
    source = ModelSource(str(opened.folder), encoder, precision_on(fastest_device()))
    return Model(opened, source.load())


def label_data(data: Any, model: Model, *, any_language: bool) -> pa.Table:
    """See `emonet.label`."""
    languages = None if any_language else model.checkpoint.settings.languages
    episodes = read_data(data, ReadOptions(corpus=_CORPUS, languages=languages))
    model_id = model.checkpoint.model_id
    return pa.concat_tables([one.rows for one in label_episodes(model.network, episodes, model_id)])


def evaluate_data(data: Any, model: Model, history: Any) -> Scores:
    """See `emonet.evaluate`."""
    return evaluate(model.network, _transcripts(data, gold=True), history=_transcripts(history))


def train_on(
    data: Any,
    dev: Any,
    output: Path,
    auxiliary: Any,
    settings: Mapping[str, Any],
    encoder: str | None,
) -> Model:
    """See `emonet.train`."""
    given, chosen, found = (_transcripts(part, gold=True) for part in (data, dev, auxiliary))
    network, training = settings_of(settings, label_set(given), "emonet.train")
    learned, chosen, notes = split(given, chosen, training.oof_folds)
    for note in notes:
        warnings.warn(note, stacklevel=3)
    train(
        Data(learned, chosen, without_test_episodes(found, learned, chosen)),
        network,
        training,
        reference_to(encoder or DEFAULT_ENCODER),
        output,
    )
    return load(output, encoder)


def read_data(data: Any, options: ReadOptions, *, gold: bool = False) -> list[Episode]:
    """The episodes of files, or of what is in memory.

    Args:
      data: see `emonet.label`.
      options: how it is read.
      gold: whether its labels are to be what people said, and no predictions.

    Raises:
      EmonetError: as `emonet.label` says.
    """
    if isinstance(data, str | Path):
        contents = [c for path in expand_inputs([str(data)]) for c in read_path(path, options)]
        refused = [one for content in contents for one in content.rejected]
        if refused:
            warnings.warn(named(refused), stacklevel=3)
    else:
        contents = [_read_table(_table(data), options)]
        if contents[0].rejected:
            raise EmonetError(named(contents[0].rejected))
    if gold and any(content.predicted for content in contents):
        raise EmonetError("the column label is what emonet predicted, and no gold label")
    episodes = [episode for content in contents for episode in content.episodes]
    check_each_once(episodes)
    if not episodes:
        raise EmonetError("there is no utterance in what was given")
    return episodes


def _transcripts(data: Any, *, gold: bool = False) -> list[Transcript]:
    """What the model is scored on or learns from; nothing of None."""
    if data is None:
        return []
    options = ReadOptions(corpus=_CORPUS)
    return [transcript_of(one) for one in read_data(data, options, gold=gold)]


def _table(data: Any) -> pa.Table:
    """What was given as columns; data frames hand theirs over by the Arrow C stream."""
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    rows = list(data) if isinstance(data, Sequence) else None
    if rows and all(isinstance(row, str) for row in rows):
        return pa.table({"text": rows})
    if rows and all(isinstance(row, Mapping) for row in rows):
        return pa.Table.from_pylist([dict(row) for row in rows])
    raise EmonetError(
        "expected a list of texts, a list of rows, a data frame, an Arrow table or a path, "
        f"found {type(data).__name__}{'' if rows is None else ' of other things, or of none'}"
    )


def _read_table(table: pa.Table, options: ReadOptions) -> FileContent:
    """Read as a Parquet file is, so that columns mean the same."""
    content = io.BytesIO()
    pq.write_table(table, content)
    return read_bytes(f"{_CORPUS}.parquet", content.getvalue(), options)
