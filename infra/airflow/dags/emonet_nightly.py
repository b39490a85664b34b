"""Every night's files, labelled the morning after; Airflow 3, `emonet` on its workers.

A run is given its night by its data interval and never by the clock, so that a task that is tried
again, a backfill and a run that was cleared label the night that they are of. A night builds on the
one before it, hence one run at a time, and none before the last one has succeeded. A night that is
run again supersedes what it wrote before; clear the later ones with it, which stand on its memory.
A night without files is committed as an empty one, so that it does not stop the later ones; one of
whose files too many are refused, or that lost files it was labelled from, fails and is told.

Variables: `emonet_incoming` and `emonet_output`, folders or `gs://`; a night's files are in
`emonet_incoming/2026-11-21/`. `emonet_command`, where `emonet` is not on the PATH.
"""

from __future__ import annotations

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

with DAG(
    "emonet_nightly",
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "depends_on_past": True,
        "retries": 3,
        "retry_delay": datetime.timedelta(minutes=5),
        "retry_exponential_backoff": True,
        "execution_timeout": datetime.timedelta(hours=20),
        "append_env": True,
        "env": {
            "EMONET": "{{ var.value.get('emonet_command', 'emonet') }}",
            "INCOMING": "{{ var.value.emonet_incoming }}",
            "OUTPUT": "{{ var.value.emonet_output }}",
            "NIGHT": "{{ data_interval_start | ds }}",
        },
    },
    doc_md=__doc__,
):
    label = BashOperator(
        task_id="label",
        bash_command='exec "$EMONET" label "$INCOMING/$NIGHT" --output "$OUTPUT" --night "$NIGHT" '
        "--allow-empty",
    )
    verify = BashOperator(task_id="verify", bash_command='exec "$EMONET" verify "$OUTPUT"')
    label >> verify
