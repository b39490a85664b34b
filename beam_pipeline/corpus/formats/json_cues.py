"""What is said in a document of JSON -> cues: words are kept, whatever their times are like."""

from __future__ import annotations

from beam_pipeline.corpus.formats.cue_builder import CueBuilder
from beam_pipeline.corpus.formats.json_values import name_of, text_of, time_of
from beam_pipeline.corpus.refusals import RefusalError


def add_spoken(
    builder: CueBuilder,
    number: int,
    text: object,
    times: tuple[object, object],
    name: object = None,
    factor: int = 1000,
) -> None:
    """Takes in what somebody says; a time that cannot be read is left open and counts as repaired.

    Args:
      builder: of the file's cues.
      number: the position in the file.
      text: as the document has it; what is no text is refused.
      times: start and end as the document has them.
      name: who speaks, as the document has it.
      factor: milliseconds of one, where times are numbers.
    """
    try:
        speech = text_of(text)
    except RefusalError as error:
        builder.refuse(number, error)
        return
    start_ms, end_ms = (time_of(time, factor) for time in times)
    is_open = start_ms is None or end_ms is None
    builder.add(number, start_ms, end_ms, speech.split("\n"), name_of(name), repaired=is_open)
