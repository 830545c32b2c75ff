# streetclip: `make help` lists the targets. Every target sets up what it needs in .venv, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXPERIMENT ?= experiments/pretrain/quickstart.yaml
ARGS ?=
JOBS ?= 2
RESUME ?=
CKPT ?=
DATA ?=
PROTOCOL ?=
SOURCE ?=
OUT ?=

.DEFAULT_GOAL := help
.PHONY: help pretrain benchmark shards test test-slow lint format check bench faults tables clean

help: ## list every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.package: setup.cfg setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "streetclip needs Python 3.11 or newer; got: $$($(PYTHON) --version); say make PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.package
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

pretrain: $(VENV)/.package ## train: [EXPERIMENT=file.yaml] [ARGS="key=value ..."] [RESUME=auto|RUN|CHECKPOINT]
	$(BIN)/streetclip pretrain $(EXPERIMENT) $(if $(RESUME),--resume $(RESUME)) $(ARGS)

benchmark: $(VENV)/.package ## evaluate: [CKPT=models] [DATA=sets] [PROTOCOL=names] [OUT=folder], each one or several; default the newest run
	$(BIN)/streetclip benchmark $(foreach word,$(CKPT),--model "$(word)") $(foreach word,$(DATA),--data "$(word)") $(foreach word,$(PROTOCOL),--protocol "$(word)") $(if $(OUT),--out "$(OUT)") $(ARGS)

shards: $(VENV)/.package ## build a shard set: SOURCE=folder|csv|parquet OUT=folder [ARGS="--val-share 0.1 ..."]
	@test -n "$(SOURCE)" -a -n "$(OUT)" || { echo 'make shards needs a source and a new folder: make shards SOURCE=photos.csv OUT=shards/mine' >&2; exit 2; }
	$(BIN)/streetclip shards build "$(SOURCE)" "$(OUT)" $(ARGS)

test: $(VENV)/.dev ## the default test suite with coverage, without a network or a GPU [JOBS=2] [ARGS="-k word"]
	$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest -m "not slow and not gpu and not network" -n $(JOBS) --dist loadscope --cov --cov-report=term --cov-fail-under=90 -q $(ARGS)

test-slow: $(VENV)/.dev ## the long tests [JOBS=2]
	$(BIN)/python -m pytest -m "slow and not gpu and not network" -n $(JOBS) --dist loadscope -q $(ARGS)

lint: $(VENV)/.dev ## format, ruff, mypy, import layers, spelling
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/lint-imports
	$(BIN)/codespell src tests bench docs experiments README.md CHANGELOG.md CONTRIBUTING.md Makefile setup.cfg
	$(BIN)/mypy

format: $(VENV)/.dev ## rewrite the code in the project's format
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

check: lint test ## what a change must pass

bench: $(VENV)/.dev ## measure the parts, each against a peer or a limit
	failed=0; for words in bench/*.py; do echo "== $$words"; $(BIN)/python $$words || failed=1; done; exit $$failed

faults: $(VENV)/.dev ## break runs for about an hour, and write bench/faults.md; [ARGS="R1 R8"] prints these only
	$(BIN)/python -m tests.faults $(ARGS)

clean: ## remove the environment and what tools left; runs/ and shards/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .coverage build dist src/*.egg-info
