# `make run` needs only Python >= 3.11 and make. HOST, PORT, PIP_INDEX_URL and every KF_ setting
# are taken from the environment or from .env.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# Three at a time, as many wait for something; each file as a whole, so that no test meets another, and in
# the order of tests/conftest.py, the slow files first.
PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder
# The inner loop: no browser, no node as a process, no ZooKeeper or PostgreSQL; the only server is Redis.
QUICK_FOLDERS := $(addprefix tests/,routing sessions conversations delivery presence wechat auth directory alerts storage config)
QUICK_FILES := $(addprefix tests/,test_docs.py test_imports.py node/test_one_core.py node/test_logs.py)
QUICK_MARKS := not (zookeeper or browser or faults or faults_long)
QUICK_ARGS ?= -q -n 3 --dist loadfile
FUZZ_S ?= 120
BENCH_FILES := 8192
PROGRAM := wsgi.py app routing sessions config simulator

.DEFAULT_GOAL := help
.NOTPARALLEL: # the stamps share an environment
.PHONY: help run test quick check faults crowd fuzz screenshots vendor bench

help:
	@echo "make run    start the server here (demo without credentials)"
	@echo "make quick  the tests that need only Redis, in less than a minute"
	@echo "make test   run every test, in about ten minutes on two cores"
	@echo "make check  ruff, mypy, import rules, front-end syntax"
	@echo "make faults every fault and abuse, and the table in docs/reliability.md"
	@echo "make crowd  200 agents and 5,000 waiting customers on two nodes, over HTTP"
	@echo "make fuzz   broken requests, long random lives, bytes for the callback's parsers; FUZZ_S=600 for longer"
	@echo "make bench  measure this node beside its peers into docs/performance.md; ROWS=\"ring start\" for some"
	@echo "make screenshots  the README's pictures; make vendor  the front end's libraries by their lock file"

run: $(VENV)/.compiled-stamp
	@exec $(BIN)/python wsgi.py serve

# Where Python may keep what it compiled, the next run need not compile the tests again.
test quick faults crowd fuzz: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/.dev-stamp $(VENV)/.compiled-stamp
	@sh deploy/test-env.sh
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

quick: $(VENV)/.dev-stamp
	@sh deploy/need.sh "make quick" redis-server
	@$(BIN)/python -m pytest $(QUICK_ARGS) -m "$(QUICK_MARKS)" -k "not postgresql" $(QUICK_FOLDERS) $(QUICK_FILES)

check: $(VENV)/.dev-stamp
	@sh deploy/need.sh "make check" nodejs || [ "$$CI" != true ]
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
	@$(BIN)/python -m pytest -s -m faults_long tests/stories/test_crowd.py

fuzz: $(VENV)/.dev-stamp $(VENV)-fuzz/.run-stamp
	@sh deploy/test-env.sh
	@$(BIN)/python -m pytest -q -m faults_long tests/security tests/sessions/test_model_faults.py
	@$(VENV)-fuzz/bin/python -m tests.security.fuzz $(FUZZ_S)

$(VENV)-fuzz/.run-stamp: requirements.txt requirements-fuzz.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV)-fuzz requirements-fuzz.txt
	@touch $@

screenshots: $(VENV)/.dev-stamp
	@sh deploy/need.sh "make screenshots" chromium fonts-noto-cjk
	@$(BIN)/python deploy/screenshots.py
	@$(BIN)/python deploy/screenshots_console.py

bench: $(VENV)/.dev-stamp $(VENV)/.compiled-stamp $(VENV)-node/.run-stamp $(VENV)-bench/.run-stamp
	@sh deploy/need.sh "make bench" redis-server zookeeper wrk || echo "kfring: rows that need them are not measured" >&2
	@ulimit -n $(BENCH_FILES) 2>/dev/null || ulimit -n "$$(ulimit -Hn)" || true; \
	    [ "$$(ulimit -n)" = unlimited ] || [ "$$(ulimit -n)" -ge $(BENCH_FILES) ] || \
	    echo "kfring: $$(ulimit -n) open files are allowed, rows of many connections want $(BENCH_FILES)" >&2; \
	    $(BIN)/python -m bench $(ROWS)

$(VENV)-node/.run-stamp: requirements.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV)-node requirements.txt
	@touch $@

$(VENV)-bench/.run-stamp: bench/requirements.txt deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV)-bench bench/requirements.txt
	@touch $@

vendor: $(VENV)/.run-stamp
	@sh deploy/need.sh "make vendor" npm
	@$(BIN)/python deploy/vendor.py --fetch

$(VENV)/.run-stamp: requirements.txt requirements.lock deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV) requirements.txt
	@touch $@

# Where the environment forbids Python to keep what it compiled, each start would compile all of it.
$(VENV)/.compiled-stamp: $(VENV)/.run-stamp $(shell find $(PROGRAM) -name '*.py')
	@$(BIN)/python -m compileall -q $(PROGRAM)
	@touch $@

$(VENV)/.dev-stamp: requirements.txt requirements-dev.txt requirements-dev.lock deploy/make-venv.sh
	@sh deploy/make-venv.sh $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.run-stamp
