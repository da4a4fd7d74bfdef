# In front of Meson: each target first installs what it needs (tools/need.sh), which takes
# no time when it is all there. `make help` lists them.

SHELL := /bin/bash
PREFIX ?= /usr/local
ARGS ?=

need := ./tools/need.sh
run := /usr/bin/python3 tests/run.py
destdir := $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

.DEFAULT_GOAL := all
.PHONY: all demo test test-conformance test-fresh soak bench lint install clean help

all: ## build weft and weft-proxy into build/
	@$(need) build
	@tools/build.py build programs

demo: all ## a shop of five services behind Weft; ARGS="..." passes flags
	@tools/demo.sh $(ARGS)

test: ## units, checks, sanitizers and scenarios
	@$(need) build test scenario format envoy
	@$(run) test $(ONLY)

test-conformance: ## judges that others wrote
	@$(need) build test scenario envoy conformance
	@$(run) conformance $(ONLY)

soak: ## fuzzers, chaos, long runs
	@$(need) build test scenario envoy soak
	@$(run) soak $(ONLY)

test-fresh: ## demo and test on a minimal Debian 12 and 13 (root)
	@$(need) soak
	@tools/test-fresh.sh

bench: ## measurements beside others
	@$(need) build bench envoy
	@$(run) bench $(ONLY)

lint: ## clang-tidy and clang-format
	@$(need) build test format lint
	@$(run) lint $(ONLY)

install: all ## programs, man pages and completions, into DESTDIR and PREFIX
	@meson configure build -Dprefix=$(PREFIX)
	@tools/build.py build programs
	@meson install -C build --no-rebuild --strip $(destdir)

clean: ## remove everything built; keep .venv-*
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 28
