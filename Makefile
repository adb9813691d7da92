# Python 3.11 or later, for example: make train PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin

# Compiled modules make every start two to three times faster, so they are always written.
export PYTHONDONTWRITEBYTECODE :=

# One thread per process: two test workers share two cores, results repeat bit for bit, and in a
# small network a second thread mostly waits for the first, on a busy machine for very long.
ONE_THREAD := OMP_NUM_THREADS=1
NOTEBOOKS_AND_TESTS = -n 2 --dist loadfile --no-loadscope-reorder \
	--nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg nbs tests

# A stamp for each chapter with figures: it is run again when it has changed.
FIGURES := $(patsubst nbs/%.ipynb,build/figures/.%,$(shell grep -l '"image/png"' nbs/[0-9]*.ipynb))

.PHONY: help train test check-all mutants bench lab edit outputs readme book pdf figures slides

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "make %-10s %s\n", $$1, $$2}'

train: .venv/.ready  ## train on real handwritten digits, a minute or two on one core
	$(ONE_THREAD) $(BIN)/ddpm-course train --profile laptop --seed 0
	@echo 'next: open the picture of the samples; the command is $(BIN)/ddpm-course;'
	@echo 'make lab opens the chapters, and 01_forward_process.ipynb begins'

test: .venv/.ready  ## run and compare all notebooks, and run the tests
	$(ONE_THREAD) $(BIN)/python -m pytest $(NOTEBOOKS_AND_TESTS) -m "not slow"

check-all: .venv/.ready .venv/.parity book  ## the same with the slow tests; store the result
	@! command -v npm > /dev/null || $(MAKE) slides
	$(ONE_THREAD) $(BIN)/python tools/check_all.py $(NOTEBOOKS_AND_TESTS)

mutants: .venv/.ready  ## break proofs and code on purpose, and store what noticed it
	$(ONE_THREAD) $(BIN)/python tools/mutants.py > .mutants && mv .mutants bench/mutants.md
	$(ONE_THREAD) $(BIN)/python tools/code_mutants.py > .mutants && mv .mutants bench/code_mutants.md

bench: build/peers/.ready  ## compare with other libraries, and store the table; some minutes
	$(ONE_THREAD) build/peers/bin/python bench/peers.py > .peers && mv .peers bench/peers.md

lab: .venv/.ready  ## open a copy of the chapters that is yours, in my_course
	$(BIN)/ddpm-course notebooks my_course
	$(BIN)/python -m jupyter lab my_course

edit: .venv/.ready  ## open the notebooks themselves, for authors
	$(BIN)/python -m jupyter lab nbs

outputs: .venv/.ready  ## export the package, run all notebooks, store and clean their outputs
	$(BIN)/nbdev-export
	$(ONE_THREAD) $(BIN)/python tools/outputs.py
	$(BIN)/nbdev-clean

readme: .venv/.ready  ## make README.md from nbs/index.ipynb, CITATION.cff, the list of modules
	$(BIN)/python tools/readme.py

book: .venv/.book book/node_modules/.ready  ## build the site in build/book from the notebooks as stored; no network
	rm -rf build/book
	$(BIN)/python tools/prover.py
	$(BIN)/python tools/network.py
	$(BIN)/python tools/pages.py
	$(BIN)/python -m sphinx --fail-on-warning -q -E -c book -d build/doctrees build/pages build/book

figures: $(FIGURES)  ## draw each figure as SVG in build/figures, for slides of your own

slides: .venv/.book book/node_modules/.ready figures  ## make lectures and a cheat sheet in build/slides; needs npm
	$(BIN)/python tools/slides.py

pdf: book  ## print the book, and the mathematics without code, in build; needs Chromium
	$(BIN)/python tools/pdf.py

# An environment without the stamp is half-made: it is made anew. The last line builds matplotlib's
# font cache, whose announcement would otherwise stand in the output of some notebook.
.venv/.ready: pyproject.toml constraints.txt
	@test -e $@ || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
	$(BIN)/python -c 'import matplotlib.font_manager'
	@touch $@

# The library that the tests in tests/parity compare with.
.venv/.parity: .venv/.ready
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev,parity]'
	@touch $@

# Sphinx, and what opens the site in a browser.
.venv/.book: .venv/.ready
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev,book]'
	@touch $@

# What the site and the slides take from npm. Nothing that comes with it is executed here. Without
# npm, which comes with Node.js, the site is built without its prover, and there are no slides; both
# say so.
book/node_modules/.ready: book/package.json book/package-lock.json
	@if command -v npm > /dev/null; then \
		npm ci --prefix book --ignore-scripts --no-audit --no-fund --loglevel error && touch $@; fi

build/figures/.%: nbs/%.ipynb tools/figures.py .venv/.ready
	$(ONE_THREAD) $(BIN)/python tools/figures.py $<
	@touch $@

# The libraries that bench/peers.py compares with, and the package, in an environment of their own.
build/peers/.ready: .venv/.ready
	$(BIN)/python -m uv venv --quiet --clear --python $(BIN)/python build/peers
	$(BIN)/python -m uv pip install --quiet --python build/peers/bin/python -c constraints.txt -e '.[peers]'
	@touch $@
