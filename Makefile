# What a contributor types. Each target does its work through scripts/, so that it can be run by hand too.
.PHONY: setup demo demo-web test check bench bench-browser bench-networks nat-table lab evaluation lint format lock release clean

setup:  ## .venv with the locked dependencies, the page for browsers, and all that tests need
	@scripts/setup
	@scripts/build-web --if-needed
	@scripts/install-tools

demo:  ## three parties on this machine run Secret Santa
	@scripts/setup --python-only
	@.venv/bin/huddle demo

demo-web:  ## the same with a browser as one of the three: prints the link, and opens it where there is a screen
	@scripts/setup --python-only
	@scripts/build-web --if-needed
	@.venv/bin/huddle demo --web

test: setup  ## all checks and tests
	@scripts/test

check:  ## while working: the checks, and the unit tests of what differs from main, in seconds
	@scripts/setup --python-only
	@scripts/test --changed

bench:  ## one JSON line a figure
	@scripts/setup --python-only
	@.venv/bin/python -m bench

bench-browser:  ## the same for parties in Chromium
	@scripts/setup
	@scripts/bench-browser

bench-networks:  ## one JSON line a figure and network: RTT, throughput, time to all links; as root for tunnels
	@scripts/setup --python-only
	@.venv/bin/python -m bench.networks

nat-table:  ## which network gets through which pair of routers (as root, about ten minutes), into docs/networks.md
	@scripts/setup
	@.venv/bin/python -m tests.netlab.table

lab:  ## the quick study on emulated machines (as root, about ten minutes), and its report
	@scripts/setup --python-only
	@scripts/lab run studies/quick.toml
	@.venv/bin/huddle lab report results/quick.jsonl

evaluation:  ## the studies of docs/evaluation.md, the runtimes for browsers, and the document of their rows (as root, two hours)
	@scripts/setup --python-only
	@scripts/evaluate

lint:  ## the checks without the tests
	@scripts/setup --python-only
	@scripts/test --checks

format:
	@scripts/setup --python-only
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format --quiet .

lock:  ## the newest versions that pyproject.toml and requirements/*.in allow
	@scripts/lock

release:  ## wheels, sdists and the page into dist/, built twice and the same byte for byte, with sums and SBOMs
	@scripts/setup --python-only
	@scripts/release

clean:
	rm -rf .venv .venv.lock build dist web/build web/dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +
