#!/usr/bin/env bash
# Runs the DAG for real over three mornings, each with one night of the demo's files, then one of
# them again, and renders the one for Dataflow. `check.py` says whether it is all as it should be.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
airflow="$root/.venv-airflow/bin/airflow"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

export AIRFLOW_HOME="$made/home" AIRFLOW__CORE__DAGS_FOLDER="$here/dags"
export AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__LOGGING__LOGGING_LEVEL=WARNING
export AIRFLOW_VAR_EMONET_COMMAND="$root/.venv/bin/emonet"
export AIRFLOW_VAR_EMONET_INCOMING="$made/incoming" AIRFLOW_VAR_EMONET_OUTPUT="$made/labelled"

deliver() { # NIGHT EPISODE...
  mkdir -p "$made/incoming/$1"
  for episode in "${@:2}"; do
    cp "$root/demo/Tolsay Ferry/"*"$episode"* "$made/incoming/$1"
  done
}
deliver 2026-11-20 E01 E02
deliver 2026-11-21 E03
deliver 2026-11-22 E04 E05

"$airflow" db migrate > "$made/log" 2>&1
for morning in 21 22 23 22; do
  "$airflow" dags test emonet_nightly "2026-11-${morning}T03:00:00" >> "$made/log" 2>&1 ||
    { tail -n 50 "$made/log"; exit 1; }
done
"$root/.venv/bin/emonet" label "$made/incoming" --output "$made/at-once" >> "$made/log"
"$root/.venv/bin/python" "$here/check.py" "$made/labelled" "$made/at-once"

export AIRFLOW_VAR_EMONET_PROJECT=project AIRFLOW_VAR_EMONET_REGION=europe-west4
for name in INCOMING OUTPUT STAGING TEMPLATE IMAGE WORKER; do
  export "AIRFLOW_VAR_EMONET_$name=gs://bucket/${name,,}"
done
"$airflow" tasks render emonet_dataflow label 2026-11-21T03:00:00 | tee "$made/rendered"
grep -q "'night': '2026-11-20'" "$made/rendered"
grep -q "'inputs': 'gs://bucket/incoming/2026-11-20'" "$made/rendered"
