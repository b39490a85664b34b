"""Labelled utterances for other programs: one module a target, each ends in the record `TARGET`.

Law of this package: a target gives names and bytes, and writes nothing itself.
"""

from __future__ import annotations

from typing import Final

TARGETS: Final = ("csv", "jsonl", "parquet", "srt", "ass", "convokit", "hf", "labelstudio")
"""The names of the targets, which are those of their modules; here, so that a command line that
lists them loads none."""
