PYTHON ?= python3
DATA ?= ../shared/data
bin := .venv/bin

.PHONY: install demo test fuzz check lock bench clean

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
	$(bin)/python -m pytest -q

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

clean:
	rm -rf .venv demo-output build dist *.egg-info
