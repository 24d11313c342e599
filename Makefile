# `make help` lists what can be done. The two that matter: `make demo` shows the
# program, `make test` installs what the tests need and runs everything, on a real
# Kafka broker where a fake one proves nothing.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BIN := .cache/bin
FUZZTIME ?= 10s

# Packages with tests on a broker of their own. A broker takes half a gigabyte, and
# the processor while it starts, so these packages run one after another.
BROKER_PKGS = $$(go list -f '{{$$p := .ImportPath}}{{range .TestImports}}{{if eq . "tidemark/internal/kafkatest"}}{{$$p}} {{end}}{{end}}{{range .XTestImports}}{{if eq . "tidemark/internal/kafkatest"}}{{$$p}} {{end}}{{end}}' ./... | tr ' ' '\n' | grep . | sort -u)

# Packages with goroutines. Under the race detector they run without the tests that
# start a broker (all called TestBroker…) or drive object stores in loops: its slowness
# would test timeouts. Nor with outside readers, which share nothing with us, nor with
# the storms, whose thousands of timers in virtual time made Go's own runtime fail under it
# (1.26: SIGSEGV in timer.maybeRunChan). Packages
# that share nothing between goroutines are left out (two workers write at once in the tests of
# the pipeline), and so is the ledger's exploration, which is one goroutine: it would find nothing
# there, slowly. Of rawfile, what reads ahead is run.
RACE_PKGS = $$(go list ./consumer/... ./internal/... | grep -vE '/internal/(archtest|batch|differential|generate|infer|parity|rawfile|schema|teeth)$$')

.PHONY: help test setup unit broker race chaos deploy-check fuzz lint mod-check bench bench-files bench-latency bench-peers bench-sizes bench-costs bench-growth bench-instructions build demo clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## install what is missing and run every test, the real broker included
	@scripts/step --begin; trap 'scripts/step --summary' EXIT; \
	scripts/step "what the tests need" $(MAKE) --no-print-directory setup; \
	scripts/step "go vet" go vet ./...; \
	scripts/step "tests" $(MAKE) --no-print-directory unit; \
	scripts/step "tests on a real broker" $(MAKE) --no-print-directory broker; \
	scripts/step "race detector" $(MAKE) --no-print-directory race; \
	scripts/step "what deploy/ installs" $(MAKE) --no-print-directory deploy-check

setup: .cache/kafka/libs/pom.xml .cache/registry/ready .cache/readers/ready .cache/spark/ready .cache/stores/ready .cache/peers/ready .cache/protobuf/ready ## install what is missing: Go modules, Apache Kafka, Apicurio Registry, Python readers, pyspark, object stores, other Avros and Protobufs
	@go mod download
	@go -C tools/deploytest mod download

.PHONY: needs
needs:
	@scripts/needs

.cache/kafka/libs/pom.xml: scripts/kafka.d/pom.xml | needs
	@scripts/kafka up --dir .cache/kafka/first --port 19092 --heap 256m
	@scripts/kafka down --dir .cache/kafka/first

.cache/registry/ready: scripts/registry.d/pom.xml | needs
	@scripts/registry install
	@touch $@

.cache/readers/ready: scripts/readers.d/requirements.txt | needs
	@scripts/readers up

.cache/peers/ready: $(wildcard scripts/peers.d/*) | needs
	@scripts/peers up
	@touch $@

.cache/protobuf/ready: scripts/protobuf.d/requirements.txt | needs
	@scripts/protobuf up

.cache/spark/ready: scripts/beside-spark.d/requirements.txt | needs
	@scripts/spark up >/dev/null

# Six hundred Go modules, built once for each change of the pins.
.cache/stores/ready: $(wildcard scripts/stores.d/*) tools/stores/go.sum tools/stores/minio/go.sum | needs
	@scripts/stores install
	@touch $@

unit: ## run the tests of packages that need no broker
	@go test -timeout 10m $$(go list ./... | grep -vxF "$(BROKER_PKGS)")

broker: ## run the packages that start Apache Kafka, one after another
	@go test -timeout 15m -p 1 $(BROKER_PKGS)

race: ## run the concurrent packages under the race detector
	@go test -race -run '^$$' $(RACE_PKGS) >/dev/null
	@go test -race -run '^(TestStrips|TestCut)' ./internal/rawfile
	@go test -race -timeout 15m -p 1 -skip '^(TestBroker|TestErrorLoopOn|TestStorms|TestOutsideReaders|TestExplorationIsClean)' $(RACE_PKGS)

# With T it is one test, which makes up bad days by the seed SEED for so long: what befalls
# the program, and when, follows from the seed.
chaos: setup ## every suite at its full length: error loops, zombies, storms, bugs put back (an hour or more); T=30m SEED=7: bad days made up by a seed
ifdef T
	@go test -v -timeout 0 ./internal/badday -run '^TestBrokerSchedules$$' -for $(T) -seed $(or $(SEED),1)
else
	@go test -v -timeout 0 ./internal/pipeline -long
	@go test -v -timeout 0 ./internal/badday -long
	@go test -v -timeout 0 ./internal/teeth -long -run TestTeethBite
endif

deploy-check: ## render deploy/kubernetes and check every object, the Containerfile and its program
	@go -C tools/deploytest vet ./...
	@go -C tools/deploytest test -timeout 5m ./...

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@go list -f '{{.ImportPath}}' ./... | while read -r pkg; do \
	  for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
	    echo "==> $$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$pkg"; \
	  done; \
	done

lint: $(BIN)/golangci-lint ## gofmt, go vet, golangci-lint and staticcheck, as pinned in tools/
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); [ -z "$$bad" ] || { echo "gofmt: $$bad"; exit 1; }
	@go vet ./...
	@$(BIN)/golangci-lint run ./...
	@$(BIN)/staticcheck ./...
	@cd tools/deploytest && ../../$(BIN)/golangci-lint run --config ../../.golangci.yml ./... && ../../$(BIN)/staticcheck ./...

# Built once for each tools/go.mod: some 700 packages.
$(BIN)/golangci-lint: tools/go.mod tools/go.sum
	@echo "building the linters (once)"
	@mkdir -p $(BIN) && go -C tools build -o ../$(BIN)/ tool
	@touch $@

mod-check: ## fail where go mod tidy would change go.mod or go.sum
	@go mod tidy -diff
	@go -C tools/deploytest mod tidy -diff

bench: ## measure: raw consume, whole drain, pipeline alone; files beside DuckDB and Polars
	@scripts/bench
	@scripts/bench-files

bench-files: ## measure: files to checked Parquet, beside DuckDB and Polars
	@scripts/bench-files

bench-latency: ## measure: how long after it was sent an event can be read
	@scripts/bench-latency

bench-peers: ## measure: the same work done by what else is used for it
	@scripts/bench-peers

bench-costs: ## measure: what the checks cost that look beyond a batch
	@scripts/bench-files --costs

bench-sizes: ## measure: what files weigh beside DuckDB's, and what sorting costs and gives
	@scripts/bench-files --sizes

bench-growth: ## measure: how speed changes with processors, batches, days, columns and the size of events
	@scripts/bench-growth

bench-instructions: ## measure: instructions of a row, whatever else the machine does
	@scripts/bench-instructions

build: ## build bin/tidemark, static, with its version
	@CGO_ENABLED=0 go build -trimpath -tags disable_grpc_modules -ldflags "-s -w -X main.version=$(VERSION)" -o bin/tidemark ./cmd/tidemark

demo: ## run the demonstration
	@go run ./cmd/tidemark demo

clean: ## remove what was built; the tools and downloads in .cache stay
	@rm -rf bin dist
	@go clean -testcache
