# What a person and CI run. `make test` is all that proves skymon; `deny` and `advisories` look at what it is built from.
.DEFAULT_GOAL := build
.PHONY: build tools test deny advisories skypilot bench snapshots

build:
	cargo build --locked

# The real programs (Prometheus, Alertmanager, …) that the tests run, into target/tools, Flask and FastAPI, into
# target/instrumentation, and the schema of SARIF, into target/formats. Does nothing when they are there.
tools:
	tests/tools/get
	tests/instrumentation/get
	tests/formats/get

# `--tests`: unit and integration tests. Doc tests would close the output with "0 passed", which reads as no test at all.
test: tools
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked --tests --no-fail-fast

# Time and memory beside `cp -r` and the real checkers; the figures for docs/performance.md.
bench: tools
	cargo bench --locked --bench bench

# Licences and origins of all dependencies (deny.toml).
deny:
	tests/tools/deny check bans licenses sources

# Known holes in dependencies. Apart, because it fetches the list from GitHub, and changes without a change here.
advisories:
	tests/tools/deny check advisories

# The SkyServe exporter against SkyPilot's own API server, which takes a minute and 460 MB to install.
skypilot:
	tests/skypilot/get
	cargo clippy --locked --test skypilot -- -D warnings
	cargo test --locked --test skypilot

# Writes snapshots/ anew from what `render` gives now. Read the diff before you commit it.
snapshots:
	UPDATE_SNAPSHOTS=1 cargo test --locked --test snapshots
