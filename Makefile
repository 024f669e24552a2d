# What people and .ci/run type. It needs make and Python 3.11 or newer; everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
REFERENCE := $(VENV)/.installed-reference
SPEC ?= specs/zoo/resnet.arch:resnet50
OUT ?= out/

.PHONY: demo test test-all test-browser lint types test-reference zoo-results docs gallery bench gpu clean help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

# Made anew when the list of dependencies changes.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(0 if sys.version_info >= (3, 11) else "archdsl needs Python 3.11 or newer; this is " + v + " (say which with: make PYTHON=python3.12)")'
	@echo "Setting up $(VENV): about 2 minutes, about 1 GB: most of it is PyTorch."
	@start=$$(date +%s); \
	$(PYTHON) -m venv $(VENV) && \
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' && \
	touch $@ && echo "Set up in $$(($$(date +%s) - start)) s."

$(REFERENCE): $(STAMP)
	@echo "Installing what the zoo is compared with (torchvision, timm, transformers)."
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,reference]'
	@touch $@

demo: $(STAMP) ## check, draw, write and run ResNet-50
	$(VENV)/bin/archdsl build $(SPEC) -o $(OUT)

test: $(STAMP) ## the fast tests
	$(PY) -m pytest -q -n 2 -m "not slow and not reference and not gpu"

test-all: $(STAMP) ## and the slow ones
	$(PY) -m pytest -q -n 2 -m "not reference and not gpu"

test-browser: $(STAMP) ## the interactive drawing, driven in a browser (Debian: apt-get install chromium)
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,e2e,notebook]'
	$(PY) -m pytest -q tests/drawing/test_viewer.py tests/drawing/test_theme.py tests/test_notebook.py

lint: $(STAMP) ## style, format, and which way imports point
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/archdsl fmt --check specs/std/*.arch specs/zoo/*.arch

types: $(STAMP) ## mypy, strict
	$(VENV)/bin/mypy

test-reference: $(REFERENCE) ## the zoo against independent implementations
	$(PY) -m pytest -q -n 2 -m reference

zoo-results: $(REFERENCE) ## compare the zoo with everything, and write down what was found
	ARCHDSL_ZOO_RESULTS=benchmarks/results/zoo.json $(PY) -m pytest -q tests/zoo
	$(PY) docs/generate.py

docs: $(STAMP) ## the generated pages
	$(PY) docs/generate.py

gallery: $(STAMP) ## every network of the zoo drawn anew, some minutes
	$(PY) docs/gallery.py

bench: $(STAMP) ## what is fast, and how fast
	$(PY) -m benchmarks

gpu: $(STAMP) ## the tests and benchmarks that need an accelerator, into benchmarks/results
	$(PY) benchmarks/gpu.py

clean: ## remove what was built, keep .venv
	rm -rf out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
