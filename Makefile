# Every target sets up .venv by itself; nothing is assumed but python3 with venv.
# PIP_ARGS reaches pip, e.g.  make test PIP_ARGS="--find-links /folder/of/wheels"
PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs bench

help:
	@echo "make demo   train on the tile, forecast for Anatolia; open $(OUT)/demo/report.html"
	@echo "            and, from simulated catalogues, $(OUT)/demo-etas/report.html;"
	@echo "            the landforms of Anatolia, $(OUT)/demo-landforms/forms.html;"
	@echo "            the faults of a synthetic volume, $(OUT)/demo-imaging/faults.html"
	@echo "make test   the tests"
	@echo "make lint   style and types"
	@echo "make docs   the documentation, gallery scripts run, in docs/_build/html"
	@echo "make bench  the side-by-side tables, in $(OUT)/bench"

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e ".[dev]"
	@touch $@

setup: $(VENV)/ready

demo: setup
	$(BIN)/graben quakes train --compare --out $(OUT)/demo-model
	$(BIN)/graben quakes forecast --model $(OUT)/demo-model --out $(OUT)/demo
	$(BIN)/graben quakes forecast --model anatolia --out $(OUT)/demo-etas
	$(BIN)/graben landforms forms globe-anatolia --out $(OUT)/demo-landforms/forms.tif
	$(BIN)/graben imaging synth --size 160 --seed 9 --out $(OUT)/demo-imaging/survey
	$(BIN)/graben imaging faults $(OUT)/demo-imaging/survey/amplitude.sgy --preset best --out $(OUT)/demo-imaging/faults.sgy

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: setup
	mkdir -p $(OUT)/bench
	$(BIN)/graben data fetch usgs-world
	test -d out/encoder-0 || $(BIN)/python tools/train_landform_encoder.py --seed 0 --out out/encoder-0
	for script in benchmarks/*.py; do $(BIN)/python $$script --out $(OUT)/bench || exit 1; done
