PYTHON ?= python3
DATA ?= ../shared/data
bin := .venv/bin

fake_gcs_server := github.com/fsouza/fake-gcs-server@v1.56.1

.PHONY: install demo test faults fuzz check lock bench nights speaker clean

install: .venv/installed

# Everything at the versions and hashes of the lock file, then the package itself.
.venv/installed: requirements.lock pyproject.toml setup.py
	$(PYTHON) -m venv .venv
	$(bin)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(bin)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	rm -rf demo-output
	$(bin)/emonet label "demo/Tolsay Ferry" --output demo-output
	cd demo-output && ../$(bin)/python ../demo/show.py

test: install
	$(bin)/python -m pytest -q -m "not faults"

# Jobs that are killed, discs that fill up, and a real object store behind a network that fails.
# Needs Go, which builds the store.
faults: $(bin)/fake-gcs-server
	$(bin)/python -m pytest -q -m faults

$(bin)/fake-gcs-server: | install
	GOBIN=$(CURDIR)/$(bin) go install $(fake_gcs_server)

# More than 100,000 damaged files; takes minutes, so it is no part of the tests.
fuzz: install
	$(bin)/python tests/fuzz_reading.py

check: install
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras \
		--no-header --no-annotate --output-file requirements.lock pyproject.toml

# Beam against a plain loop over the same texts, with the same threads.
bench: install
	$(bin)/python benchmarks/label.py $(DATA)/friends/friends_transcript.parquet

# Night by night against all at once, bit for bit: ten seasons, then 88 episodes.
nights: install
	$(bin)/python benchmarks/nights.py season $(DATA)/friends/friends_transcript.parquet
	$(bin)/python benchmarks/nights.py episode $(DATA)/emorynlp/emotion-detection-trn.json \
		$(DATA)/emorynlp/emotion-detection-dev.json

# The speaker stage with one speaker of 10,000, 100,000 and 1,000,000 utterances.
speaker: install
	$(bin)/python benchmarks/speaker.py $(DATA)/friends/friends_transcript.parquet

clean:
	rm -rf .venv demo-output build dist *.egg-info
