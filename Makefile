# Every task that a person or a check runs; `make` alone lists them.

CARGO ?= cargo
BUILT := $(or $(CARGO_TARGET_DIR),target)/debug
LOCAL := $(BUILT)/deskmesh-local
# In a terminal cargo shows how far it is.
QUIET := $(if $(MAKE_TERMERR),,--quiet)
# What `make up` and `make demo` run.
RUN := agreement-service share-dispatcher comment-sync field-sync notifier gateway helpdesk nhd-bridge local operator system-tests

.DEFAULT_GOAL := help
.PHONY: help up down account trace demo test test-rabbitmq-4 conformance hostile faults isolation soak soak-nhd sabotage upgrade upgrade-sabotage bench load fuzz kits test-browser audit check check-api check-s3 check-platform check-on-call image check-image generate fmt binaries run-binaries building
# One task at a time: they share cargo's folder and the servers.
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1 ($$1 == "account" ? " NAME=acme" : ""), $$2 }' $(MAKEFILE_LIST)

up: run-binaries ## start private servers, the five services and the edges, leave them running
	@$(LOCAL) up

down: ## stop what `make up` started
	@if test -x $(LOCAL); then $(LOCAL) down; else echo "nothing was running"; fi

account: ## make an account on what `make up` started, print its address; VIA=gateway: one that speaks HTTP, print its token; VIA=helpdesk: one in the browser, print a sign-in link
	@test -n "$(NAME)" || { echo "which account? make account NAME=acme" >&2; exit 2; }
	@test -x $(LOCAL) || { echo "nothing runs here: make up first" >&2; exit 1; }
	@$(LOCAL) account "$(NAME)" $(if $(VIA),--via "$(VIA)")

trace: ## tell what became of a ticket of what `make up` started: TICKET=acme/4711 (or WHAT="share ID", "agreement ID", "message acme/ID")
	@test -n "$(TICKET)$(WHAT)" || { echo "which ticket? make trace TICKET=acme/4711" >&2; exit 2; }
	@test -f target/local/env || { echo "nothing runs here: make up first" >&2; exit 1; }
	@. target/local/env && $(BUILT)/deskmesh-operator trace $(or $(TICKET),$(WHAT))

demo: run-binaries ## play the main story on real servers and prove that nothing was lost
	@$(BUILT)/demo

test: check ## format, lints, and all tests on real servers
	@echo "building"
	@$(CARGO) build $(QUIET) --workspace --all-targets
	@echo "testing on private servers"
	@$(LOCAL) with -- $(CARGO) test --quiet --workspace

test-rabbitmq-4: binaries ## what meets the broker's own rules, again on RabbitMQ 4: topology, the story, conformance, the runtime; needs root
	@echo "testing on a RabbitMQ 4 of its own"
	@infra/local/rabbitmq-4.sh $(LOCAL) with -- sh -ec '\
	  $(CARGO) test --quiet -p system-tests --test it -- topology:: story::; \
	  $(CARGO) test --quiet -p system-tests --test conformance; \
	  $(CARGO) test --quiet -p messaging'

conformance: binaries ## hold the running services to every rule and print the table: rule, kept by, test, result
	@echo "testing every rule on private servers"
	@CONFORMANCE_TABLE=1 $(LOCAL) with -- $(CARGO) test --quiet -p system-tests --test conformance

hostile: binaries ## attack the running services as an account and print the table: what is tried, what ends it, test, result
	@echo "attacking on private servers"
	@HOSTILE_TABLE=1 $(LOCAL) with -- $(CARGO) test --quiet -p system-tests --test conformance -- hostile_

faults: binaries ## let 200 faults strike two replicas of everything and prove that nothing was lost, doubled, leaked or diverged
	@$(BUILT)/faults run $(if $(SEED),--seed $(SEED)) $(if $(INJECTIONS),--injections $(INJECTIONS))

isolation: ## measure what other accounts feel of one whose queue is full, whose desk is dead, who sends nonsense, the worst that is legal, or 50,000 updates at once
	@echo "building, optimised"
	@$(CARGO) build $(QUIET) --release --bins -p faults -p agreement-service -p share-dispatcher -p comment-sync -p field-sync -p notifier -p gateway
	@$(or $(CARGO_TARGET_DIR),target)/release/faults isolation

soak: binaries ## watch the services' memory over a quarter of an hour of work, and over a backlog of 200,000 commands
	@$(BUILT)/faults soak
	@$(BUILT)/faults backlog

soak-nhd: binaries ## work two hours with Networked Help Desk partners that fail, lie and go away (SECONDS=600 SEED=1), and prove that nothing was lost, doubled or diverged
	@NHD_SOAK_SECONDS=$(or $(SECONDS),7200) $(if $(SEED),NHD_SOAK_SEED=$(SEED)) $(LOCAL) with -- \
	  $(CARGO) test --quiet -p nhd-partner --test it -- soak:: --nocapture

sabotage: binaries ## break the runtime on purpose, four ways, and see that `make faults` notices each
	@tests/faults/sabotage/run.sh

upgrade: binaries ## upgrade from an earlier commit (FROM=v1.2.0; without: the release before, or HEAD~1) and go back, with partners at work
	@BUILT=$(BUILT) tests/faults/upgrade/run.sh

upgrade-sabotage: binaries ## break what two releases have to agree on, four ways, and see that `make upgrade` notices each
	@BUILT=$(BUILT) tests/faults/upgrade/sabotage.sh

bench: ## measure the whole system and its peers side by side, in one run
	@echo "building, optimised"
	@$(CARGO) build $(QUIET) --release --bins -p bench -p agreement-service -p share-dispatcher -p comment-sync -p field-sync -p notifier
	@$(or $(CARGO_TARGET_DIR),target)/release/bench $(if $(ROUNDS),--rounds $(ROUNDS))

load: ## measure the gateway (POST against publish, a thousand open streams, a large file, ten minutes without its database), the bridge to fifty partners and the help desk with two hundred agents (SHORT=1)
	@echo "building, optimised"
	@$(CARGO) build $(QUIET) --release --bins -p load -p gateway -p nhd-bridge -p helpdesk
	@$(or $(CARGO_TARGET_DIR),target)/release/load $(if $(SHORT),--short)

fuzz: ## give the rules and admission any message in any state, ten minutes each (TARGET=comment-sync SECONDS=60)
	@tests/fuzz/run.sh $(or $(TARGET),all) $(or $(SECONDS),600)

kits: run-binaries ## hold both client kits to their vectors and play their story through a running gateway; needs node, npm
	@tests/kits/check.sh

test-browser: run-binaries ## two people at the pages in two browsers: the story, live, then every page by axe, narrow, dark, in three languages; needs node, npm
	@tests/browser/run.sh

audit: ## hold every package in Cargo.lock against the advisories, licenses and sources of .cargo/deny.toml
	@test -x target/tools/bin/cargo-deny || $(CARGO) install --quiet --locked --root target/tools cargo-deny@0.20.2
	@target/tools/bin/cargo-deny check --config .cargo/deny.toml

check: ## format and lints alone
	@echo "checking format and lints"
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings

check-api: run-binaries ## hold the running gateway to its OpenAPI document with schemathesis, five minutes at most
	@tests/api/check.sh

check-s3: binaries ## run the gateway's tests of files on a store that speaks S3, moto or one of yours (FILES_S3_URL)
	@tests/s3/check.sh

check-platform: ## hold what it is deployed with against schemas, policies and what the services need, offline
	@tests/platform/check.sh

check-on-call: binaries ## type the runbooks' first commands on private servers
	@tests/platform/check.sh on-call

image: ## build the services' images without a container engine (SERVICE=notifier for one)
	@infra/docker/build.sh $(SERVICE)

check-image: ## build the images and run each as its pod says, on private servers; needs root
	@$(CARGO) build --quiet --workspace --bins
	@BINARIES=$(BUILT) tests/image/check.sh

generate: ## rewrite the generated files
	@UPDATE=1 $(CARGO) test --quiet -p contracts --test it generated
	@UPDATE=1 $(CARGO) test --quiet -p gateway --lib the_published_document_is_the_current_one
	@services/gateway/kits/python/generate.py
	@if command -v node >/dev/null; then node services/gateway/kits/typescript/generate.mjs; \
	else echo "no node here: the TypeScript kit's types are as they were" >&2; fi
	@$(CARGO) build --quiet --workspace --bins
	@UPDATE=1 $(CARGO) test --quiet -p system-tests --test it settings
	@tests/platform/check.sh generate

fmt: ## format the code
	@$(CARGO) fmt --all

binaries: building
	@$(CARGO) build $(QUIET) --workspace --bins

run-binaries: building
	@$(CARGO) build $(QUIET) --bins $(addprefix -p ,$(RUN))

building:
	@test -x $(LOCAL) && echo "building" || echo "building; the first time it takes about four minutes on two cores"
