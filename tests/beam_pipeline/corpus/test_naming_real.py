"""Names of *Friends* that other people wrote down, held against MELD's speakers."""

from __future__ import annotations

from pathlib import Path

import pytest
from meld_subtitles import Texts, misheard, texts_of
from naming import score


@pytest.fixture(scope="module")
def meld(shared_data: Path) -> Texts:
    texts = texts_of(shared_data / "meld" / "dev_sent_emo.csv")
    longest = sorted(texts, key=lambda key: (-len(texts[key]), key))[:12]
    return {key: texts[key] for key in longest}


@pytest.fixture(scope="module")
def transcripts(shared_data: Path) -> Texts:
    return texts_of(shared_data / "friends" / "friends_transcript.parquet")


def test_nearly_everybody_is_named_and_named_rightly(meld: Texts, transcripts: Texts) -> None:
    found = score(meld, transcripts)
    assert found.named > 0.95 * found.rows
    assert len(found.wrong) < 0.01 * found.named


def test_misheard_words_cost_names_and_make_few_wrong(meld: Texts, transcripts: Texts) -> None:
    words = [word for text in transcripts.values() for one in text for word in one.text.split()]
    found = score(meld, transcripts, subtitles_as=misheard(0.3, words))
    assert found.named > 0.85 * found.rows
    assert len(found.wrong) < 0.03 * found.named


def test_another_episodes_transcript_names_nobody(meld: Texts, transcripts: Texts) -> None:
    assert score(meld, transcripts, of_another=True).named == 0
