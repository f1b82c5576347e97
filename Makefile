# What a person and CI run. `make test` is all of it; the other targets are its parts.
.DEFAULT_GOAL := build
.PHONY: build tools test skypilot snapshots

build:
	cargo build --locked

# The real programs (Prometheus, Alertmanager, …) that the tests run, into target/tools. Does nothing when they are there.
tools:
	tests/tools/get

# `--tests`: unit and integration tests. Doc tests would close the output with "0 passed", which reads as no test at all.
test: tools
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked --tests --no-fail-fast

# The SkyServe exporter against SkyPilot's own API server, which takes a minute and 460 MB to install.
skypilot:
	tests/skypilot/get
	cargo clippy --locked --test skypilot -- -D warnings
	cargo test --locked --test skypilot

# Writes snapshots/ anew from what `render` gives now. Read the diff before you commit it.
snapshots:
	UPDATE_SNAPSHOTS=1 cargo test --locked --test snapshots
