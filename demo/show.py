"""Shows a few labelled turns, and how far a speaker's past moved each: run in the output folder."""

import pathlib

import duckdb

duckdb.sql(pathlib.Path("views.sql").read_text())
turns = "episode_id, speaker_name, text, label, speaker_logit, history_length"
print("The same words from five people:")
duckdb.sql(f"SELECT {turns} FROM labels WHERE text = 'Here we go.' ORDER BY episode_id").show()
print("What each speaker is labelled most often:")
duckdb.sql(
    "SELECT min(speaker_name) AS speaker, mode(label) AS label, count(*) AS utterances "
    "FROM labels WHERE speaker_id IS NOT NULL GROUP BY speaker_id HAVING count(*) > 20 "
    "ORDER BY 3 DESC"
).show()
