# How to run it and how to test it. Each target says what it needs; all of them may be
# run again at any time. On Debian 12 only make and git must be there before.
#
#   make serve      run the registry on 127.0.0.1:5000, storage in ./registry-data
#   make test       lint, then all tests, with the real clients
#   make clients    install from Debian the programs that the tests run
#   make crash      kills, failing disks and power cuts, many more than in make test
#   make lint       ruff and mypy
#   make bench      measure against Debian's docker-registry
#   make flood      measure what a thousand slow clients cost the others
#   make fuzz       ten minutes of fuzzing, guided by coverage (FUZZ_SECONDS=600)
#   make clean      remove what was built (not ./registry-data)

# Packages need root, and so do the container engines that the tests start.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Debian keeps daemons where only root's PATH has them.
export PATH := $(PATH):/usr/sbin:/sbin

# The first Python that is new enough and can make a virtual environment.
PYTHON = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$python && break; done)

# What the tests run, as program:package. What is there already is left as it is.
PROGRAMS = skopeo:skopeo umoci:umoci buildah:buildah podman:podman ctr:containerd \
	dockerd:docker.io docker:docker.io docker-registry:docker-registry \
	redis-server:redis-server nginx:nginx-light wrk:wrk ab:apache2-utils
# Of these, what the tests start by themselves and the machine should not.
UNWANTED = docker-registry nginx redis-server

APT = $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get --quiet \
	-o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=60

# A test that takes more seconds than this hangs: say where, and end.
BOUNDED = -o faulthandler_timeout=180 -o faulthandler_exit_on_timeout=true

# Seconds that fuzzing takes in all.
FUZZ_SECONDS = 600

.PHONY: serve test crash clients lint bench flood fuzz clean python

serve: .venv/installed
	.venv/bin/registry serve

test: lint clients
	$(AS_ROOT) env PATH="$$PATH" UNDER_TEST="$$UNDER_TEST" \
		.venv/bin/python -B -m pytest $(BOUNDED)

# About half an hour. KILLS and SEED may be set; a failure says which SEED it had.
crash: .venv/installed-dev
	env CRASH=long KILLS="$${KILLS:-300}" .venv/bin/python -B -m pytest \
		-o faulthandler_timeout=1800 -o faulthandler_exit_on_timeout=true tests/crash

lint: .venv/installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

bench: .venv/installed-dev clients
	.venv/bin/python -m benchmarks

flood: .venv/installed-dev clients
	.venv/bin/python -m benchmarks.flood

fuzz: .venv/installed-dev
	FUZZ=long .venv/bin/python -B -m pytest tests/fuzz
	.venv/bin/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS) --corpus .fuzz

clean:
	$(AS_ROOT) rm -rf .venv build dist *.egg-info twisted/plugins/dropin.cache \
		.fuzz .hypothesis .mypy_cache .ruff_cache
	$(AS_ROOT) find . -name __pycache__ -prune -exec rm -rf {} +

# --no-remove: on a machine with other container engines, stop rather than replace them.
clients:
	@set -e; missing=; for pair in $(PROGRAMS); do \
		command -v $${pair%:*} >/dev/null || missing="$$missing $${pair#*:}"; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ -d /run/systemd/system ]; then for service in $(UNWANTED); do \
		case "$$missing" in *$$service*) \
			$(AS_ROOT) systemctl mask $$service.service;; esac; done; fi; \
	$(APT) update; \
	$(APT) install --yes --no-remove --no-install-recommends $$missing

# Made again when what is installed changes.
.venv/installed: .venv/bin/python setup.cfg pyproject.toml
	.venv/bin/python -m pip install --quiet --editable .
	touch $@

.venv/installed-dev: .venv/installed
	.venv/bin/python -m pip install --quiet --editable '.[dev]'
	touch $@

.venv/bin/python: | python
	$(PYTHON) -m venv .venv

# Debian's python3 comes without the module that makes environments.
python:
	@[ -n "$(PYTHON)" ] || { $(APT) update && \
		$(APT) install --yes --no-install-recommends python3-venv; }
