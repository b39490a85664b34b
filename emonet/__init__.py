"""Emotions for subtitles and transcripts, with a memory of every speaker.

    >>> import emonet
    >>> emonet.label(["I can't believe you did that!", "I am so sorry."]).column_names[-3:]
    ['speaker_logit', 'history_length', 'model_id']

What a folder of files needs every night is the command `emonet label`; this is the same model over
what a program holds in memory. Neither this module nor labelling what is in memory loads Beam.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import beam_pipeline as _keeps_the_users_folder_out  # noqa: F401

if TYPE_CHECKING:  # nothing is loaded before it is used
    import pyarrow as pa

    from emonet.corpus import LabelledCorpus
    from emonet.model import Model
    from model.evaluation.scores import Scores

__all__ = ["evaluate", "label", "load_model", "open_corpus", "train"]


def load_model(checkpoint: str | Path | None = None, *, encoder: str | None = None) -> Model:
    """Loads a model once, for many calls of `label` and `evaluate`.

    Args:
      checkpoint: its folder; None for the one that ships.
      encoder: where its encoder is; None for where the checkpoint says.

    Raises:
      ModelError: the checkpoint or its encoder is not what its sha256 says.
    """
    from emonet.model import load

    return load(checkpoint, encoder)


def label(data: Any, *, model: Model | None = None, any_language: bool = False) -> pa.Table:
    """Labels utterances in the order of their timeline.

    Args:
      data: texts (consecutive turns of one dialogue), rows (mappings with `text` and, if known,
        `speaker`, `dialogue`, `show`, `season`, `episode`, `start_ms`, `end_ms`), a data frame or
        an Arrow table with such columns, or the path of a file, a folder or a pattern.
      model: what `load_model` gave; the one that ships by default.
      any_language: label what is in another language than the model was trained on.

    Returns:
      A row an utterance, as docs/data-format.md has the table `labels`; pandas
      (`table.to_pandas()`) and Polars (`polars.from_arrow(table)`) take it as it is.

    Raises:
      EmonetError: there is nothing to label, or a row of what is in memory cannot be. What is
        refused of files is told by a warning, with its count and the first of it.
    """
    from emonet.model import label_data

    return label_data(data, model or load_model(), any_language=any_language)


def evaluate(data: Any, *, model: Model | None = None, history: Any = None) -> Scores:
    """Scores a model on data with gold labels.

    Args:
      data: as `label` takes it, with a column `label`, or a data set in a file.
      model: what `load_model` gave; the one that ships by default.
      history: more of the same speakers, which is not scored.

    Raises:
      EmonetError, ModelError: something is refused, or there is no gold label of the model's.
    """
    from emonet.model import evaluate_data

    return evaluate_data(data, model or load_model(), history)


def train(
    data: Any,
    *,
    dev: Any = None,
    output: str | Path,
    auxiliary: Any = None,
    settings: Mapping[str, Any] | None = None,
    encoder: str | None = None,
) -> Model:
    """Trains a checkpoint, as `emonet train` does, and loads it.

    Args:
      data: the training set, as `evaluate` takes it.
      dev: what epochs are chosen and logits calibrated on; without it, every tenth episode of the
        training set, or every tenth dialogue where there are few episodes.
      output: the checkpoint's folder; an interrupted training in it goes on.
      auxiliary: like dialogue with labels of its own.
      settings: what differs from the defaults, as a settings file has it (docs/models.md).
      encoder: a folder, a package or owner/name@REVISION; the one that ships by default.

    Raises:
      EmonetError, ModelError: something is refused, a setting is off, or the labels do not fit.
    """
    from emonet.model import train_on

    return train_on(data, dev, Path(output), auxiliary, settings or {}, encoder)


def open_corpus(output: str | Path) -> LabelledCorpus:
    """Opens what `emonet label --output` wrote, by its manifests alone.

    Args:
      output: the folder, or `gs://BUCKET/PREFIX`.

    Raises:
      EmonetError: there is no committed night, or a manifest is damaged.
    """
    from emonet.corpus import open_output

    return open_output(str(output))
