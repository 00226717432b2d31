.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-newest test-engine test-long check lint crashpoints wrapped fuzz torture surge streams models chaos engines hosts bench lock clean

PYTHON ?= python3
NEWEST := 3.13
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
FUZZ_READY := $(VENV)/.fuzz-ready
PURE := tests/core tests/laws tests/responders --ignore tests/responders/llm tests/test_config.py tests/test_docs.py
WITH_ENGINE := tests/eventlog tests/app tests/laws tests/simulation
END_TO_END := tests/app/test_recovery.py::TestForgetful::test_every_question_pending_at_a_kill_is_answered_once_and_in_order

# Where it is set, each of the many processes that tests start would compile all of the bot anew.
export PYTHONDONTWRITEBYTECODE :=

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## a Discord on loopback, the bot and a scripted chat: no token, no network (ENGINE=postgresql: a standby goes on; PAGE=1: ends with its log as a page)
	@$(BIN)/echoless demo $(if $(ENGINE),--engine $(ENGINE)) $(if $(PAGE),--page)

test: $(READY) ## every test but the long ones, three at a time
	@$(BIN)/pytest -n 3 --dist worksteal -m 'not long'

test-long: $(READY) ## the long ones: kills at every step, how each command ends, an installation, a browser, other releases
	@$(BIN)/pytest -n 2 --dist worksteal -m long

test-quick: $(READY) ## the parts that touch nothing outside, and the bot started, killed and started again: ten seconds
	@$(BIN)/pytest -n 2 --dist worksteal $(PURE) $(ALSO) $(END_TO_END)

# A name on PATH may be pyenv's, for a version that is not chosen: so each is tried.
test-newest: ## those and the log's under Python 3.13, in a virtual environment of its own, where PATH or pyenv has it
	@python=$$(for each in python$(NEWEST) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$(NEWEST).*/bin/python3; do \
		if "$$each" -c '' 2>/dev/null; then echo "$$each"; break; fi; done); \
	if [ -n "$$python" ]; then $(MAKE) --no-print-directory test-quick PYTHON="$$python" ALSO=tests/eventlog VENV=.venv-$(NEWEST); \
	else echo "Not tested under Python $(NEWEST): neither PATH nor pyenv has it."; fi

test-engine: $(READY) ## the tests of the log, the bot and the laws once more, each log in an engine (ENGINE=postgresql; TESTS names a part)
	@$(BIN)/pytest -n 2 --dist worksteal --engine $(or $(ENGINE),postgresql) $(or $(TESTS),$(WITH_ENGINE))

check: lint test ## what has to pass before a change goes in

lint: $(READY) ## style, types and the floors
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

crashpoints: $(READY) ## kill -9 at every place where the bot touches the outside world, and at pairs (PAIRS=N: only so many)
	@$(BIN)/python -m tests.crashpoints.harness --pairs $(or $(PAIRS),0)

wrapped: $(READY) ## kill -9 at every step of the bots in examples/wrapped (KILLS=200: the ticket bot, while people use it; PLAIN=1: without the log)
	@$(BIN)/python -m tests.crashpoints.wrapped $(if $(KILLS),--kills $(KILLS)) $(if $(PLAIN),--plain) $(if $(SEED),--seed $(SEED))

fuzz: $(if $(COVERAGE),$(FUZZ_READY),$(READY)) ## odd inputs for everything that reads what others wrote (INPUTS=1000000, SECONDS=600, SEED=2; COVERAGE=1: they grow by the code they reach)
	@$(BIN)/python -m tests.fuzz$(if $(COVERAGE),.by_coverage) $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

torture: $(READY) ## the log's files changed, copied and restored: is everything found, is nothing lost or doubled? (WHAT=flips|archives|tamper|copies|restore|grep; COUNT=N changes; SEED=N)
	@$(BIN)/python -m tests.torture $(or $(WHAT),all) --count $(or $(COUNT),10000) --seed $(or $(SEED),1)

surge: $(READY) ## many people in many channels at once: what is recorded, answered and used
	@$(BIN)/python -m benchmarks.surge

streams: $(READY) ## a hundred channels at once, each shown an answer while a model writes it: how soon, how often
	@$(BIN)/python -m benchmarks.streams

models: $(READY) ## how often a small model repeats the lines of the prompt (URL=http://127.0.0.1:8080/v1 MODEL=its-model: another than the one a package ships)
	@$(BIN)/python -m benchmarks.frames $(if $(URL),--url $(URL)) $(if $(MODEL),--model $(MODEL)) $(if $(QUESTIONS),--questions $(QUESTIONS))

chaos: $(READY) ## kill -9 at random moments, lost connections, a model that is away, failing sends (QUICK=1: a minute of it; SEED=2: another run)
	@$(BIN)/python -m benchmarks.chaos $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED))

engines: $(READY) ## the log in PostgreSQL, DynamoDB and Kafka: what each has to keep to, and owners that are killed or replaced (KILLS=20, ENGINES=kafka)
	@$(BIN)/pytest -q tests/engines
	@$(BIN)/pytest -q tests/engines/everywhere.py
	@$(BIN)/python -m tests.engines.kills --kills $(or $(KILLS),20) $(ENGINES)

hosts: $(READY) ## bots on hosts that are network namespaces (root): owners killed, links cut, standbys go on (KILLS=100, CUTS=30, SHARDS=2, SEED=2)
	@$(BIN)/python -m benchmarks.hosts $(if $(KILLS),--kills $(KILLS)) $(if $(CUTS),--cuts $(CUTS)) $(if $(SHARDS),--shards $(SHARDS)) $(if $(SEED),--seed $(SEED))

bench: $(BENCH_READY) ## side by side with what one would pick instead (QUICK=1: a small one, in under two minutes; ONLY=append,intake: parts)
	@$(BIN)/python -m benchmarks.compare $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

# By hand afterwards: audioop-lts, which discord.py needs on Python 3.13 and later. pip-compile sees only the Python it runs in.
lock: $(READY) ## pin the newest allowed versions of everything in constraints.txt
	@$(BIN)/pip-compile --quiet --upgrade --extra dev --extra llm --extra dynamodb --extra kafka --extra mcp --extra page --extra pdf --extra pictures --extra postgresql --extra speed --extra bench --extra fuzz --strip-extras --no-header --no-emit-index-url \
		--no-emit-trusted-host --no-emit-find-links --output-file constraints.txt pyproject.toml

clean: ## remove the virtual environment, caches and builds
	@rm -rf $(VENV) .venv-$(NEWEST) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find bot tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Made again when the project's needs change; the stamp is written last, so a half-made environment is not used.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Echoless needs Python 3.11 or later; say which: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[dev,dynamodb,kafka,llm,mcp,page,pdf,pictures,postgresql]'
	@touch $@

# The contenders and what draws the picture: nothing else needs them.
$(BENCH_READY): $(READY)
	@$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@

$(FUZZ_READY): $(READY)
	@$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	@touch $@
