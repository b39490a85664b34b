"""Who speaks: subtitles that name nobody, named by a transcript that other people made.

    python benchmarks/naming.py ../shared/data        # who is named, who rightly, what it costs
    python benchmarks/naming.py ../shared/data 12     # labels that names change, in 12 episodes

MELD's train and dev rows (its test rows are never read) become an SRT file an episode, without a
name, in memory; it is read as any file is and named by the transcript of *Friends*. A row counts as
named if most of its words are in utterances of one speaker, and as right if that one is MELD's
`Speaker`. MELD writes other names than the transcript. A pair of names is one person if one is a
word of the other (`Monica`, `Monica Geller`), or if it is in `SPELLINGS`, a table of people that
was made by reading: nothing else is forgiven.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from meld_subtitles import (
    SHOW,
    Change,
    Key,
    Texts,
    as_srt,
    diarised,
    file_of,
    half_missing,
    misheard,
    names_of_rows,
    read_subtitles,
    scenes_missing,
    scenes_swapped,
    texts_of,
    unchanged,
)
from rich.console import Console
from rich.table import Table

from beam_pipeline.corpus.names import canonical
from beam_pipeline.corpus.naming import match_tokens, name_by_transcript
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.corpus.reading import read_bytes
from beam_pipeline.corpus.speakers import NOBODY, Cast
from beam_pipeline.corpus.utterances import Utterance, utterance_table, utterances_of
from beam_pipeline.corpus.voices import hear_voices, name_voices
from beam_pipeline.labelling import label_episodes
from emonet import load_model

SPELLINGS = {
    ("all", "#all#"),
    ("an", "woman"),
    ("dr drake remoray", "dr drake ramoray"),
    ("dr green", "leonard green"),
    ("dr leedbetter", "dr ledbetter"),
    ("dr stryker ramoray", "dr stryker remoray"),
    ("joey/drake", "dr drake ramoray"),
    ("kyle", "the cute guy"),
    ("mr geller", "jack geller"),
    ("mr tribbiani", "joey tribbiani sr"),
    ("mr waltham", "stephen waltham"),
    ("mrs geller", "judy geller"),
    ("mrs green", "sandra green"),
    ("mrs tribbiani", "gloria tribbiani"),
    ("mrs waltham", "andrea waltham"),
    ("pete", "peter becker"),
    ("phoebe sr", "phoebe abbott"),
    ("phoebe/waitress", "phoebe buffay"),
    ("rachel/actress", "rachel green"),
    ("steve", "steven fisher"),
    ("young ethan", "ethan"),
}
"""MELD's name and the transcript's, where they are one person's and no word tells so."""

TWO_PARTS = {(8, 23): (8, 24), (9, 23): (9, 24)}
"""Double episodes that MELD gives one number, and the transcript two."""

SEED = 21


@dataclasses.dataclass
class Score:
    """What became of MELD's rows: how many came, how many are named, and the wrong ones.

    `wrong` has the episode, the row, and the name it was given.
    """

    rows: int = 0
    named: int = 0
    wrong: list[tuple[Key, Utterance, str]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def cells(self) -> list[str]:
        """The score as it is shown."""
        right = self.named - len(self.wrong)
        precision = f"{right / self.named:.2%}" if self.named else "nobody is named"
        coverage = f"{self.named / self.rows:.2%}"
        return [f"{self.rows:,}", f"{self.named:,}", coverage, precision, f"{len(self.wrong)}"]


def is_one_person(name: str, full: str) -> bool:
    """Whether MELD's name and the transcript's are one person's."""
    short, long = canonical(name), canonical(full)
    return short == long or short in long.split() or (short, long) in SPELLINGS


def score(
    meld: Texts,
    transcripts: Texts,
    subtitles_as: Change = unchanged,
    transcript_as: Change = unchanged,
    of_another: bool = False,
) -> Score:
    """Names every episode of MELD, and holds the names against MELD's.

    Args:
      meld: with speakers and times.
      transcripts: with speakers.
      subtitles_as: what is done to MELD's words first.
      transcript_as: what is done to the transcript first.
      of_another: whether each episode is given the transcript of another one, chosen by chance.
    """
    chance = random.Random(SEED)
    total = Score()
    for key, rows in sorted(meld.items()):
        keys = [key, *([TWO_PARTS[key]] if key in TWO_PARTS else [])]
        if of_another:
            keys = [chance.choice([one for one in sorted(transcripts) if one not in keys])]
        transcript = [one for part in keys for one in transcripts[part]]
        transcript = transcript_as(transcript, chance)
        heard = subtitles_as(rows, chance)
        subtitles = read_subtitles(key, heard)
        begin = time.process_time()
        matches = match_tokens(subtitles, transcript)
        named = name_by_transcript(subtitles, transcript, matches, Cast(SHOW, "", {}))
        total.seconds += time.process_time() - begin
        for row, name in zip(rows, names_of_rows(heard, named.utterances), strict=True):
            total.rows += 1
            if name is not None:
                total.named += 1
                if not is_one_person(row.speaker.name or "", name):
                    total.wrong.append((key, row, name))
    return total


def quality(data: Path) -> Iterator[Table]:
    """How many rows are named, how many of them rightly, and the wrong ones to read."""
    parts = [data / "meld" / f"{part}_sent_emo.csv" for part in ("train", "dev")]
    meld, train = texts_of(*parts), texts_of(parts[0])
    transcripts = texts_of(data / "friends" / "friends_transcript.parquet")
    words = [word for text in transcripts.values() for one in text for word in one.text.split()]
    table = Table("subtitles and transcript", "rows", "named", "coverage", "precision", "wrong")
    plain = score(meld, transcripts)
    table.add_row("as they are", *plain.cells())
    table.add_row(
        "the first 60 episodes of train",
        *score({key: train[key] for key in sorted(train)[:60]}, transcripts).cells(),
    )
    for share in (0.1, 0.2, 0.3):
        heard = score(meld, transcripts, subtitles_as=misheard(share, words))
        table.add_row(f"{share:.0%} of words misheard", *heard.cells())
    for change in (scenes_missing, half_missing, scenes_swapped):
        name = (change.__doc__ or "").partition(".")[0]
        table.add_row(
            f"transcript: {name}", *score(meld, transcripts, transcript_as=change).cells()
        )
    other = score(meld, transcripts, of_another=True)
    table.add_row("transcript of another episode", *other.cells())
    for name, with_names, heard_as in (
        ("diarisation alone: the right voice", False, unchanged),
        ("diarisation and transcript", True, unchanged),
        ("the same, 30% of words misheard", True, misheard(0.3, words)),
    ):
        both = with_voices(meld, transcripts, named=with_names, heard=heard_as)
        table.add_row(name, *both.cells())
    yield table
    wrong = Table("episode", "ms", "MELD", "transcript", "text", title="wrong, as they are")
    for (season, number), row, name in plain.wrong:
        place, start = f"s{season:02d}e{number:02d}", f"{row.start_ms}"
        wrong.add_row(place, start, row.speaker.name, name, row.text[:80])
    yield wrong


def costs() -> Iterator[Table]:
    """Time and memory for an episode, for ten seasons, and for one very long file."""
    chance = random.Random(SEED)
    vocabulary = [f"w{int(chance.paretovariate(0.9))}" for _ in range(200_000)]

    def utterances(count: int) -> list[Utterance]:
        return [
            Utterance("d1", at * 3000, at * 3000 + 2500, NOBODY, text, text, None)
            for at in range(count)
            for text in [" ".join(chance.choices(vocabulary, k=8))]
        ]

    table = Table("utterances of 8 words", "episodes", "seconds", "ms an episode", "MiB at most")
    for count, episodes in ((400, 1), (400, 240), (100_000, 1)):
        texts = [utterances(count) for _ in range(min(episodes, 20))]
        heard = misheard(0.1, vocabulary)
        pairs = [(heard(text, chance), text) for text in texts]
        begin = time.process_time()
        for number in range(episodes):
            subtitles, transcript = pairs[number % len(pairs)]
            matches = match_tokens(subtitles, transcript)
            name_by_transcript(subtitles, transcript, matches, Cast(SHOW, "", {}))
        seconds = time.process_time() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cells = (f"{seconds:.2f}", f"{1000 * seconds / episodes:.0f}", f"{peak:.0f}")
        table.add_row(f"{count:,}", f"{episodes}", *cells)
    yield table


def with_voices(
    meld: Texts, transcripts: Texts, *, named: bool, heard: Change = unchanged
) -> Score:
    """The same score with a diarisation of MELD's times; a voice is right if it is mostly his.

    Args:
      meld: with speakers and times.
      transcripts: with speakers.
      named: whether a transcript stands beside the diarisation and gives voices names.
      heard: what is done to MELD's words first.
    """
    chance = random.Random(SEED)
    total = Score()
    cast = Cast(SHOW, "", {})
    for key, rows in sorted(meld.items()):
        said = heard(rows, chance)
        voices = sorted({row.speaker.name or "" for row in rows})
        utterances = hear_voices(read_subtitles(key, said), diarised(rows, chance), cast)
        if named:
            matches = match_tokens(utterances, transcripts[key])
            found = name_by_transcript(utterances, transcripts[key], matches, cast)
            utterances = [*name_voices(found.utterances, found.pairs, cast)]
        for row, name in zip(rows, names_of_rows(said, utterances), strict=True):
            total.rows += 1
            is_voice = name is not None and name.isdecimal()
            if name is None or (named and is_voice):
                continue
            total.named += 1
            own = row.speaker.name or ""
            right = voices[int(name)] == own if is_voice else is_one_person(own, name)
            if not right:
                total.wrong.append((key, row, name))
    return total


def changed_labels(data: Path, count: int) -> Table:
    """How many labels differ with and without names, over the first episodes of train."""
    model = load_model()
    meld = texts_of(data / "meld" / "train_sent_emo.csv")
    transcripts = texts_of(data / "friends" / "friends_transcript.parquet")
    unnamed, named = [], []
    for key in sorted(meld)[:count]:
        (episode,) = read_bytes(file_of(key), as_srt(meld[key]), ReadOptions("friends")).episodes
        said = utterances_of(episode.utterances)
        matches = match_tokens(said, transcripts[key])
        found = name_by_transcript(said, transcripts[key], matches, Cast(SHOW, "", {}))
        unnamed.append(episode)
        named.append(dataclasses.replace(episode, utterances=utterance_table(found.utterances)))
    before, after = (
        {
            (row["episode_id"], row["start_ms"], row["text"]): row
            for labelled in label_episodes(model.network, episodes, model.checkpoint.model_id)
            for row in labelled.rows.to_pylist()
        }
        for episodes in (unnamed, named)
    )
    both = before.keys() & after.keys()
    with_history = [row for row in both if after[row]["history_length"]]
    table = Table("utterances", "of them", "another label with names", "share")
    for name, rows in (("as they were", both), ("with a history", with_history)):
        changed = sum(before[row]["label"] != after[row]["label"] for row in rows)
        table.add_row(name, f"{len(rows):,}", f"{changed:,}", f"{changed / len(rows):.1%}")
    table.add_row("cut by the transcript", f"{len(before) - len(both):,}", "", "")
    return table


def main(folder: str, labelled: str = "0") -> None:
    """Prints the tables; with a number, that of labels over so many episodes alone."""
    if int(labelled):
        Console().print(changed_labels(Path(folder), int(labelled)))
        return
    for table in itertools.chain(costs(), quality(Path(folder))):
        Console().print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
