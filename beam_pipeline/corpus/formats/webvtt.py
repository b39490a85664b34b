"""WebVTT: a header, then blocks that are cues, notes, styles or regions.

What is no cue has no timing line, and so is never part of one. A stream comes in segments, each
with a header that may say from when its times count (RFC 8216, 3.5); a file that was put together
from them has all their headers.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from beam_pipeline.corpus.formats.clocks import CLOCK, milliseconds
from beam_pipeline.corpus.formats.cue_blocks import Cue, ParsedCues, lines_of, read_cues
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.timings import ARROW_MARK, is_timing
from beam_pipeline.corpus.refusals import RefusalError

_EXTENSION = ".vtt"
_HEADER = re.compile(r"\s*WEBVTT(?:\s|$)")
_NEXT_HEADER = re.compile(r"\ufeff?WEBVTT(?:[ \t].*)?")
_CLOCK_START = re.compile(r"X-TIMESTAMP-MAP\s*=.*")
_MPEG_TIME = re.compile(r"MPEGTS:(\d{1,20})", re.ASCII)
_LOCAL_TIME = re.compile(rf"LOCAL:{CLOCK}", re.ASCII)
_MPEG_PERIOD_MS = 2**33 / 90
"""MPEG counts 90,000 a second, with 33 bits."""

# `7 "Ann Lee" (1234)`, as Webex writes them
_NAMED = re.compile(r'\d+ "([^"]{1,80})"(?: \(\d+\))?', re.ASCII)
_NAME = re.compile(r"(?:\d+[ .:-]+)?([^\W\d_][^\d<>]{0,79})")
_MAX_NAME_WORDS = 4


def find_webvtt(text: RawText) -> Evidence | None:
    """The header; without it only the extension tells the format from SubRip."""
    header = text.at_start(_HEADER)
    if header or text.extension != _EXTENSION:
        return header
    return text.first_line(ARROW_MARK, is_timing)


def read_webvtt(text: str) -> ParsedCues:
    """Reads the cues of a WebVTT file, with or without its header."""
    parsed = read_cues(text, blank_ends_cue=True)
    lines = [*lines_of(text)]
    cues = [*_in_segments(parsed.cues, lines)]
    names = _names([_identifier(lines, cue.line - 1) for cue in cues])
    named = (dataclasses.replace(cue, name=name) for cue, name in zip(cues, names, strict=True))
    return dataclasses.replace(parsed, cues=tuple(named))


def _in_segments(cues: Sequence[Cue], lines: Sequence[str]) -> Iterator[Cue]:
    """The cues with the segments they are in, and times from the start of the first one."""
    segment, first_ms, offset_ms, at = 0, None, 0, 0
    for cue in cues:
        for line in lines[at : cue.line]:
            if _NEXT_HEADER.fullmatch(line):
                segment, offset_ms = segment + 1, 0
            elif _CLOCK_START.match(line):
                starts_ms = _starts_ms(line)
                first_ms = starts_ms if first_ms is None else first_ms
                offset_ms = _elapsed(first_ms, starts_ms)
        at = cue.line
        yield _shifted(cue, segment, offset_ms)


def _shifted(cue: Cue, segment: int, offset_ms: int) -> Cue:
    header = next(
        (at for at, line in enumerate(cue.lines) if line.strip("\ufeff") == "WEBVTT"), None
    )
    return dataclasses.replace(
        cue,
        start_ms=cue.start_ms + offset_ms,
        end_ms=cue.end_ms + offset_ms,
        lines=cue.lines[:header],
        segment=segment,
    )


def _starts_ms(line: str) -> float:
    """The time on the stream's clock from which a segment counts; 0 if the line does not say."""
    mpeg, local = _MPEG_TIME.search(line), _LOCAL_TIME.search(line)
    if mpeg is None or local is None:
        return 0
    try:
        return int(mpeg[1]) / 90 - milliseconds(*local.groups())
    except RefusalError:
        return 0


def _elapsed(first_ms: float, later_ms: float) -> int:
    """The time between two segments, whose clock may have begun anew; 0 if it went back."""
    half = _MPEG_PERIOD_MS / 2
    return max(round((later_ms - first_ms + half) % _MPEG_PERIOD_MS - half), 0)


def _identifier(lines: Sequence[str], timing: int) -> str:
    """The line before a timing line, if it is a cue's identifier."""
    begins = timing == 1 or (timing > 1 and not lines[timing - 2].strip())
    return lines[timing - 1].strip() if begins else ""


def _names(identifiers: Sequence[str]) -> list[str | None]:
    """Who speaks, for each identifier.

    Identifiers are unique to their cues; what several cues have is no identifier, but a name.
    """
    named = [_NAMED.fullmatch(identifier) for identifier in identifiers]
    if any(named):
        return [found and found[1] for found in named]
    found = [_NAME.fullmatch(identifier) for identifier in identifiers]
    counts = Counter(name[1] for name in found if name)
    return [name[1] if name and _is_name(name[1], counts) else None for name in found]


def _is_name(identifier: str, counts: Counter[str]) -> bool:
    words = identifier.split()
    return (
        counts[identifier] > 1
        and len(words) <= _MAX_NAME_WORDS
        and all(word[0].isupper() for word in words)
    )


FORMAT = CueFormat(
    name="webvtt",
    title="WebVTT",
    extensions=(_EXTENSION,),
    recognise=find_webvtt,
    read=read_webvtt,
    known_by="`WEBVTT`, or a timing line and the extension",
    item="a line with `-->`",
    speaker="`<v Monica>`, or the identifiers of cues",
)
