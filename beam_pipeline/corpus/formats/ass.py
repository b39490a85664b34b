r"""ASS and SSA: lines of fields, in an order that a Format line gives.

Our own reader: libraries leave out events they cannot read without a word. Vector drawings,
`{\p1}m 0 0 l 9 9`, are pictures in the place of text; names are in the field `Name` or `Actor`.
"""

from __future__ import annotations

import re

from beam_pipeline.corpus import limits
from beam_pipeline.corpus.formats.ass_typesetting import Event, silent_kinds
from beam_pipeline.corpus.formats.cue_blocks import ParsedCues, lines_of
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat
from beam_pipeline.corpus.formats.timings import clock_times
from beam_pipeline.corpus.refusals import RefusalError
from beam_pipeline.records import Reason

_SECTION = re.compile(r"\s*\[(?:Script Info|V4\+?\+? Styles|Events)\]", re.IGNORECASE)
_FIELDS = [
    "layer",
    "start",
    "end",
    "style",
    "name",
    "marginl",
    "marginr",
    "marginv",
    "effect",
    "text",
]
_BLOCK = re.compile(r"\{[^{}]*\}")
_SCALE = re.compile(r"\\p(\d{1,3})")


def read_ass(text: str) -> ParsedCues:
    """Reads each `Dialogue:` line as a cue, and drops each `Comment:` line, signs and songs."""
    builder = CueBuilder("line")
    events: dict[int, Event | RefusalError] = {}
    fields = _FIELDS
    for number, line in enumerate(lines_of(text), 1):
        kind, _, content = line[: limits.MAX_LINE_CHARS].lstrip().partition(":")
        match kind.lower():
            case "format":
                fields = _order(content) or fields
            case "comment":
                builder.drop(Silent.COMMENT)
            case "dialogue":
                events[number] = _read_event(fields, content)
    silent = iter(silent_kinds([one for one in events.values() if isinstance(one, Event)]))
    for number, event in events.items():
        if isinstance(event, Event):
            _add_event(builder, number, event, next(silent))
        else:
            builder.refuse(number, event)
    return builder.build()


def _order(content: str) -> list[str] | None:
    """The names of the fields of events; None if it is the order of styles."""
    names = [name.strip().lower().replace("actor", "name") for name in content.split(",")]
    known = {"start", "end", "text"} <= set(names) and names[-1] == "text"
    return names if known else None


def _read_event(fields: list[str], content: str) -> Event | RefusalError:
    cells = content.split(",", len(fields) - 1)
    if len(cells) < len(fields):
        detail = f"expected {len(fields)} fields, found {len(cells)}"
        return RefusalError(Reason.MALFORMED_CUE, detail)
    event = dict(zip(fields, cells, strict=True))
    style, name, effect = (event.get(field, "").strip() for field in ("style", "name", "effect"))
    times = clock_times(event["start"], event["end"])
    return Event(times.start_ms, times.end_ms, style, name, effect, event["text"], times.repaired)


def _add_event(builder: CueBuilder, number: int, event: Event, silent: Silent | None) -> None:
    text, drawn = _without_drawings(event.text)
    if drawn and not _BLOCK.sub("", text).strip():
        silent = Silent.DRAWING
    if silent:
        builder.drop(silent)
        return
    lines = re.split(r"\\[Nn]", text.replace("\\h", " "))
    name = event.name or None
    builder.add(number, event.start_ms, event.end_ms, lines, name, event.repaired)


def _without_drawings(text: str) -> tuple[str, bool]:
    """Takes out drawings and remarks in braces, and says whether anything was drawn."""
    kept: list[str] = []
    at, scale, drawn = 0, 0, False
    for block in _BLOCK.finditer(text):
        kept += [text[at : block.start()]] if not scale else []
        drawn |= bool(scale) and bool(text[at : block.start()].strip())
        scales = _SCALE.findall(block[0])
        scale = int(scales[-1]) if scales else scale
        # what has no backslash does nothing: a remark of those who made the subtitles
        kept += [block[0]] if "\\" in block[0] else []
        at = block.end()
    drawn |= bool(scale) and bool(text[at:].strip())
    return "".join(kept) + (text[at:] if not scale else ""), drawn


FORMAT = CueFormat(
    name="ass",
    title="ASS, SSA",
    extensions=(".ass", ".ssa"),
    recognise=lambda text: text.at_start(_SECTION),
    read=read_ass,
    known_by="`[Script Info]` or another section",
    item="`Dialogue:`, `Comment:`",
    speaker="field `Name` or `Actor`",
)
