"""What stands beside the utterances of a ConvoKit corpus: nobody says anything in it.

https://convokit.cornell.edu/documentation/data_format.html. These files are known by their names,
and by the shape that all of them have: a JSON object whose values are no list of utterances.
"""

from __future__ import annotations

from beam_pipeline.corpus.formats.cue_blocks import ParsedCues
from beam_pipeline.corpus.formats.cue_builder import CueBuilder, Silent
from beam_pipeline.corpus.formats.format import CueFormat, Evidence, RawText
from beam_pipeline.corpus.formats.json_values import EXTENSION

_NAMES = frozenset(
    ("conversations.json", "corpus.json", "index.json", "speakers.json", "users.json")
)


def find_convokit_part(text: RawText) -> Evidence | None:
    """The whole object of a file with one of those names, if nothing shows another format."""
    return text.behind if text.name in _NAMES and isinstance(text.json, dict) else None


def read_convokit_part(text: str) -> ParsedCues:
    """Counts the file as one thing that nobody says."""
    builder = CueBuilder("cue")
    builder.drop(Silent.METADATA)
    return builder.build()


FORMAT = CueFormat(
    name="convokit_parts",
    title="ConvoKit, beside the utterances",
    shared_extensions=(EXTENSION,),
    recognise=find_convokit_part,
    read=read_convokit_part,
    known_by="the names `speakers.json`, `conversations.json`, `corpus.json`, `index.json`",
    item="the file, of which nothing is said",
)
