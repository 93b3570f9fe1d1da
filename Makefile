# The commands of development. Each target sets up .venv first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
REPORTS := attacks defenses defenses-mnist paper-adult paper-location30 paper-mnist released
RUNS := $(sort $(wildcard results/*.json results/*.json.gz))
EDITABLE := privbench-forest privbench-ray privbench-submitit # packages that are installed in .venv
PLUGINS := $(EDITABLE:%=plugins/%/pyproject.toml)
# The others are installed from wheels, in .venv-plugins; one with a constraints.txt of its own has an environment of its own.
APART := $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/constraints.txt))))
TOGETHER := $(filter-out $(EDITABLE) $(APART),$(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/pyproject.toml)))))

.PHONY: run test lint test-plugins $(APART:%=test-plugins-%) test-slow test-cluster bench bench-cluster bench-gpu recipes reports results check-results docs clean test-isolated bench-scale faults fuzz site

run: $(STAMP)  ## run the quickstart benchmark, on data that ship with scikit-learn
	$(BIN)/privbench run quickstart

test: $(STAMP) lint  ## run ruff, mypy, the docs check and all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal
	for plugin in $(dir $(PLUGINS)); do $(BIN)/python -m pytest $$plugin/tests || exit 1; done

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/cog --check -P -I docs docs/*.md docs/tutorials/*.md results/README.md

test-plugins: $(APART:%=test-plugins-%)  ## test the packages of plugins/ as a user would install them (plugins/README.md)
	PYTHON=$(PYTHON) plugins/test.sh .venv-plugins plugins/constraints.txt $(TOGETHER)

$(APART:%=test-plugins-%): test-plugins-%:
	PYTHON=$(PYTHON) plugins/test.sh .venv-plugins-$* plugins/$*/constraints.txt $*

test-slow: $(STAMP)  ## run simulations of coverage, which take minutes
	$(BIN)/python -m pytest -m slow

test-cluster: $(STAMP)  ## test the executors for Ray and Slurm; as root on Linux with several hosts
	for plugin in ray submitit; do \
		$(BIN)/python -m pytest -m 'slow or not slow' plugins/privbench-$$plugin/tests || exit 1; done

test-isolated: $(STAMP)  ## run hostile components in worker processes, as runs do by default
	PRIVBENCH_IN_PROCESS=0 $(BIN)/python -m pytest tests/walls

faults: $(STAMP)  ## kill, interrupt, fill, lock and damage runs, half an hour long: nothing may be lost (docs/faults.md)
	$(BIN)/python bench/faults --output results/bench/faults.json

SEED ?= 0
CASES ?= 10000

fuzz: $(STAMP)  ## read hostile files of all kinds, for an hour or more (docs/hostile-input.md)
	$(BIN)/python -m tests.fuzz --seed $(SEED) --cases $(CASES) --output results/bench/fuzz.json

bench: $(STAMP)  ## time the engine beside common training loops (docs/performance.md), attacks beside their formulas
	$(BIN)/python bench/population.py
	$(BIN)/python bench/profiles.py
	test -z "$$PRIVBENCH_DATA_DIR" || $(BIN)/python bench/pipeline.py
	$(BIN)/python bench/scaling.py
	$(BIN)/python bench/threads.py
	$(BIN)/python bench/attacks.py

bench-gpu: $(STAMP)  ## train populations on a GPU: seconds per model, share of its peak, AUC by precision
	$(BIN)/python bench/gpu.py --output results/gpu.json

bench-cluster: $(STAMP)  ## how a large benchmark scales to many GPUs (docs/scaling.md); as root on Linux
	$(BIN)/python bench/cluster_tasks.py
	$(BIN)/python bench/ray_hosts.py
	$(BIN)/python bench/simulate.py

bench-scale: $(STAMP)  ## cost of large benchmarks: planning, stored runs, a million rows, memory
	$(BIN)/python bench/scale.py

recipes: $(STAMP)  ## choose the recipes of benchmarks.toml again, on reference records (recipes/README.md)
	$(BIN)/python recipes/search.py

reports: $(STAMP)  ## run the benchmarks of the committed results again: hours each on 2 cores
	for name in $(REPORTS); do \
		$(BIN)/privbench run $$name --set population=64 --set 'seeds=[0, 1, 2]' || exit 1; \
		$(BIN)/privbench export $$name -o results/$$name.json.gz || exit 1; done

results: $(STAMP)  ## make all tables, plots and pages of the committed results from the committed data
	$(BIN)/privbench report $(RUNS) -o results
	$(BIN)/privbench leaderboard build $(RUNS) --data results -o results/site
	$(BIN)/python -m privbench.auditing.measured $(RUNS)
	$(BIN)/cog -r -P -I docs results/README.md

check-results: $(STAMP)  ## check that the committed tables, plots and pages are those of the committed data
	$(BIN)/python -m pytest -m 'slow or not slow' tests/report/test_pages.py \
		tests/leaderboard/test_committed_site.py tests/auditing/test_measured.py

docs: $(STAMP)  ## write the generated parts of docs/, and the schema of benchmarks.toml
	PRIVBENCH_LOAD_PLUGINS= $(BIN)/privbench schema -o benchmarks.schema.json
	$(BIN)/cog -r -P -I docs docs/*.md docs/tutorials/*.md

REPOSITORY ?=

site: $(STAMP)  ## build the documentation as a site, build/site/html; warnings are errors, links are followed
	cd docs && ../$(BIN)/python -m website --repository '$(REPOSITORY)'

clean:
	rm -rf .venv .venv-plugins* build/site results/artifacts results/results.sqlite*

$(STAMP): pyproject.toml constraints.txt $(PLUGINS)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,docs]' \
		$(foreach plugin,$(dir $(PLUGINS)),--editable $(plugin))
	touch $@
