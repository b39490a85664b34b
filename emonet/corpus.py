"""What a corpus' manifests name, as Arrow tables; files that no manifest names are never read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from beam_pipeline.output.files import read_files
from beam_pipeline.output.manifest import LAYERED, Manifest, Part, parts_of, read_manifests
from beam_pipeline.output.tables import read_part
from beam_pipeline.records import REJECTED, EmonetError, labels_schema
from beam_pipeline.storage import storage_of
from model.network.label_shift import LabelShift


@dataclasses.dataclass(frozen=True)
class LabelledCorpus:
    """The committed nights of one output.

    Attributes:
      output: its folder, or `gs://BUCKET/PREFIX`.
      manifests: of each night, by its name, in order.
    """

    output: str
    manifests: Mapping[str, Manifest]

    @property
    def nights(self) -> list[str]:
        """The names of the committed nights, in order."""
        return list(self.manifests)

    def labels(self, *, night: str | None = None) -> pa.Table:
        """A row an utterance; of one night, or of all.

        Raises:
          EmonetError: there is no such night, or a file is not what its sha256 says.
        """
        return self._table("labels", labels_schema(()), night)

    def rejected(self, *, night: str | None = None) -> pa.Table:
        """A row a refusal; of one night, or of all.

        Raises:
          EmonetError: as `labels` says.
        """
        return self._table("rejected", REJECTED, night)

    def parquet_files(self, table: str = "labels", *, night: str | None = None) -> list[str]:
        """The Parquet files of a table, of one night or of all, for engines that read them.

        Args:
          table: `labels`, `rejected`, `files`; or `memory`, `episodes`, `copies`, of which a night
            has what the nights before it left as well; two files may have the same row, and of
            a speaker's rows that of the latest night counts.
          night: its name, None for all nights.

        Raises:
          EmonetError: there is no such night, or a list of files is not what its sha256 says.
        """
        last = self.nights[-1] if table in LAYERED else None
        # the shards that a table was split into may each name a file of before
        paths = dict.fromkeys(part.path for part in self._parts(table, night or last))
        return [f"{self.output}/{path}" for path in paths]

    def files(self) -> list[dict[str, Any]]:
        """The file record of each input file of all nights.

        Returns:
          Mappings with `source`, `format`, `encoding`, and the cues or rows that were `found` =
          `used` + `dropped` + `rejected`, among others.
        """
        storage = storage_of(self.output)
        return [one for night in self.manifests.values() for one in read_files(storage, night)]

    def labelled_by(self) -> tuple[str, LabelShift | None]:
        """The id of the model that labelled all nights, and how it was calibrated for them.

        Raises:
          EmonetError: nights were labelled by several models, or under several calibrations.
        """
        made = [(one["model_id"], one.get("calibration")) for one in self.manifests.values()]
        if any(one != made[0] for one in made):
            raise EmonetError(
                f"{self.output}: its nights were labelled by several models or calibrations; label "
                "them all by one, into another --output"
            )
        model_id, used = made[0]
        if used is None:
            return model_id, None
        labels, shift = tuple(used["labels"]), tuple(used["log_prior_shift"])
        return model_id, LabelShift(used["model_id"], labels, shift, used["temperature"])

    def _table(self, table: str, schema: pa.Schema, night: str | None) -> pa.Table:
        storage = storage_of(self.output)
        parts = self._parts(table, night)
        tables = [read_part(storage, part) for part in parts] or [schema.empty_table()]
        # nights may be of models with other classes
        return pa.concat_tables(tables, promote_options="default")

    def _parts(self, table: str, night: str | None) -> list[Part]:
        if night is not None and night not in self.manifests:
            raise EmonetError(
                f"{self.output} has no night {night!r}; it has {', '.join(self.nights)}"
            )
        chosen = self.nights if night is None else [night]
        storage = storage_of(self.output)
        return [part for name in chosen for part in parts_of(storage, self.manifests[name], table)]


def open_output(output: str) -> LabelledCorpus:
    """See `emonet.open_corpus`."""
    manifests = read_manifests(output)
    if not manifests:
        raise EmonetError(f"{output} holds no committed night; `emonet label` makes one")
    return LabelledCorpus(output, manifests)
