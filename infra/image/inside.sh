#!/usr/bin/env bash
# What prove.sh runs in the image: each of its three uses.
set -euo pipefail
test "$(id -u)" = 10001

emonet label "demo/Tolsay Ferry" --output /out/alone

# in groups of their own, to be ended with all that they start
setsid python -P -m beam_pipeline.engines.worker_pool --service_port 50000 > /out/pool.log 2>&1 &
pool=$!
setsid python -P -m beam_pipeline.engines.in_process --port 8099 > /out/jobs.log 2>&1 &
jobs=$!
trap 'kill -KILL -- -$pool -$jobs' EXIT
python - << 'END'
import socket, time
for port in (50000, 8099):
    for _ in range(120):
        with socket.socket() as tried:
            if tried.connect_ex(("localhost", port)) == 0:
                break
        time.sleep(1)
    else:
        raise SystemExit(f"nothing listens on port {port}")
END
timeout 1200 emonet label "demo/Tolsay Ferry" --output /out/pool --runner PortableRunner \
  --job_endpoint localhost:8099 --environment_type EXTERNAL --environment_config localhost:50000

/opt/google/dataflow/python_template_launcher --inputs=demo --output=/out/dataflow --night=0 \
  --dry_run=true --project=a-project --region=europe-west4 --temp_location=gs://a-bucket/temp \
  --sdk_container_image=registry/emonet
