# tlsresume: every target does its own set-up. `make help` lists them.

PYTHON = build/venv/bin/python

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: ## watch it resume on the unix port; BOARD=QEMU_MPS2, ...: emulated; PORT=/dev/ttyX: a real board
	@tools/setup.sh $(if $(BOARD)$(PORT),board) $(EMULATED)
	@$(PYTHON) tools/demo.py $(if $(BOARD),--board $(BOARD)) $(if $(PORT),--port $(PORT))

test: ## build, and run all tests
	@tools/setup.sh board servers bench test interop trust flash libraries pytest
	@$(PYTHON) -m pytest -n auto --dist loadfile

hil: ## test an emulated board: BOARD=QEMU_MPS2, ESP32_GENERIC[_C3]; PORT=/dev/ttyX: a real one
	@tools/setup.sh board servers libraries pytest $(EMULATED)
	@$(if $(PORT),,$(PYTHON) tools/emulator.py --build $(BOARD))
	@$(PYTHON) -m pytest host_tests/board $(if $(BOARD),--board $(BOARD)) $(if $(PORT),--port $(PORT))

interop: ## against the servers of Debian's packages; writes the table in host_tests/interop
	@tools/setup.sh servers interop world pytest
	@$(PYTHON) -m pytest host_tests/interop --world --write-table

trust: ## faults, attacks and endurance at full length: hours
	@tools/setup.sh board servers bench trust libraries pytest
	@$(PYTHON) -m pytest host_tests/trust --long

bench: ## measure: tables, build/bench.json, build/bench.svg; PORT=/dev/ttyX: a real board, too
	@tools/setup.sh board servers bench libraries
	@$(PYTHON) tools/bench.py $(if $(PORT),--port $(PORT))

lint: ## check style and types; the compilers' warnings are errors in every build
	@tools/setup.sh lint libraries
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) tools/typecheck.py

firmware: ## build for a board: BOARD=UNIX, QEMU_MPS2, any ESP32 of upstream's; VARIANT=TLS13, SPIRAM-TLS13
	@tools/setup.sh $(if $(filter UNIX QEMU_MPS2,$(BOARD)),board)
	@$(PYTHON) tools/build.py $(BOARD) $(if $(VARIANT),BOARD_VARIANT=$(VARIANT))

flash: ## build for an ESP32 board and put it there: BOARD=..., PORT=/dev/ttyX; VARIANT=TLS13
	@tools/setup.sh flash
	@$(PYTHON) tools/flash.py $(if $(PORT),--port $(PORT)) $(BOARD) $(if $(VARIANT),BOARD_VARIANT=$(VARIANT))

emulator: ## run an emulated board, and print its serial line, until Ctrl-C; BOARD=, VARIANT=
	@tools/setup.sh board $(EMULATED)
	@$(PYTHON) tools/emulator.py $(or $(BOARD),QEMU_MPS2) $(if $(VARIANT),--variant $(VARIANT))

mpy: ## the package as .mpy files, in build/mpy
	@tools/setup.sh
	@$(PYTHON) tools/mpy.py

libraries: ## the libraries that lib/examples use, in build/libraries
	@tools/setup.sh libraries
	@$(PYTHON) tools/libraries.py

fresh: ## `make demo` on a minimal Debian, made by debootstrap; as root
	@tools/setup.sh fresh
	@$(PYTHON) tools/fresh.py

clean: ## remove what was built, but not the sources
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name src ! -name venv ! -name apt ! -name fresh -exec rm -rf {} +

# An emulated ESP32 has a flash, which esptool writes.
EMULATED = $(if $(filter ESP32%,$(BOARD)),flash)

BOARD ?=
PORT ?=
VARIANT ?=

.PHONY: help demo test hil interop trust bench lint firmware flash emulator mpy libraries fresh clean
