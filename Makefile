# `make run` needs only Python >= 3.11 and make. HOST, PORT, PIP_INDEX_URL and every KF_ setting
# are taken from the environment or from .env.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# Three at a time, as many wait for something; each file as a whole, so that no test meets another.
PYTEST_ARGS ?= -n 3 --dist loadfile
FUZZ_S ?= 120
PROGRAM := wsgi.py app routing sessions config simulator

.DEFAULT_GOAL := help
.NOTPARALLEL: # the stamps share an environment
.PHONY: help run test check faults crowd fuzz screenshots vendor bench

help:
	@echo "make run    start the server here (demo without credentials)"
	@echo "make test   run every test"
	@echo "make check  ruff, mypy, import rules, front-end syntax"
	@echo "make faults every fault and abuse, and the table in docs/reliability.md"
	@echo "make crowd  200 agents and 5,000 waiting customers on two nodes, over HTTP"
	@echo "make fuzz   broken requests, long random lives, bytes for the callback's parsers; FUZZ_S=600 for longer"
	@echo "make bench  measure this node beside its peers into docs/performance.md; ROWS=\"ring start\" for some"
	@echo "make screenshots  the README's pictures; make vendor  the front end's libraries by their lock file"

run: $(VENV)/.compiled-stamp
	@exec $(BIN)/python wsgi.py serve

test: $(VENV)/.dev-stamp $(VENV)/.compiled-stamp
	@sh deploy/test-env.sh
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.dev-stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_imports.py
	@sh deploy/check-front-end.sh

faults: $(VENV)/.dev-stamp
	@sh deploy/test-env.sh
	@$(BIN)/python -m tests.faults.report $(PYTEST_ARGS)

crowd: $(VENV)/.dev-stamp
	@sh deploy/test-env.sh
	@$(BIN)/python -m pytest -s -m faults_long tests/stories/test_c_crowd.py

fuzz: $(VENV)/.dev-stamp $(VENV)-fuzz/.run-stamp
	@sh deploy/test-env.sh
	@$(BIN)/python -m pytest -q -m faults_long tests/security tests/sessions/test_model_faults.py
	@$(VENV)-fuzz/bin/python -m tests.security.fuzz $(FUZZ_S)

$(VENV)-fuzz/.run-stamp: requirements.txt requirements-fuzz.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV)-fuzz requirements-fuzz.txt
	@touch $@

screenshots: $(VENV)/.dev-stamp
	@$(BIN)/python deploy/screenshots.py
	@$(BIN)/python deploy/screenshots_console.py

bench: $(VENV)/.dev-stamp $(VENV)/.compiled-stamp $(VENV)-node/.run-stamp $(VENV)-bench/.run-stamp
	@ulimit -n 8192 && $(BIN)/python -m bench $(ROWS)

$(VENV)-node/.run-stamp: requirements.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV)-node requirements.txt
	@touch $@

$(VENV)-bench/.run-stamp: bench/requirements.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV)-bench bench/requirements.txt
	@touch $@

vendor: $(VENV)/.run-stamp
	@$(BIN)/python deploy/vendor.py --fetch

$(VENV)/.run-stamp: requirements.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV) requirements.txt
	@touch $@

# Where the environment forbids Python to keep what it compiled, each start would compile all of it.
$(VENV)/.compiled-stamp: $(VENV)/.run-stamp $(shell find $(PROGRAM) -name '*.py')
	@$(BIN)/python -m compileall -q $(PROGRAM)
	@touch $@

$(VENV)/.dev-stamp: requirements.txt requirements-dev.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.run-stamp
