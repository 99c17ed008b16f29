# s0web: what to type. `make` alone tells.
#
#   make run     install what is missing and run the simulated house on http://127.0.0.1:8080/s0/
#                PORT=8090 HOST=0.0.0.0 change where
#   make test    install what is missing and run all tests
#   make lint    ruff and mypy
#   make bench   measure everything beside its peers (long)
#   make docs    write the generated parts of docs/ again

SHELL  := /bin/sh
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
HOST   ?= 127.0.0.1
PORT   ?= 8080
BIN    := .venv/bin

TEST_PACKAGES := python3-venv apache2 apache2-utils libapache2-mod-wsgi-py3 chromium chromium-driver shellcheck mosquitto mosquitto-clients python3-paho-mqtt influxdb victoria-metrics mariadb-server galera-4 rsync postgresql openssh-server openssh-client

.DEFAULT_GOAL := help
.PHONY: help run test lint bench docs clean

help:
	@sed -n 's/^#   //p' Makefile

run: .venv/run
	@$(BIN)/s0web demo --host "$(HOST)" --port "$(PORT)"

test: .venv/test
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 3 --dist loadfile  # they mostly wait

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict s0web

bench: .venv/bench
	@$(BIN)/python bench/all.py

docs: .venv/run
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -m tools.grafana

.venv/bin/python:
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || sh tools/packages.sh python3-venv
	$(PYTHON) -m venv .venv

.venv/run: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

.venv/test: setup.cfg pyproject.toml | .venv/bin/python
	@sh tools/packages.sh $(TEST_PACKAGES)
	@sh tools/promtool.sh
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ .venv/run

.venv/bench: .venv/test
	@sh tools/packages.sh wrk galera-arbitrator-4
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,bench]'
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info
