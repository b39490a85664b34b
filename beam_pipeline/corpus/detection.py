"""What format a text is in: by what stands in it, and only then by its extension."""

from __future__ import annotations

import enum
import re

from beam_pipeline.corpus.formats.cue_blocks import is_timing, lines_of
from beam_pipeline.corpus.formats.emorynlp import is_emorynlp
from beam_pipeline.corpus.formats.meld import is_meld
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason


class Format(enum.StrEnum):
    """The formats that are read."""

    SRT = "srt"
    WEBVTT = "webvtt"
    EMORYNLP = "emorynlp"
    MELD = "meld"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_BY_EXTENSION = {
    ".srt": Format.SRT,
    ".vtt": Format.WEBVTT,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
}
_HEAD_CHARS = 2**16
_WEBVTT = re.compile(r"\s*WEBVTT(?:\s|$)")
_JSON_OBJECT = re.compile(r"\s*\{\s*(?:\"|\})")
_KNOWN = "SRT, WebVTT, CSV, TSV, JSON lines, Parquet, EmoryNLP, MELD"


def detect(text: str, extension: str) -> Format:
    """The format of a text.

    Args:
      text: the whole of it.
      extension: of the file, in lower case: `.srt`.

    Raises:
      RefusalError: if it is none that is read.
    """
    found = _by_content(text[:_HEAD_CHARS], extension) or _BY_EXTENSION.get(extension)
    if found is None:
        raise RefusalError(
            Reason.UNKNOWN_FORMAT, f"expected {_KNOWN}; found none of them, extension '{extension}'"
        )
    return found


def _by_content(head: str, extension: str) -> Format | None:
    if _WEBVTT.match(head):
        return Format.WEBVTT
    if is_emorynlp(head):
        return Format.EMORYNLP
    if _JSON_OBJECT.match(head) and extension != ".json":
        return Format.JSONL
    if any(map(is_timing, lines_of(head))):
        return Format.WEBVTT if extension == ".vtt" else Format.SRT
    return Format.MELD if is_meld(head) else None
