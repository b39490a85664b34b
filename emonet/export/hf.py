"""A data set of Hugging Face, which `datasets.load_from_disk` opens; labels are a `ClassLabel`.

`datasets` comes with the extra `datasets` and is imported where something is exported.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beam_pipeline.records import EmonetError
from emonet.emotions import Emotions
from emonet.export.target import Export, Target


def export(emotions: Emotions) -> Export:
    """The files that `datasets` writes.

    Raises:
      EmonetError: `datasets` is not installed.
    """
    if importlib.util.find_spec("datasets") is None:
        raise EmonetError("--to hf needs datasets; pip install emonet[datasets]")
    return Export(_files(emotions), len(emotions))


def _files(emotions: Emotions) -> Iterator[tuple[str, bytes]]:
    import datasets

    datasets.disable_progress_bars()
    labels = datasets.ClassLabel(names=list(emotions.labels))
    data = datasets.Dataset(emotions.plain_rows).cast_column("label", labels)
    with tempfile.TemporaryDirectory() as folder:
        data.save_to_disk(folder)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path.read_bytes()


TARGET = Target(is_folder=True, export=export)
