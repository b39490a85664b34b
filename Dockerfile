# One image for the command line, for Beam's workers and for Dataflow's template launcher:
#
#   docker run --entrypoint emonet IMAGE label ...     the command line
#   docker run --entrypoint python --network host IMAGE -m beam_pipeline.engines.worker_pool \
#       --service_port 50000                           a pool of workers of this host
#   Dataflow                                           starts workers and its launcher by itself
#
# Bases are pinned by tag, for a digest can be read from a registry alone; who builds for a cluster
# gives what their registry says: --build-arg PYTHON=NAME@sha256:... and so on.
ARG PYTHON=docker.io/library/python:3.11.14-slim-bookworm
ARG BEAM=docker.io/apache/beam_python3.11_sdk:2.77.0
ARG LAUNCHER=gcr.io/dataflow-templates-base/python311-template-launcher-base:20230622_RC00

FROM ${BEAM} AS beam
FROM ${LAUNCHER} AS launcher

# What is tested is what runs: the versions and hashes of the lock without the tools of development,
# with the weights of the encoder, and with torch as PyPI has it, for processors and for CUDA.
FROM ${PYTHON} AS locked
COPY requirements-image.lock /
RUN python3 -m venv /opt/emonet && /opt/emonet/bin/pip install --no-cache-dir --no-compile \
        --disable-pip-version-check --require-hashes --requirement requirements-image.lock
ENV PATH=/opt/emonet/bin:$PATH

FROM locked AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM locked
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher \
        /opt/google/dataflow/python_template_launcher
COPY infra/dataflow/launch.py /template/
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
        pip install --no-cache-dir --no-deps --no-index /wheels/*.whl && pip check \
        && useradd --create-home --uid 10001 emonet
# The launcher finds the program by the first. Beam's workers start in the environment as it is, by
# the second, nothing looks for anything on a hub, by the third, and no Python that is started takes
# modules from the folder that it is started in, by the fourth.
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/template/launch.py \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    HF_HUB_OFFLINE=1 \
    PYTHONSAFEPATH=1
USER 10001
WORKDIR /home/emonet
ENTRYPOINT ["/opt/apache/beam/boot"]
