# Every way in. `make` alone lists them.
PROFILE ?= default
PYTHON  ?= python3
PY      := .venv/bin/python

help:    ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

study: .venv/ready  ## run notebooks 01 to 11, resuming where they stopped; PROFILE=smoke for the quick one
	$(PY) -m ddi study --profile $(PROFILE)

index: .venv/ready  ## index your own peaks: make index PEAKS=file [ARGS="--unit d"]
	@test -n "$(PEAKS)" || { echo 'name a file: make index PEAKS=peaks.txt ARGS="--unit d"'; exit 2; }
	$(PY) -m ddi index $(PEAKS) $(ARGS)

lab: .venv/ready  ## open the notebooks in JupyterLab
	$(PY) -m jupyterlab notebooks

app: .venv/ready  ## open the page for people without Python in a browser
	$(PY) -m ddi app

test: .venv/ready  ## run every test, the smoke profile of the notebooks among them (fast: make test ARGS='-m "not study and not slow"')
	$(PY) -m pytest -q $(ARGS)

paper:  ## build paper/main.pdf and paper/supplement.pdf (needs latexmk and a LaTeX)
	cd paper && latexmk -pdf -interaction=nonstopmode -halt-on-error main.tex $(notdir $(wildcard paper/supplement.tex))

lock:    ## rewrite requirements.txt from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-annotate --no-header --no-config --all-extras pyproject.toml -o requirements.txt

clean:   ## remove everything that a run makes, but not the downloads in data/raw
	rm -rf data/interim data/models data/results/smoke notebooks/executed paper/main.pdf paper/supplement.pdf

# The environment: exactly the hashed lock (all extras), then ddi itself. A pip from outside fills it, for Pythons that come without ensurepip.
.venv/ready: requirements.txt pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(PY) install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(PYTHON) -m pip --python $(PY) install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.PHONY: help study index lab app test paper lock clean
