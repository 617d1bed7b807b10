# Everything is installed into .venv and .cache of this folder.
SHELL := bash
.DEFAULT_GOAL := check
PY := .venv/bin/python
export PYTHON ?= python3
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
SOURCE ?= file
PARALLEL := --numprocesses=4 --dist=worksteal # most tests wait longer than they compute
DEMO := $(if $(filter file,$(SOURCE)),.venv/.runtime,install) # the fake GitHub is one of the tests' programs

.PHONY: install demo table renderer serve-demo unit test simulate mutants conformance e2e cluster check bench schemas pictures lock clean

install: .venv/.installed ## set up .venv with the command preview-plugin

$(PY):
	tools/make-venv .venv

.venv/.runtime: $(PY) tools/lock/runtime.txt pyproject.toml # what users need; enough for the demo
	$(PIP) --require-hashes -r tools/lock/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

.venv/.installed: .venv/.runtime tools/lock/dev.txt
	$(PIP) --require-hashes -r tools/lock/dev.txt
	touch $@

demo: ## ask the real server about the demo organisation (SOURCE=github: through a fake GitHub), render the answer
	$(MAKE) --no-print-directory --jobs=2 table renderer
	$(PY) -m tools.render_demo

table: $(DEMO)
	$(PY) -m tools.demo --source $(SOURCE)

renderer: $(PY)
	nice tools/get-program tools/renderer >/dev/null

serve-demo: $(DEMO) ## the same, and keep it running
	$(PY) -m tools.demo --source $(SOURCE) --keep

unit: install ## tests of the modules with few examples each: half a minute
	$(PY) -m pytest $(PARALLEL) --hypothesis-profile=unit tests/unit

test: install ## all tests except those of `make conformance`, the modules' first
	$(PY) -m pytest $(PARALLEL) tests/unit
	$(PY) -m pytest $(PARALLEL) --ignore=tests/unit

simulate: install ## play STEPS=100000 random events and check every answer, or repeat one episode by its SEED
	$(PY) -m tests.faults --steps $(or $(STEPS),100000) $(if $(SEED),--seed $(SEED))

mutants: install ## break core/ and mirror/ on purpose, show what no test notices (MUTANTS=plugin/core/config/names.py: only that file)
	$(PY) -m tools.mutants $(MUTANTS)

conformance: install ## tests with Argo CD's own controller; slow the first time (ARGOCD=3.5.0: with that version)
	@# The tests of a file share fixtures that can take a minute.
	ARGOCD=$(ARGOCD) $(PY) -m pytest $(PARALLEL) --dist=loadfile tests/conformance

e2e: install ## stories on a real cluster in namespaces of its own; as root on Debian, much longer the first time (STORY=life: one file)
	$(PY) -m tests.e2e.prepare
	tests/e2e/cluster/isolate $(PY) -m pytest --durations=0 --durations-min=1 \
		$(if $(STORY),tests/e2e/test_$(STORY).py,tests/e2e --ignore=tests/e2e/test_patience.py)

cluster: install ## the same cluster for a person, until Ctrl-C
	$(PY) -m tests.e2e.prepare
	tests/e2e/cluster/isolate $(PY) -m tests.e2e

check: install ## lint, types, imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/yamllint --strict .

bench: install ## cost and speed, each figure beside its baseline
	$(PY) -m tests.bench

schemas: install ## JSON Schemas of catalog.yaml and .preview.yaml for editors
	$(PY) -m tools.schemas

pictures: install ## the pictures of what the demo prints: the README's table, and the comment in docs/reports.md
	$(PY) -m tools.picture

lock: install ## update the lock files
	PATH="$(CURDIR)/.venv/bin:$$PATH" tools/lock.sh

clean: ## remove what make has created
	rm -rf .venv .cache mutants
