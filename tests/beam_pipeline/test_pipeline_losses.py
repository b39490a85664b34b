"""Engines that lose or double something: a night of theirs is never committed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.pvalue import PCollection
from made_up_corpora import episode, label, labels_of, write_jsonl, write_season
from made_up_runs import files_of, remembered

from beam_pipeline import memory
from beam_pipeline.corpus.speakers import speaker_id
from beam_pipeline.look_through import LookedThrough, look_through
from beam_pipeline.memory import Recall, Tail
from beam_pipeline.records import Labelled, own_sentence
from beam_pipeline.stages.encode import EncodeEpisodes
from beam_pipeline.stages.label import LabelEpisodes, LabelledOrNot
from beam_pipeline.stages.recall import Recalled, RecallSpeakers, _Recall
from beam_pipeline.stages.slices import ReadKept
from beam_pipeline.stages.write import Written
from model.checkpoint import Checkpoint

BO = speaker_id("Quay", "Bo")
EPISODE = "Quay/s01e04"

# when a run fails, Beam's threads lose their connection to one another
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

Change = Callable[[Any], list[Any]]
Nights = tuple[Path, Path]


def loses(chosen: Callable[[Any], bool]) -> Change:
    return lambda element: [] if chosen(element) else [element]


def doubles(chosen: Callable[[Any], bool]) -> Change:
    return lambda element: [element, element] if chosen(element) else [element]


def is_recall(element: tuple[str, Recall]) -> bool:
    return element[0] == EPISODE and element[1].speaker_id == BO


def is_key(element: tuple[str, Any]) -> bool:
    return element[0] == EPISODE


def is_bo(element: tuple[str, Any]) -> bool:
    return element[0] == BO


def is_labelled(labelled: Labelled) -> bool:
    return labelled.place[3] == EPISODE


@pytest.fixture
def nights(tiny_checkpoint: Checkpoint, tmp_path: Path) -> Nights:
    """The output of a first night, and the files of the second, in which Cleo says nothing."""
    output, second = tmp_path / "out", tmp_path / "quay"
    label(tiny_checkpoint, [write_season(tmp_path / "first", (1, 2))], output, night="1")
    for number in (3, 4, 5):
        rows = [row for row in episode(number) if row["speaker"] != "Cleo"]
        write_jsonl(second / f"{number}.jsonl", rows)
    (second / "empty.srt").write_text("")
    return output, second


def assert_refused(checkpoint: Checkpoint, nights: Nights, *messages: str) -> None:
    output, second = nights
    before = files_of(output)
    with pytest.raises(Exception, match="night 2 is not committed") as refused:
        label(checkpoint, [second], output, night="2")
    assert (own_sentence(refused.value) or "").startswith("night 2 is not committed")
    for sentence in messages:
        assert sentence in str(refused.value)
    # files that no manifest names may be left; what was there before is as it was
    after = files_of(output)
    assert before.items() <= after.items()
    assert [name for name in after if name.startswith("_manifests/night")] == [
        "_manifests/night=1.json"
    ]


def test_an_engine_that_loses_nothing_is_not_refused(
    tiny_checkpoint: Checkpoint, nights: Nights
) -> None:
    output, second = nights
    manifest = label(tiny_checkpoint, [second], output, night="2")
    assert EPISODE in labels_of(output, manifest)["episode_id"].to_pylist()
    assert manifest["counts"]["speakers"] == 3
    assert len(remembered(output, manifest)) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (loses(is_recall), f"{EPISODE}: {BO}: 0 recalls, expected 1"),
        (doubles(is_recall), f"{EPISODE}: {BO}: 2 recalls, expected 1"),
    ],
)
def test_a_recall_that_is_lost_or_doubled_is_found(
    tiny_checkpoint: Checkpoint,
    nights: Nights,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    message: str,
) -> None:
    class Engine(RecallSpeakers):
        def expand(self, inputs: Any) -> Recalled:
            recalled = super().expand(inputs)
            return recalled._replace(recalls=recalled.recalls | "Change" >> beam.FlatMap(change))

    monkeypatch.setattr("beam_pipeline.pipeline.RecallSpeakers", Engine)
    assert_refused(tiny_checkpoint, nights, message, "1 episodes or files (2 faults)")


def recall_without_a_tail(
    speaker: str, scattered: Iterable[Tail], n: int
) -> Iterator[tuple[str | None, Recall]]:
    kept = [tail for tail in scattered if speaker != BO or tail.place[3:] != (EPISODE,)]
    return memory.recall(speaker, kept, n)


def recall_without_the_memory(
    speaker: str, scattered: Iterable[Tail], n: int
) -> Iterator[tuple[str | None, Recall]]:
    return memory.recall(speaker, [tail for tail in scattered if speaker != BO or tail.place], n)


def recall_in_two_firings(
    speaker: str, scattered: Iterable[Tail], n: int
) -> Iterator[tuple[str | None, Recall]]:
    whole: Sequence[Tail] = sorted(scattered, key=lambda tail: tail.place)
    if speaker != BO:
        return memory.recall(speaker, whole, n)
    *first, _ = memory.recall(speaker, whole[:2], n)
    return itertools.chain(first, memory.recall(speaker, whole[2:], n))


@pytest.mark.parametrize(
    ("recall", "messages"),
    [
        (
            recall_without_a_tail,
            (
                f"{EPISODE}: {BO}: 0 recalls, expected 1",
                f"Quay/s01e05: {BO}: recalled from 2 tails, expected 3",
            ),
        ),
        (
            recall_without_the_memory,
            (
                f"Quay/s01e03: {BO}: recalled from 0 tails, expected 1",
                f"Quay/s01e05: {BO}: recalled from 2 tails, expected 3",
            ),
        ),
        (
            recall_in_two_firings,
            (
                f"{EPISODE}: {BO}: recalled from 0 tails, expected 2",
                f"Quay/s01e05: {BO}: recalled from 1 tails, expected 3",
            ),
        ),
    ],
)
def test_a_bag_that_lost_a_tail_or_was_emptied_twice_is_found(
    tiny_checkpoint: Checkpoint,
    nights: Nights,
    monkeypatch: pytest.MonkeyPatch,
    recall: Any,
    messages: tuple[str, ...],
) -> None:
    monkeypatch.setattr("beam_pipeline.stages.recall.recall", recall)
    assert_refused(tiny_checkpoint, nights, *messages)


def test_a_speaker_whose_memory_is_lost_after_tonight_is_found(
    tiny_checkpoint: Checkpoint, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine(RecallSpeakers):
        def expand(self, inputs: Any) -> Recalled:
            recalled = super().expand(inputs)
            kept = recalled.memory | "Forget" >> beam.FlatMap(loses(is_bo))
            return recalled._replace(memory=kept)

    monkeypatch.setattr("beam_pipeline.pipeline.RecallSpeakers", Engine)
    assert_refused(tiny_checkpoint, nights, "the run: 3 speakers to remember, 2 written")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (loses(is_key), f"{EPISODE}: 14 utterances read, 0 labelled"),
        (doubles(is_key), f"{EPISODE}: 2 encodings, expected 1"),
    ],
)
def test_an_encoded_episode_that_is_lost_or_doubled_is_found(
    tiny_checkpoint: Checkpoint,
    nights: Nights,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    message: str,
) -> None:
    class Engine(EncodeEpisodes):
        def expand(self, episodes: Any) -> PCollection[Any]:
            changed = super().expand(episodes) | "Change" >> beam.FlatMap(change)
            return changed | beam.Map(_same).with_output_types(tuple[str, Any])

    write_jsonl(nights[1] / "4.jsonl", episode(4))
    monkeypatch.setattr("beam_pipeline.pipeline.EncodeEpisodes", Engine)
    assert_refused(tiny_checkpoint, nights, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (loses(is_labelled), "14 utterances read, 0 labelled"),
        (doubles(is_labelled), "14 utterances read, 28 labelled"),
    ],
)
def test_a_labelled_episode_that_is_lost_or_doubled_is_found(
    tiny_checkpoint: Checkpoint,
    nights: Nights,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    message: str,
) -> None:
    class Engine(LabelEpisodes):
        def expand(self, inputs: Any) -> LabelledOrNot:
            labelling = super().expand(inputs)
            return labelling._replace(
                labelled=labelling.labelled | "Change" >> beam.FlatMap(change)
            )

    write_jsonl(nights[1] / "4.jsonl", episode(4))
    monkeypatch.setattr("beam_pipeline.pipeline.LabelEpisodes", Engine)
    assert_refused(tiny_checkpoint, nights, f"{EPISODE}: {message}")


def test_a_refusal_that_is_lost_is_found(
    tiny_checkpoint: Checkpoint, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine(ReadKept):
        def expand(self, begin: Any) -> Written:
            written = super().expand(begin)
            kept = written.rejected | "Lose" >> beam.Filter(lambda _: False)
            return written._replace(rejected=kept)

    monkeypatch.setattr("beam_pipeline.pipeline.ReadKept", Engine)
    assert_refused(tiny_checkpoint, nights, "empty.srt: 1 refusals counted, 0 came")


def test_a_file_that_is_never_read_is_found(
    tiny_checkpoint: Checkpoint, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loses_a_file(paths: Sequence[str], *rest: Any) -> LookedThrough:
        return look_through([path for path in paths if not path.endswith("4.jsonl")], *rest)

    monkeypatch.setattr("beam_pipeline.slices.look_through", loses_a_file)
    assert_refused(tiny_checkpoint, nights, "4.jsonl: read 0 times, expected 1")


def _same(element: Any) -> Any:
    return element


class Bag(list[Tail]):
    """A bag of state, in the hand of a test."""

    read = list.copy


def test_a_bag_is_empty_once_it_is_told_so_that_a_second_firing_finds_nothing() -> None:
    bag = Bag([Tail(("Quay", 1, 1, "Quay/s01e01"), np.ones((1, 2), np.float16))])
    recalls = list(_Recall(3).scan(BO, bag))
    assert len(recalls) == 2
    assert bag == []
    assert list(_Recall(3).scan(BO, bag)) == []
