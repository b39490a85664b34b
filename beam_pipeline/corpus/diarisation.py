"""What a diariser wrote of who speaks when: RTTM, or JSON of WhisperX or pyannote -> turns.

Law of this module: no bytes make it fail. A turn is an utterance with times and a speaker; only
WhisperX has its words as well. A diariser calls a voice what it likes, and it is no name.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from beam_pipeline.corpus.decoding import decode
from beam_pipeline.corpus.formats.json_values import (
    list_at,
    milliseconds_of,
    parse_document,
    value_at,
)
from beam_pipeline.corpus.location import locate
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import FileContent, refuse_file
from beam_pipeline.corpus.refusals import Refusal, RefusalError, note
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.unpacking import unpack
from beam_pipeline.corpus.utterances import Utterance, utterance_table
from beam_pipeline.records import Episode, Reason, SourceFile, SpeakerSource

_LISTS: Final = (("segments",), ("diarization",), ("output", "diarization"), ("content",))
"""Where JSON has its turns: WhisperX, pyannote, pyannote's service, its `Annotation`."""

_RTTM = re.compile(r"SPEAKER\s+\S+\s+\S+\s+(\S+)\s+(\S+)\s+\S+\s+\S+\s+(\S+)")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,12})?", re.ASCII)


def read_diarisation(path: str, data: bytes, options: ReadOptions) -> Iterator[FileContent]:
    """Reads one file, as an episode of turns in order of time.

    Args:
      path: its name, for its place in the corpus; it is not opened.
      data: its content, packed with gzip or not.
      options: of the user.
    """
    try:
        yield _read(path, data, options)
    except RefusalError as error:
        yield refuse_file(path, len(data), error.reason, error.detail)


def _read(path: str, data: bytes, options: ReadOptions) -> FileContent:
    location = locate(path, options)
    cast = Cast(location.show, location.episode_id, options.names)
    decoded = decode(unpack(data))
    is_json = decoded.text.lstrip()[:1] in ("{", "[")
    rows = _json_rows(decoded.text) if is_json else _rttm_rows(decoded.text)
    turns: list[Utterance] = []
    refused: list[Refusal] = []
    found = 0
    for position, row in rows:
        found += 1
        try:
            turns += _turns(row, cast)
        except RefusalError as error:
            note(refused, error.at(position))
    if not found:
        raise RefusalError(Reason.NO_CUES, "expected RTTM, or JSON of WhisperX or pyannote")
    episode = Episode(
        episode_id=location.episode_id,
        corpus=location.corpus,
        language=location.language,
        show=location.show,
        season=location.season,
        number=location.number,
        source=path,
        utterances=utterance_table(sorted(turns, key=lambda turn: turn.start_ms or 0)),
    )
    source = SourceFile(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        format="diarisation" if is_json else "rttm",
        encoding=decoded.encoding,
        found=found,
        used=found - len(refused),
        dropped=0,
        rejected=len(refused),
        episodes=((episode.episode_id, episode.rows),),
    )
    return FileContent(source, (episode,), tuple(refusal.of(path) for refusal in refused))


def _rttm_rows(text: str) -> Iterator[tuple[str, Any]]:
    """The lines that tell of a speaker, with start and length in seconds."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("SPEAKER"):
            cells = _RTTM.match(line)
            yield f"line {number}", cells and _rttm_row(*cells.groups())


def _rttm_row(start: str, length: str, speaker: str) -> dict[str, object] | None:
    if not _SECONDS.fullmatch(start) or not _SECONDS.fullmatch(length):
        return None
    return {"start": float(start), "end": float(start) + float(length), "speaker": speaker}


def _json_rows(text: str) -> Iterator[tuple[str, Any]]:
    document = parse_document(text)
    lists = (list_at(document, *keys) for keys in _LISTS)
    rows = document if isinstance(document, list) else next(filter(None, lists), [])
    return ((f"segment {number}", row) for number, row in enumerate(rows, 1))


def _turns(row: object, cast: Cast) -> Iterable[Utterance]:
    """The turns of a segment: several, if its words are of several speakers."""
    words = [word for word in list_at(row, "words") if value_at(word, "speaker")]
    if not words:
        return [_turn([row], value_at(row, "text"), cast)]
    by_speaker = itertools.groupby(words, key=lambda word: value_at(word, "speaker"))
    return [_turn([*run], None, cast) for _, run in by_speaker]


def _turn(parts: list[Any], text: object, cast: Cast) -> Utterance:
    speaker = value_at(parts[0], "speaker") or value_at(parts[0], "label")
    if not isinstance(speaker, str):
        raise RefusalError(Reason.MALFORMED_CUE, "expected start, end and speaker")
    first, last = (value_at(part, "segment") or part for part in (parts[0], parts[-1]))
    start_ms = milliseconds_of(value_at(first, "start"), 1000)
    end_ms = milliseconds_of(value_at(last, "end"), 1000)
    if end_ms < start_ms:
        raise RefusalError(Reason.MALFORMED_CUE, "expected an end at or after the start")
    said = (
        text
        if isinstance(text, str)
        else " ".join(word for part in parts if isinstance(word := value_at(part, "word"), str))
    )
    spoken = " ".join(said.split())
    voice = cast.identify(speaker, SpeakerSource.DIARISATION)
    return Utterance("d001", start_ms, end_ms, voice, spoken, spoken, None)
