"""The same nights on Dataflow: launches the template and waits until its job is done.

A job that is done is committed: the commit is its last step, and one that cannot commit fails. What
the service is sent is `dataflow_launch.json`, beside this file.

Variables: `emonet_incoming`, `emonet_output` and `emonet_staging`, in buckets; `emonet_template`,
the template's `gs://` path; `emonet_image`; `emonet_worker`, the workers' service account;
`emonet_project` and `emonet_region`.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from airflow.providers.google.cloud.operators.dataflow import DataflowStartFlexTemplateOperator
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

LAUNCH = json.loads((Path(__file__).parent / "dataflow_launch.json").read_text("utf-8"))

with DAG(
    "emonet_dataflow",
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "depends_on_past": True,
        "retries": 3,
        "retry_delay": datetime.timedelta(minutes=5),
        "retry_exponential_backoff": True,
    },
    doc_md=__doc__,
):
    DataflowStartFlexTemplateOperator(
        task_id="label",
        project_id="{{ var.value.emonet_project }}",
        location="{{ var.value.emonet_region }}",
        body=LAUNCH,
        append_job_name=False,  # the service refuses a second job of the night while one is at work
        deferrable=True,
    )
