# tlsresume: every target does its own set-up. `make help` lists them.

PYTHON = build/venv/bin/python

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: ## build the unix port and watch it resume
	@tools/setup.sh
	@$(PYTHON) tools/demo.py

test: ## build, and run all tests
	@tools/setup.sh
	@$(PYTHON) -m pytest

lint: ## check the style of the Python code
	@tools/setup.sh
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check

firmware: ## build for a board: BOARD=UNIX
	@tools/setup.sh
	@$(PYTHON) tools/build.py $(BOARD)

clean: ## remove what was built, but not the sources
	@find build -mindepth 1 -maxdepth 1 ! -name src ! -name venv ! -name apt -exec rm -rf {} +

.PHONY: help demo test lint firmware clean
