"""Bytes of a file -> its episodes, its refusals and its file record.

Law of this module: no bytes make it fail. A bad file loses itself, a bad cue or row itself, and
`found == used + dropped + rejected` holds for each.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from beam_pipeline.corpus.decoding import decode
from beam_pipeline.corpus.detection import detect, detect_binary
from beam_pipeline.corpus.dialogues import Dialogues, split_dialogues
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.format import (
    BinaryCueFormat,
    CueFormat,
    DataSetFormat,
    TableFormat,
    TextFormat,
    TranscriptFormat,
)
from beam_pipeline.corpus.formats.turn_builder import ParsedTurns
from beam_pipeline.corpus.languages import (
    ISO_639_1,
    detect_language,
    known_language,
    primary_language,
)
from beam_pipeline.corpus.location import Location, extension, file_name, locate
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.refusals import Refusal, RefusalError
from beam_pipeline.corpus.repeats import without_repeats
from beam_pipeline.corpus.scripts import is_in_script
from beam_pipeline.corpus.speakers import Cast
from beam_pipeline.corpus.table_columns import RawTable
from beam_pipeline.corpus.tables import read_rows
from beam_pipeline.corpus.turns import read_turns
from beam_pipeline.corpus.unpacking import unpack
from beam_pipeline.corpus.utterances import utterance_table
from beam_pipeline.records import Episode, Reason, Rejected, SourceFile

WORDLESS: Final = "wordless"
"""The kind of cues in which there is nothing but sounds, music and the like."""

REPEATED: Final = "repeated"
"""The kind of cues that only show again what an earlier one shows."""

NOT_SPEECH: Final = "not_speech"
"""The kind of rows whose speaker is a sound, a sign or the like."""


@dataclasses.dataclass(frozen=True)
class FileContent:
    """All that became of one file.

    Attributes:
      source: its file record.
      episodes: in timeline order; one for a subtitle file, any number for a table, none without
        any utterance.
      rejected: what was refused; their `items` add up to `source.rejected`.
      predicted: whether its labels are predictions of emonet, so that no utterance has gold.
    """

    source: SourceFile
    episodes: tuple[Episode, ...]
    rejected: tuple[Rejected, ...]
    predicted: bool = False


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What a format made of a file."""

    episodes: tuple[Episode, ...]
    refused: tuple[Refusal, ...]
    used: int
    dropped: tuple[tuple[str, int], ...] = ()
    predicted: bool = False
    repaired: int = 0
    assumed: tuple[str, ...] = ()


@dataclasses.dataclass
class _FileRecord:
    """What is known of a file so far; it grows while the file is read."""

    path: str
    sha256: str
    size: int
    format: str = ""
    encoding: str = ""
    assumed: tuple[str, ...] = ()


def read_bytes(path: str, data: bytes, options: ReadOptions) -> FileContent:
    """Reads one file of any known format.

    Args:
      path: its name, for its format and its place in the corpus; it is not opened.
      data: its content, packed with gzip or not.
      options: of the user.
    """
    record = _FileRecord(path, hashlib.sha256(data).hexdigest(), len(data))
    try:
        return _content(record, _in_languages(_read(record, unpack(data), options), options))
    except RefusalError as error:
        return _refused_file(record, error.at(""))


def refuse_file(path: str, size: int, reason: Reason, detail: str) -> FileContent:
    """What is left of a file that was never read: one refusal."""
    return _refused_file(_FileRecord(path, "", size), Refusal("", reason, detail))


def _read(record: _FileRecord, data: bytes, options: ReadOptions) -> _Reading:
    location = locate(record.path, options)
    suffix = extension(record.path)
    binary = detect_binary(data, suffix)
    if binary:
        record.format = binary.name
        if isinstance(binary, BinaryCueFormat):
            return _read_cues(binary.read(data), binary.name, record.path, location, options)
        return _read_table(binary.read(data, options), record.path, location, options)
    decoded = decode(data, location.language)
    record.encoding = decoded.encoding
    if decoded.twice:
        record.assumed += ("the text was decoded twice",)
    if not decoded.text or decoded.text.isspace():
        raise RefusalError(Reason.EMPTY_FILE)
    found = detect(decoded.text, suffix, file_name(record.path))
    record.format = found.name
    return _read_text(found, decoded.text, record.path, location, options)


def _read_text(
    format: TextFormat, text: str, path: str, location: Location, options: ReadOptions
) -> _Reading:
    match format:
        case CueFormat():
            return _read_cues(format.read(text), format.name, path, location, options)
        case DataSetFormat():
            fixed = dataclasses.replace(options, columns=())
            return _read_table(format.read(text), path, location, fixed)
        case TranscriptFormat():
            return _read_transcript(format.read(text), path, location, options)
        case TableFormat():
            return _read_table(format.read(text, options), path, location, options)


def _read_cues(
    parsed: ParsedCues, format: str, path: str, location: Location, options: ReadOptions
) -> _Reading:
    if not parsed.cues and not parsed.refused and not parsed.dropped:
        raise RefusalError(Reason.NO_CUES, f"expected cues, with times as in {format}")
    cast = Cast(location.show, location.episode_id, options.names)
    cues, repeated = without_repeats(parsed.cues)
    again = ((REPEATED, repeated),) if repeated else ()
    parsed = dataclasses.replace(parsed, dropped=(*parsed.dropped, *again))
    language = location.language or parsed.language
    dialogues = split_dialogues(cues, cast, options, language)
    return _episode(parsed, len(cues), dialogues, path, location)


def _read_transcript(
    parsed: ParsedTurns, path: str, location: Location, options: ReadOptions
) -> _Reading:
    cast = Cast(location.show, location.episode_id, options.names)
    return _episode(parsed, len(parsed.turns), read_turns(parsed.turns, cast), path, location)


def _episode(
    parsed: ParsedCues | ParsedTurns,
    found: int,
    dialogues: Dialogues,
    path: str,
    location: Location,
) -> _Reading:
    """The one episode of a file, or none where nobody speaks in it.

    Args:
      parsed: what was read of the file.
      found: how many cues or turns `dialogues` were made of.
      dialogues: the utterances.
      path: of the file.
      location: of the file.
    """
    language, repaired = location.language, 0
    if isinstance(parsed, ParsedCues):
        language, repaired = language or parsed.language, parsed.repaired
    if language and dialogues.script and not is_in_script(language, dialogues.script):
        language = None
    episode = Episode(
        episode_id=location.episode_id,
        corpus=location.corpus,
        language=language,
        show=location.show,
        season=location.season,
        number=location.number,
        source=path,
        utterances=utterance_table(dialogues.utterances),
        flags=location.flags,
    )
    episodes = (episode,) if dialogues.utterances else ()
    silent = Counter(dict(parsed.dropped)) + Counter(dict(dialogues.silent))
    silent[WORDLESS] += found - dialogues.used - sum(count for _, count in dialogues.silent)
    dropped = tuple(sorted((kind, count) for kind, count in silent.items() if count))
    return _Reading(episodes, parsed.refused, dialogues.used, dropped, repaired=repaired)


def _read_table(table: RawTable, path: str, location: Location, options: ReadOptions) -> _Reading:
    if table.found == 0:
        raise RefusalError(Reason.EMPTY_FILE, "expected at least one row")
    rows = read_rows(table, path, location, options)
    dropped = ((NOT_SPEECH, rows.dropped),) if rows.dropped else ()
    used = _count(rows.episodes)
    return _Reading(
        rows.episodes, rows.refused, used, dropped, rows.predicted, rows.repaired, rows.assumed
    )


def _count(episodes: tuple[Episode, ...]) -> int:
    return sum(episode.utterances.num_rows for episode in episodes)


def _content(record: _FileRecord, reading: _Reading) -> FileContent:
    rejected = tuple(refusal.of(record.path) for refusal in reading.refused)
    dropped = sum(count for _, count in reading.dropped)
    source = SourceFile(
        **{**dataclasses.asdict(record), "assumed": record.assumed + reading.assumed},
        found=reading.used + dropped + sum(one.items for one in rejected),
        used=reading.used,
        dropped=dropped,
        rejected=sum(one.items for one in rejected),
        episodes=tuple(_summaries(reading.episodes)),
        dropped_kinds=reading.dropped,
        repaired=reading.repaired,
    )
    return FileContent(source, reading.episodes, rejected, reading.predicted)


def _in_languages(reading: _Reading, options: ReadOptions) -> _Reading:
    """Names the language of each episode, and refuses those in one that is not asked for."""
    kept, refused = [], list(reading.refused)
    used = reading.used
    for episode in map(_with_language, reading.episodes):
        language = primary_language(episode.language or "")
        if not language or options.languages is None or language in options.languages:
            kept.append(episode)
            continue
        # A file of cues has one episode, and more cues than utterances.
        items = episode.utterances.num_rows if len(reading.episodes) > 1 else reading.used
        used -= items
        wanted = ", ".join(options.languages)
        # a table's column may have anything in it
        found = language if language in ISO_639_1 else "another language"
        detail = f"expected {wanted}, found {found}; --any-language labels it anyway"
        refused.append(Refusal(episode.episode_id, Reason.OTHER_LANGUAGE, detail, items))
    return dataclasses.replace(reading, episodes=tuple(kept), refused=tuple(refused), used=used)


def _with_language(episode: Episode) -> Episode:
    known = known_language(episode.language)
    if known:
        return dataclasses.replace(episode, language=known)
    detected = detect_language(episode.utterances["text"].to_pylist())
    return dataclasses.replace(episode, language=detected)


def _summaries(episodes: tuple[Episode, ...]) -> Iterator[tuple[str, int]]:
    return ((episode.episode_id, episode.utterances.num_rows) for episode in episodes)


def _refused_file(record: _FileRecord, refusal: Refusal) -> FileContent:
    return _content(record, _Reading((), (refusal,), used=0))
