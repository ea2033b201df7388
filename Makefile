# One target for each task; `make` alone lists them. Packages go into .venv only. The tests may also install a browser,
# PostgreSQL and HAProxy. A second call installs nothing and starts in seconds.

PORT ?= 8501
WORKERS ?= 2
N ?= 1000
SEED ?= 0
pythons = $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python)
# The C library reserves memory for each thread, up to eight arenas per core. A limit of two saves about 80 MB with
# thirty runs.
export MALLOC_ARENA_MAX ?= 2
# Most tests use one core or wait for a browser, so two processes share them. For a single one: make test ARGS='-n 0'
in_two = -n 2 --dist loadfile --no-loadscope-reorder
# Only `make constraints` needs it.
uv = 0.13.9
sources = mnist_core pages app.py tests $(if $(wildcard benchmarks/*.py),benchmarks)

help:
	@echo "make run          start the playground on http://localhost:$(PORT) (another port: make run PORT=8600)"
	@echo "make cluster      start it with a Dask cluster on this machine (make cluster WORKERS=2)"
	@echo "make test         run all tests, browser tests included (some of them: make test ARGS='-k drawing')"
	@echo "make check        check format, lint, types, words on screens and known vulnerabilities; changes nothing"
	@echo "make format       format the code and fix what the linter can fix"
	@echo "make fuzz         feed N damaged inputs to every reader (make fuzz N=100000 READERS='keras photo' SEED=1)"
	@echo "make bench        run the benchmarks (about half an hour)"
	@echo "make constraints  write constraints.txt again (newest versions: make constraints ARGS=--upgrade)"

run: .venv/app
	@.venv/bin/python -c "$$CHECK_PORT" "$(PORT)"
	@.venv/bin/python -m streamlit run app.py --server.port $(PORT) --browser.serverAddress localhost

cluster: .venv/app
	@.venv/bin/python -c "$$CHECK_PORT" "$(PORT)"
	@.venv/bin/python -m mnist_core cluster --workers $(WORKERS) --port $(PORT)

test: .venv/dev
	@.venv/bin/python -m tests.programs
	.venv/bin/python -m pytest $(in_two) $(ARGS)

check: .venv/dev
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy $(sources)
	.venv/bin/python -m tests.screen_texts
	.venv/bin/python -m tests.audit

format: .venv/dev
	.venv/bin/python -m ruff format .
	.venv/bin/python -m ruff check --fix .

fuzz: .venv/dev
	.venv/bin/python -m tests.fuzz --count $(N) --seed $(SEED) $(READERS)

bench: .venv/dev
	@.venv/bin/python -m tests.e2e.browser
	.venv/bin/python -m benchmarks.training
	.venv/bin/python -m benchmarks.articles
	.venv/bin/python -m benchmarks.classroom
	.venv/bin/python -m benchmarks.classroom --mixed
	.venv/bin/python -m benchmarks.store
	.venv/bin/python -m benchmarks.server
	.venv/bin/python -m benchmarks.visitors
	.venv/bin/python -m benchmarks.cluster

# For a new pin in a requirements file. Versions stay as they are unless a pin or --upgrade changes them.
constraints: .venv/made
	.venv/bin/python -m pip install --disable-pip-version-check uv==$(uv)
	.venv/bin/python -m uv pip compile --universal --python-version 3.11 --no-emit-package pip --annotation-style line --quiet \
	    --custom-compile-command "make constraints" --output-file constraints.txt $(ARGS) requirements-dev.txt

.PHONY: help run cluster test check format fuzz bench constraints stale

# --- .venv ---------------------------------------------------------------------------------------------------
# The files .venv/made, .venv/app and .venv/dev mark finished steps. .venv is built again if an installation was
# interrupted (.venv/unfinished exists), if its Python is gone, or if PYTHON= names another one.

stale := $(shell { [ ! -e .venv/unfinished ] && .venv/bin/python -c "import pip" \
    $(if $(PYTHON),&& [ "$$("$(PYTHON)" -V)" = "$$(.venv/bin/python -V)" ]); } >/dev/null 2>&1 || echo stale)

stale:

.venv/made: $(stale)
	@for python in $(pythons); do \
	    "$$python" -c "" >/dev/null 2>&1 || continue; \
	    if problem=$$("$$python" -c "$$CHECK_PYTHON" 2>&1); then \
	        echo "Creating .venv with $$("$$python" -V)."; \
	        rm -rf .venv && "$$python" -m venv .venv && touch $@; exit; \
	    fi; \
	    echo "$$python: $$problem" >&2; \
	done; \
	echo "No suitable Python among: $(pythons)." >&2; \
	echo "Install Python 3.11, 3.12 or 3.13, or say where one is:" >&2; \
	echo "    make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3.12" >&2; \
	exit 1

.venv/app: requirements.txt constraints.txt .venv/made
	$(call install,$<)

.venv/dev: requirements-dev.txt constraints.txt .venv/app
	$(call install,$<)

define install
@echo "Installing $(1) into .venv; the first time this takes a few minutes."
@touch .venv/unfinished
@.venv/bin/python -m pip install --disable-pip-version-check -r $(1) -c constraints.txt || { \
    echo "Installing $(1) failed; see the reason above. If no version of tensorflow was found: there are" >&2; \
    echo "wheels for Linux (glibc; x86_64, aarch64) and for Macs with Apple silicon, not for other machines." >&2; \
    exit 1; }
@rm .venv/unfinished
@touch $@
endef

# Must run on any Python, Python 2 included.
define CHECK_PYTHON
import sys
version = "%d.%d" % sys.version_info[:2]
if version not in ("3.11", "3.12", "3.13"):
    sys.exit("This is Python " + version + "; the playground needs 3.11, 3.12 or 3.13.")
try:
    import ensurepip, venv
except ImportError:
    sys.exit("It cannot create .venv: its venv or ensurepip module is missing. "
             "On Debian and Ubuntu: apt install python" + version + "-venv")
endef

define CHECK_PORT
import socket, sys
try:
    socket.create_server(("", int(sys.argv[1]))).close()
except (OSError, OverflowError, ValueError):
    sys.exit("Port " + sys.argv[1] + " is in use or not a valid port. Choose another one: make run PORT=8600")
endef

export CHECK_PYTHON CHECK_PORT
