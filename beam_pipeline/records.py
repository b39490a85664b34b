"""What flows through the job and what is written: records and Arrow schemas.

Law of this module: pyarrow and the standard library only. Beam, torch and files are elsewhere.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa

UTTERANCES = pa.schema(
    [
        pa.field("dialogue_id", pa.string(), nullable=False),
        pa.field("start_ms", pa.int64()),
        pa.field("end_ms", pa.int64()),
        pa.field("speaker_id", pa.string()),
        pa.field("speaker_name", pa.string()),
        pa.field("speaker_kind", pa.string(), nullable=False),
        pa.field("speaker_source", pa.string(), nullable=False),
        pa.field("speaker_confidence", pa.float32()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("text_raw", pa.string(), nullable=False),
        pa.field("gold", pa.string()),
    ]
)
"""The columns of an episode, a row an utterance, in the order in which they were said.

`dialogue_id` is unique within the episode and changes where a dialogue ends; times are null
where the source has none; `speaker_id` is null where the speaker is not known;
`speaker_confidence` is null unless a transcript or a diarisation told it; `text` is what the model
reads, `text_raw` the same as the source has it; `gold` is the label a data set gives.
"""


class EmonetError(Exception):
    """Something a user can put right: the message names what, where and what to do."""


_OURS = re.compile(
    r"(?:EmonetError|ConflictError|ModelError): (.+?)(?: \[while running|$)", re.MULTILINE
)


def own_sentence(error: BaseException) -> str | None:
    """What an error of ours says; engines hand ours on as text within their own. None for others.

    A message of others is never shown, for it may hold text of the corpus.
    """
    ours: list[str] = _OURS.findall(f"{type(error).__name__}: {error}")
    return ours[-1] if ours else None


class Reason(enum.StrEnum):
    """Why something was refused."""

    UNKNOWN_FORMAT = "unknown_format"
    UNREADABLE_FILE = "unreadable_file"
    EMPTY_FILE = "empty_file"
    NO_CUES = "no_cues"
    TRUNCATED_GZIP = "truncated_gzip"
    NESTED_ARCHIVE = "nested_archive"
    UNSAFE_PATH = "unsafe_path"
    FILE_TOO_LARGE = "file_too_large"
    UNDECODABLE = "undecodable"
    MISSING_COLUMN = "missing_column"
    MALFORMED_FILE = "malformed_file"
    MALFORMED_CUE = "malformed_cue"
    MALFORMED_ROW = "malformed_row"
    TEXT_TOO_LONG = "text_too_long"
    EMPTY_TEXT = "empty_text"
    OTHER_LANGUAGE = "other_language"
    DUPLICATE_EPISODE = "duplicate_episode"
    DUPLICATE = "duplicate"


class SpeakerKind(enum.StrEnum):
    """What is known of who speaks, and so how far they are one person.

    `named` speakers have an id, a history and a memory in their whole show; `generic` (`Man 1`)
    and `diarised` (`SPEAKER_00`) ones an id and a history in their episode; all others neither.
    What is said by `no_speech` (`Sign`) is left out and counted, so it is never written.
    """

    NAMED = "named"
    GENERIC = "generic"
    DIARISED = "diarised"
    GROUP = "group"
    SEVERAL = "several"
    UNKNOWN = "unknown"
    NO_SPEECH = "no_speech"


class SpeakerSource(enum.StrEnum):
    """Where a speaker's name was found."""

    LABEL = "label"
    VOICE_TAG = "voice_tag"
    FIELD = "field"
    COLUMN = "column"
    TRANSCRIPT = "transcript"
    DIARISATION = "diarisation"
    NONE = "none"


Place = tuple[str, int, int, str]
"""Where an episode stands on the timeline of its night: show, season, number, episode id."""


@dataclasses.dataclass(frozen=True)
class Episode:
    """One recording: the unit of work, with its utterances as columns.

    Attributes:
      episode_id: unique in the corpus and stable, e.g. `Friends/s01e15`.
      corpus: the name of the corpus.
      language: BCP 47 tag, or None where nothing says and too little is said to tell.
      show: the namespace of its speakers.
      season: None where it is not known.
      number: the episode's number in its season, None where it is not known.
      source: the file it came from.
      utterances: a table with schema `UTTERANCES`.
      flags: what the file's name says of the track: `forced`, `sdh`, `cc`, `hi`, `default`.
    """

    episode_id: str
    corpus: str
    language: str | None
    show: str
    season: int | None
    number: int | None
    source: str
    utterances: pa.Table
    flags: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Its place on the timeline; what has no number comes before what has one."""
        season = -1 if self.season is None else self.season
        number = -1 if self.number is None else self.number
        return (self.show, season, number, self.episode_id)

    @property
    def rows(self) -> int:
        """How many utterances it has."""
        return self.utterances.num_rows  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """See `content_digest`."""
        return content_digest(self.utterances)


def content_digest(utterances: pa.Table) -> str:
    """Names the words, speakers' names and times: equal for an episode and for its labelled rows.

    It does not depend on the file's name, as a speaker's id does, nor on how sure a name is.
    """
    left_out = ("gold", "speaker_confidence", "speaker_id", "text_raw")
    columns = [name for name in UTTERANCES.names if name not in left_out]
    content = json.dumps(utterances.select(columns).to_pydict())
    return hashlib.sha256(content.encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Rejected:
    """Something that was refused. It never carries text of the corpus.

    Attributes:
      source: the file.
      position: where in it, for a person: `line 12`, `row 3`, or `` for the whole file.
      reason: why.
      detail: more for a person, e.g. `expected 5 cells as in the header, found 2`.
      items: how many cues or rows were lost with it.
    """

    source: str
    position: str
    reason: Reason
    detail: str
    items: int

    @property
    def is_file(self) -> bool:
        """Whether it is a whole file, whose cues nobody counted: `items` is 1 then."""
        return not self.position


def amount(files: int, cues: int) -> str:
    """How much was refused, in words: files and cues are counted apart and have no sum."""
    parts = [
        f"{count:,} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((files, "file"), (cues, "cue"))
        if count
    ]
    return ", ".join(parts) or "0"


def amount_of(rejected: Iterable[Rejected]) -> str:
    """How much these refusals are, in words."""
    counts = Counter[bool]()
    for one in rejected:
        counts[one.is_file] += one.items
    return amount(counts[True], counts[False])


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """The file record of one input file: `found == used + dropped + rejected`, in cues or rows.

    Attributes:
      path: as it was given.
      sha256: hex digest of its bytes.
      size: in bytes.
      format: its format, e.g. `srt`; empty where it was not recognised.
      encoding: the text encoding that was used; empty where there is none.
      found: cues or rows in it; 1 for a file that could not be read as any.
      used: those that went into utterances.
      dropped: those without speech (descriptions of sounds, lyrics, credits, signs).
      rejected: those refused, each accounted for by a `Rejected`.
      episodes: id and number of utterances of each of its episodes.
      dropped_kinds: pairs of a kind and the number of cues that were dropped for it.
      members: the paths of the files in it, each with its own file record; none unless it is an
        archive, and an archive has no cues itself.
      repaired: cues or rows that were kept although a time of theirs could not be read, or cannot
        be, as of an end before the start; they are among those used and dropped.
      assumed: what was assumed of the file, as nobody said it: how it was decoded, and what its
        columns are.
    """

    path: str
    sha256: str
    size: int
    format: str
    encoding: str
    found: int
    used: int
    dropped: int
    rejected: int
    episodes: tuple[tuple[str, int], ...]
    dropped_kinds: tuple[tuple[str, int], ...] = ()
    members: tuple[str, ...] = ()
    repaired: int = 0
    assumed: tuple[str, ...] = ()


REJECTED = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("position", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("items", pa.int64(), nullable=False),
    ]
)
"""A row for everything that was refused, sorted by source and position."""


def memory_schema(width: int) -> pa.Schema:
    """A row a speaker, sorted by id: `embeddings`, oldest first, `width` float16 each."""
    return pa.schema(
        [
            pa.field("speaker_id", pa.string(), nullable=False),
            pa.field("embeddings", pa.list_(pa.list_(pa.float16(), width)), nullable=False),
        ]
    )


def labels_schema(labels: Sequence[str]) -> pa.Schema:
    """A row an utterance, sorted by episode and utterance; see docs/data-format.md."""
    return pa.schema(
        [
            pa.field("corpus", pa.string(), nullable=False),
            pa.field("language", pa.string()),
            pa.field("show", pa.string(), nullable=False),
            pa.field("season", pa.int32()),
            pa.field("episode", pa.int32()),
            pa.field("episode_id", pa.string(), nullable=False),
            UTTERANCES.field("dialogue_id"),
            pa.field("utterance", pa.int32(), nullable=False),
            *(UTTERANCES.field(name) for name in UTTERANCES.names[1:-1]),
            pa.field("label", pa.dictionary(pa.int8(), pa.string()), nullable=False),
            *(pa.field(f"prob_{label.lower()}", pa.float32(), nullable=False) for label in labels),
            pa.field("speaker_logit", pa.float32(), nullable=False),
            pa.field("history_length", pa.int32(), nullable=False),
            pa.field("model_id", pa.string(), nullable=False),
        ]
    )


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A labelled episode: its place on the timeline and its rows, as `labels_schema` has them."""

    place: Place
    rows: pa.Table
