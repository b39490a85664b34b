from __future__ import annotations

import zipfile
from pathlib import Path

from made_up_corpora import digests, label, write_season
from made_up_runs import files_read

from beam_pipeline.nights import recorded_night
from model.checkpoint import Checkpoint


def test_a_night_over_an_archive_is_that_over_its_files(
    tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    season = write_season(tmp_path / "Quay", (1, 2))
    with zipfile.ZipFile(tmp_path / "Quay.zip", "w") as packed:
        for path in sorted(season.iterdir()):
            packed.write(path, path.name)
        packed.writestr("../bad.srt", "no cue")
    plain = label(tiny_checkpoint, [season], tmp_path / "plain")
    packed_night = label(tiny_checkpoint, [tmp_path / "Quay.zip"], tmp_path / "packed")
    assert digests(packed_night, "episodes") == digests(plain, "episodes")
    assert packed_night["counts"]["rejected_files"] == {"unsafe_path": 1}
    assert [one["path"] for one in files_read(tmp_path / "packed", packed_night)] == [
        str(tmp_path / f"Quay.zip{name}")
        for name in ("", "!/../bad.srt", "!/01.jsonl", "!/02.jsonl")
    ]
    recorded = recorded_night(str(tmp_path / "packed"), packed_night)
    assert recorded.paths == (str(tmp_path / "Quay.zip"),)
