"""Labelled utterances as numbers: probabilities in the order of the timeline, and their means.

Means are of probabilities and not of counts: a label that is rarely the most probable is heard too.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipeline.records import EmonetError
from emonet.corpus import LabelledCorpus

MIN_DIALOGUES = 5
"""Fewer dialogues than these give no interval: their spread would say next to nothing."""

_NORMAL_95 = 1.959964
_PROBABILITY = "prob_"


@dataclasses.dataclass(frozen=True)
class Emotions:
    """Labelled utterances.

    Attributes:
      rows: as docs/data-format.md has the table `labels`, by show, season, episode, utterance.
      labels: the names of the classes; nights of other models may have brought several sets.
      probabilities: (rows, classes) float32; 0 for a class that the row's model does not have.
    """

    rows: pa.Table
    labels: tuple[str, ...]
    probabilities: np.ndarray

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @functools.cached_property
    def chosen(self) -> np.ndarray:
        """The number of each row's label, (rows,) int64."""
        number = {label: at for at, label in enumerate(self.labels)}
        dictionary = self.rows["label"].combine_chunks()
        names = np.array([number[name] for name in dictionary.dictionary.to_pylist()], np.int64)
        indices: np.ndarray = dictionary.indices.to_numpy(zero_copy_only=False)
        return np.take(names, indices)

    @functools.cached_property
    def plain_rows(self) -> pa.Table:
        """The rows with labels as plain strings, as other programs want them."""
        at = self.rows.schema.get_field_index("label")
        return self.rows.set_column(at, "label", self.rows["label"].cast(pa.string()))

    @functools.cached_property
    def confidence(self) -> np.ndarray:
        """The probability of each row's label, (rows,) float32."""
        return np.take_along_axis(self.probabilities, self.chosen[:, None], axis=1)[:, 0]

    def where(self, mask: np.ndarray) -> Emotions:
        """The rows that a mask, (rows,) bool, has."""
        rows = self.rows.filter(pa.array(mask))
        return Emotions(rows, self.labels, self.probabilities[mask])

    def codes(self, *columns: str) -> tuple[np.ndarray, list[tuple[object, ...]]]:
        """Which rows are equal in these columns.

        Returns:
          A number a row, (rows,) int64, and the cells that each number stands for, in the order in
          which they come first.
        """
        codes = np.zeros(len(self), np.int64)
        for column in columns:
            cells = self.rows[column].combine_chunks().dictionary_encode("encode").indices
            values = cells.to_numpy(zero_copy_only=False).astype(np.int64)
            codes = codes * (int(values.max(initial=0)) + 1) + values
            # dense again, so that no product overflows
            _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
            order = np.argsort(first, kind="stable")
            codes = np.argsort(order, kind="stable")[codes]
        firsts = np.unique(codes, return_index=True)[1]
        cells = self.rows.select(columns).take(pa.array(firsts)).to_pydict()
        return codes, list(zip(*cells.values(), strict=True))


@dataclasses.dataclass(frozen=True)
class Means:
    """Mean probabilities of groups of utterances.

    Attributes:
      mean: (groups, classes) float64.
      margin: half of the 95 % interval, (groups, classes) float64; NaN where a group has fewer than
        `MIN_DIALOGUES` dialogues.
      counts: utterances of each group, (groups,) int64.
    """

    mean: np.ndarray
    margin: np.ndarray
    counts: np.ndarray


def read_emotions(corpus: LabelledCorpus) -> Emotions:
    """All utterances that a corpus' manifests name, in order.

    Raises:
      EmonetError: none is labelled, or a file is not what its sha256 says.
    """
    table = corpus.labels().unify_dictionaries()
    if not table.num_rows:
        raise EmonetError(f"{corpus.output} has no labelled utterance")
    columns = [name for name in table.column_names if name.startswith(_PROBABILITY)]
    # an episode without a number comes before the first, as on the timeline
    columns_of_order = ("show", "season", "episode", "episode_id", "utterance")
    keys = [(name, "ascending", "at_start") for name in columns_of_order]
    rows = table.take(pc.sort_indices(table, sort_keys=keys))
    probabilities = np.stack(
        [rows[name].fill_null(0).to_numpy().astype(np.float32) for name in columns], axis=1
    )
    names = {name.lower(): name for name in pc.unique(rows["label"]).dictionary.to_pylist()}
    bare = [name.removeprefix(_PROBABILITY) for name in columns]
    return Emotions(rows, tuple(names.get(name, name) for name in bare), probabilities)


def grouped_means(emotions: Emotions, groups: np.ndarray, size: int) -> Means:
    """Means of each group, with intervals that know that the lines of a dialogue resemble another.

    The variance is that of a ratio estimator over clusters (Cochran 1977, section 11.10), here
    dialogues: with r_c the sum over a cluster of x - mean, C clusters and n utterances it is
    C / (C - 1) * sum of r_c ** 2 / n ** 2.

    Args:
      emotions: the utterances.
      groups: the group of each, (rows,) int64; those of group -1 are left out.
      size: how many groups there are.
    """
    inside = groups >= 0
    values, groups = emotions.probabilities[inside].astype(np.float64), groups[inside]
    dialogues = emotions.codes("episode_id", "dialogue_id")[0][inside]
    counts = np.bincount(groups, minlength=size)
    mean = _sums(values, groups, size) / np.maximum(counts, 1)[:, None]
    pairs, cluster = np.unique(
        groups * (int(dialogues.max(initial=0)) + 1) + dialogues, return_inverse=True
    )
    owner = pairs // (int(dialogues.max(initial=0)) + 1)
    residuals = _sums(values - mean[groups], cluster, len(pairs))
    clusters = np.bincount(owner, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = clusters / (clusters - 1) / counts**2
        margin = _NORMAL_95 * np.sqrt(_sums(residuals**2, owner, size) * share[:, None])
    margin[clusters < MIN_DIALOGUES] = np.nan
    return Means(mean, margin, counts)


def _sums(values: np.ndarray, groups: np.ndarray, size: int) -> np.ndarray:
    """Sums of (rows, classes) over each group, (size, classes) float64."""
    columns = [np.bincount(groups, weights=column, minlength=size) for column in values.T]
    return np.stack(columns, axis=1)
