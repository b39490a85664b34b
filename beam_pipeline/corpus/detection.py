"""What format a text is in: by what stands in it, and only then by its extension."""

from __future__ import annotations

import enum
import re

from beam_pipeline.corpus.formats import scc
from beam_pipeline.corpus.formats.ass import is_ass
from beam_pipeline.corpus.formats.cue_blocks import is_timing, lines_of
from beam_pipeline.corpus.formats.emorynlp import is_emorynlp
from beam_pipeline.corpus.formats.meld import is_meld
from beam_pipeline.corpus.formats.microdvd import is_microdvd
from beam_pipeline.corpus.formats.opus import is_opus
from beam_pipeline.corpus.formats.sami import is_sami
from beam_pipeline.corpus.formats.sbv import is_sbv_timing
from beam_pipeline.corpus.formats.ttml import is_ttml
from beam_pipeline.corpus.formats.whisper import is_whisper
from beam_pipeline.corpus.formats.xed import is_xed
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason


class Format(enum.StrEnum):
    """The formats that are read."""

    SRT = "srt"
    WEBVTT = "webvtt"
    ASS = "ass"
    MICRODVD = "microdvd"
    SAMI = "sami"
    SBV = "sbv"
    SCC = "scc"
    TTML = "ttml"
    OPUS = "opus"
    WHISPER = "whisper"
    EMORYNLP = "emorynlp"
    MELD = "meld"
    XED = "xed"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_BY_EXTENSION = {
    ".srt": Format.SRT,
    ".vtt": Format.WEBVTT,
    ".ass": Format.ASS,
    ".ssa": Format.ASS,
    ".sub": Format.MICRODVD,
    ".smi": Format.SAMI,
    ".sami": Format.SAMI,
    ".sbv": Format.SBV,
    ".scc": Format.SCC,
    ".ttml": Format.TTML,
    ".dfxp": Format.TTML,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
}
_HEAD_CHARS = 2**16
_WEBVTT = re.compile(r"\s*WEBVTT(?:\s|$)")
_JSON_OBJECT = re.compile(r"\s*\{\s*(?:\"|\})")
_KNOWN = (
    "SRT, WebVTT, ASS, MicroDVD, SAMI, SBV, SCC, TTML, OPUS XML, Whisper JSON, CSV, TSV, JSON "
    "lines, Parquet, EmoryNLP, MELD, XED"
)


def detect(text: str, extension: str) -> Format:
    """The format of a text.

    Args:
      text: the whole of it.
      extension: of the file, in lower case: `.srt`.

    Raises:
      RefusalError: if it is none that is read.
    """
    if extension == ".json" and is_whisper(text):
        return Format.WHISPER
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
    found = _by_header(head) or _by_timing(head, extension)
    if found is None and is_meld(head):
        return Format.MELD
    return Format.XED if found is None and is_xed(head) else found


def _by_header(head: str) -> Format | None:
    """What says at its begin what it is; any text may stand in its cues."""
    if head.lstrip().startswith(scc.HEADER):
        return Format.SCC
    if is_ass(head):
        return Format.ASS
    if not head.lstrip().startswith("<"):
        return None
    shapes = {Format.TTML: is_ttml, Format.SAMI: is_sami, Format.OPUS: is_opus}
    return next((format for format, is_so in shapes.items() if is_so(head)), None)


def _by_timing(head: str, extension: str) -> Format | None:
    if is_microdvd(head):
        return Format.MICRODVD
    for line in lines_of(head):
        if is_timing(line):
            return Format.WEBVTT if extension == ".vtt" else Format.SRT
        if is_sbv_timing(line):
            return Format.SBV
    return None
