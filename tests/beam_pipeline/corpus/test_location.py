from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipeline.corpus.location import locate
from beam_pipeline.corpus.options import ReadOptions
from beam_pipeline.records import EmonetError

OPTIONS = ReadOptions("c")


@pytest.mark.parametrize(
    ("path", "show", "season", "number", "episode_id", "language"),
    [
        ("x/Harbour.Lights.S01E02.en.srt", "Harbour Lights", 1, 2, "Harbour Lights/s01e02", "en"),
        ("Harbour Lights/s1e2.srt.gz", "Harbour Lights", 1, 2, "Harbour Lights/s01e02", None),
        ("Harbour Lights/3x01 The End.vtt", "Harbour Lights", 3, 1, "Harbour Lights/s03e01", None),
        (
            "Harbour Lights/pilot.pt-BR.srt",
            "Harbour Lights",
            None,
            None,
            "Harbour Lights/pilot",
            "pt-BR",
        ),
        ("a/Show - S10 E100.ger.srt", "Show", 10, 100, "Show/s10e100", "de"),
        ("survivor/subtitles_S03E02.srt", "survivor", 3, 2, "survivor/s03e02", None),
        ("a/clip 1920x1080.srt", "a", None, None, "a/clip 1920x1080", None),
        ("a/Show.S01E01.web.srt", "Show", 1, 1, "Show/s01e01", None),
        ("alone.srt", "c", None, None, "c/alone", None),
        ("../alone.srt", "c", None, None, "c/alone", None),
        ("a/Show.S01E01E02.srt", "Show", 1, 1, "Show/s01e01-e02", None),
        ("a/Show.S01E01-E02.srt", "Show", 1, 1, "Show/s01e01-e02", None),
        ("a/Show.S01E01-02.srt", "Show", 1, 1, "Show/s01e01-e02", None),
        ("a/Show.1x01-02.srt", "Show", 1, 1, "Show/s01e01-e02", None),
        ("a/Show.S01E01-720p.srt", "Show", 1, 1, "Show/s01e01", None),
        ("a/[Group] Show - 10 [F7B9].srt", "Show", None, 10, "Show/e10", None),
        ("a/Show Season 2 Episode 5.srt", "Show", 2, 5, "Show/s02e05", None),
        ("a/Show.S01E01.en.sdh.srt", "Show", 1, 1, "Show/s01e01", "en"),
        ("a/Show.S01E01.forced.eng.srt", "Show", 1, 1, "Show/s01e01", "en"),
        ("a/Show.S01E01.hi.srt", "Show", 1, 1, "Show/s01e01", "hi"),
        ("Dr.No.srt", "c", None, None, "c/Dr.No", None),
    ],
)
def test_file_names_say_where_an_episode_stands(
    path: str,
    show: str,
    season: int | None,
    number: int | None,
    episode_id: str,
    language: str | None,
) -> None:
    found = locate(path, OPTIONS)
    assert (found.show, found.season, found.number) == (show, season, number)
    assert (found.episode_id, found.language) == (episode_id, language)


@pytest.mark.parametrize(
    ("path", "show", "season", "number"),
    [
        ("Quay/Season 01/S01E02.en.srt", "Quay", 1, 2),
        ("Quay/Series 1/S01E02.srt", "Quay", 1, 2),
        ("Quay/Staffel 2/Folge 03.srt", "Quay", 2, 3),
        ("Quay/S01/05.srt", "Quay", 1, 5),
        ("Quay/1/05.srt", "Quay", 1, 5),
        ("Quay/Season 2 - The Long Winter/03. Arrival.srt", "Quay", 2, 3),
        ("Quay/第2季/第5話.srt", "Quay", 2, 5),
        ("Quay Season 2/03.srt", "Quay", 2, 3),
        ("Quay S02 COMPLETE 720p/03.srt", "Quay", 2, 3),
        ("Quay Season 1-3 Complete/Season 3/02.srt", "Quay", 3, 2),
        ("Quay (2019) {tvdb-12345}/Season 02/05.srt", "Quay (2019)", 2, 5),
        (
            "Quay (2019) [tvdbid-1]/Season 02/Quay (2019) - S02E05 - Arrival.srt",
            "Quay (2019)",
            2,
            5,
        ),
        ("Quay/Specials/Making of.srt", "Quay", 0, None),
        ("24/Season 1/01.srt", "24", 1, 1),
        ("Quay.S01E04.1080p.WEB/Subs/2_English.srt", "Quay", 1, 4),
        ("Quay.S01E04.1080p.WEB/q-104.srt", "Quay", 1, 4),
        ("Quay.S01.1080p/Subs/Quay.S01E03.1080p/3_English.srt", "Quay", 1, 3),
        ("Quay/Season 1/S01E04/en.srt", "Quay", 1, 4),
        ("Quay/Season 1/Episode 4/subtitles.srt", "Quay", 1, 4),
        ("Quay/English/S01E04.srt", "Quay", 1, 4),
        ("Quay/Season 1/eng/04.srt", "Quay", 1, 4),
        ("Quay.zip!/Season 1/02.srt", "Quay", 1, 2),
        ("Quay/Extras/Interview.srt", "Quay", None, None),
        ("Quay/01 - Arrival.srt", "Quay", None, 1),
        ("Quay/012_the_fog.srt", "Quay", None, 12),
        ("Quay/Season 1/105 - The Fog.srt", "Quay", 1, 5),
        ("Quay/Episode 5 - The Fog.srt", "Quay", None, 5),
        ("Quay/[12] The Fog.srt", "Quay", None, 12),
        ("Quay/103.srt", "Quay", None, 103),
        ("x/[Grp] Quay - 103 [1080p].srt", "Quay", None, 103),
        ("x/[Grp] Quay S2 - 05 [1080p].srt", "Quay", 2, 5),
        ("x/[Grp] Quay S01E02.srt", "Quay", 1, 2),
        ("x/Quay 2nd Season - 05.srt", "Quay", 2, 5),
        ("x/Quay - [1x02] - Title.srt", "Quay", 1, 2),
        ("x/Quay Season 1 Episode 2.srt", "Quay", 1, 2),
        ("x/Quay S1 Ep2.srt", "Quay", 1, 2),
        ("One Quay/One Quay - 722 - The Fog.srt", "One Quay", None, 722),
        ("Films/12 Angry Men.srt", "Films", None, None),
        ("Films/12 Angry Men (1957).srt", "12 Angry Men", None, None),
        ("Films/Ocean's 11/Subs/English.srt", "Ocean's 11", None, None),
        ("Films/Lamplight.2010.1080p.BluRay.x264.srt", "Lamplight", None, None),
        ("Lamplight (2010)/Subs/SDH.eng.HI.srt", "Lamplight", None, None),
        ("Quay Nightly/Quay.Nightly.2024.03.15.srt", "Quay Nightly", None, None),
        ("x/Quay Nightly - 2024-03-15 - Guest.srt", "Quay Nightly", None, None),
        ("Meetings/2024-03-15 Standup.vtt", "Meetings", None, None),
        ("Meetings/GMT20240305-160012_Recording.transcript.vtt", "Meetings", None, None),
        ("Talks/My Boat - 3 tips for 2024 [a1B2c3D4e5F].en.vtt", "Talks", None, None),
        ("Talks/My Boat-a1B2c3D4e5F.en.vtt", "Talks", None, None),
        ("Talks/012 - My Boat [a1B2c3D4e5F].vtt", "Talks", None, 12),
        ("Talks/2019/03 - Rivers.srt", "Talks", 2019, 3),
        ("Talks/0123456789abcdef0123.srt", "Talks", None, None),
    ],
)
def test_layouts_of_folders_say_where_an_episode_stands(
    path: str, show: str, season: int | None, number: int | None
) -> None:
    found = locate(path, OPTIONS)
    assert (found.show, found.season, found.number) == (show, season, number)


@pytest.mark.parametrize(
    "tracks",
    [
        ("Quay.S01E04.WEB/Subs/2_English.srt", "Quay.S01E04.WEB/Quay.S01E04.WEB.srt"),
        ("Film (2010)/Film (2010).en.srt", "Film (2010)/Subs/English.srt"),
        ("Film.2010.720p.WEB/Subs/SDH.eng.HI.srt", "Film.2010.1080p.WEB/Film.2010.1080p.WEB.srt"),
        ("Quay/Season 1/Quay_S01E02_en.srt", "Quay/Season 1/02 - Arrival.en.sdh.srt"),
    ],
)
def test_tracks_of_one_episode_are_one_episode_however_they_lie(tracks: tuple[str, str]) -> None:
    one, other = (locate(path, OPTIONS) for path in tracks)
    assert one.episode_id == other.episode_id


@pytest.mark.parametrize(
    "paths",
    [
        ("Quay/Quay S01E03 Part 1.srt", "Quay/Quay S01E03 Part 2.srt"),
        ("A Quay/Season 01/S01E01.srt", "B Quay/Season 01/S01E01.srt"),
        ("Quay/Season 01/Trailer.srt", "Quay/Season 02/Trailer.srt"),
        ("Film (1984)/Subs/English.srt", "Film (2021)/Subs/English.srt"),
        ("Quay/2023/01 - A.srt", "Quay/2024/01 - A.srt"),
        ("Quay/S2023E01.srt", "Quay/S2024E01.srt"),
        ("[Grp] Quay - 12.srt", "[Grp] Quay - 12.5.srt"),
        ("Film.2010.CD1.srt", "Film.2010.CD2.srt"),
    ],
)
def test_other_episodes_are_others(paths: tuple[str, str]) -> None:
    one, other = (locate(path, OPTIONS).episode_id for path in paths)
    assert one != other


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("Quay.S01E01.zh-Hans.srt", "zh-Hans"),
        ("Quay.S01E01.es-419.srt", "es-419"),
        ("Quay.S01E01.en-orig.srt", "en"),
        ("Quay.S01E01.en-nP7-2PuUl7o.srt", "en"),
        ("Quay.S01E01.hun.srt", "hu"),
        ("Quay_S01E01_en.srt", "en"),
        ("Quay S01E01 English.srt", "en"),
        ("Quay.S01E01/Subs/Latin American.spa.srt", "es"),
        ("Quay.S01E01/Subs/4_French.srt", "fr"),
        ("Quay/German/S01E01.srt", "de"),
        ("Quay.S01E01.The Fog.WEBRip.en[cc].srt", "en"),
        ("Quay.S01E01_track3_[eng].srt", "en"),
        ("Quay - 01x01 - Fog.English.HI.C.orig.Addic7ed.com.srt", "en"),
        ("Quay (UK).srt", None),
        ("Quay.S03E04.Pardon.My.French.srt", None),
        ("Quay - S03E04 - We did it.srt", None),
        ("Dr.No.srt", None),
    ],
)
def test_names_of_tracks_say_their_language_and_titles_do_not(
    name: str, language: str | None
) -> None:
    assert locate(f"Quay/{name}", OPTIONS).language == language


_NAMES = st.text("abcdefgh ", min_size=1, max_size=12).map(lambda name: " ".join(name.split()))
_LAYOUTS = st.sampled_from(
    [
        "{show}/Season {season:02d}/S{season:02d}E{number:02d}.en.srt",
        "{show}/Season {season}/{number:02d} - {episode}.srt",
        "{show}/Season {season:02d}/{show} - S{season:02d}E{number:02d} - {episode} HDTV-720p.srt",
        "{show}.S{season:02d}E{number:02d}.1080p.WEB/Subs/2_English.srt",
        "{show}/S{season:02d}/E{number:02d}.srt",
        "{show}/{season}x{number:02d} - {episode}.srt",
    ]
)


@given(_LAYOUTS, _NAMES, _NAMES, st.integers(1, 40), st.integers(1, 99), st.lists(_NAMES))
def test_any_episode_in_any_layout_is_that_one_wherever_it_lies(
    layout: str, show: str, episode: str, season: int, number: int, folders: list[str]
) -> None:
    show, episode = f"The {show or 'a'}ship", f"Of {episode}x"
    path = layout.format(show=show, season=season, number=number, episode=episode)
    found = locate(path, OPTIONS)
    assert (found.show, found.season, found.number) == (show, season, number)
    assert locate("/".join(["", *folders, path]), OPTIONS) == found


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("a.en.sdh.srt", ("sdh",)),
        ("a.forced.default.en.srt", ("default", "forced")),
        ("a.en.hi.srt", ("hi",)),
        ("a.hi.srt", ()),
        ("a.foreign.srt", ("forced",)),
        ("a.srt", ()),
    ],
)
def test_file_names_say_what_a_track_is_for(name: str, flags: tuple[str, ...]) -> None:
    assert locate(name, OPTIONS).flags == flags


def test_the_users_pattern_goes_before_the_names() -> None:
    options = ReadOptions("c", path_pattern="{show}/Series {season}/{episode} *.{language}.srt")
    found = locate("in/Quay/Series 2/07 S09E09.de.srt", options)
    assert (found.show, found.episode_id, found.language) == ("Quay", "Quay/s02e07", "de")
    assert locate("in/Quay/Series 2/07 S09E09.de.srt.gz", options) == found
    assert locate("x/Other.S01E02.srt", options).episode_id == "Other/s01e02"
    with pytest.raises(EmonetError, match="--path-pattern"):
        ReadOptions("c", path_pattern="*.srt")


def test_the_users_table_goes_before_all() -> None:
    placed = (("x/a.srt", "Quay", "2", "7", "de"), ("a.srt", "Pier", "", "", ""))
    options = ReadOptions("c", placed=placed, path_pattern="{show}/a.srt")
    found = locate("in/x/a.srt", options)
    assert (found.episode_id, found.language) == ("Quay/s02e07", "de")
    assert locate("in/y/a.srt", options).episode_id == "Pier/a"
    with pytest.raises(EmonetError, match="--episodes"):
        ReadOptions("c", placed=(("a.srt", "", "two", "", ""),))


def test_only_the_folder_of_a_file_matters() -> None:
    assert locate("/some/where/Show/a.srt", OPTIONS) == locate("Show/a.srt", OPTIONS)


def test_the_users_show_goes_before_the_names() -> None:
    found = locate("x/Other.S01E02.srt", ReadOptions("c", show="Mine"))
    assert (found.show, found.episode_id) == ("Mine", "Mine/s01e02")
