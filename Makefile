# sagemoat: make help
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

GO       ?= go
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.11.4
GREMLINS := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
FUZZTIME ?= 60s

# As what is deployed and installed is built, so that everything is compiled once.
export CGO_ENABLED = 0
export GOFLAGS := $(shell $(GO) env GOFLAGS) -trimpath

# The CDK's runtime tells at length that Node 20 is old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 20

.PHONY: help
help: ## Say what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Show it at work in AWS in memory, then judge the shipped records; needs nothing but Go
	@$(GO) build -o bin/ ./cmd/sagemoat
	@$(GO) build -o bin/demo ./demo
	@bin/demo
	@echo
	@echo "The same judgement over the shipped records of every kind (sagemoat audit demo/cloudtrail.json):"
	@echo
	@bin/sagemoat audit --rules demo/rules.yaml demo/cloudtrail.json || [ $$? -eq 1 ]

.PHONY: build
build: ## Build the command into bin/
	$(GO) build -o bin/ ./cmd/sagemoat

.PHONY: package
package: ## Build what is deployed, reproducibly: zips and templates in dist/sagemoat/VERSION/
	$(GO) run ./internal/gen/package

# The CDK's command line, by the version and the hash of infra/package-lock.json.
CDK = .cache/cdk/node_modules/.bin/cdk
$(CDK): infra/package.json infra/package-lock.json
	@mkdir -p .cache/cdk && cp infra/package.json infra/package-lock.json .cache/cdk/
	@cd .cache/cdk && npm ci --silent --no-audit --no-fund && touch node_modules/.bin/cdk

# make deploy ARGS="--context mode=stop --context alertEmail=ml@example.com"
.PHONY: deploy
deploy: package $(CDK) ## Deploy to the account and Region of your credentials, by the CDK (docs/deploy.md)
	cd infra && SAGEMOAT_DIST="$(CURDIR)/dist/sagemoat/$$(cat ../dist/VERSION)" CDK_DISABLE_CLI_TELEMETRY=true \
		./deploy.sh ../$(CDK) $(ARGS)

.PHONY: templates
templates: ## Write the templates that the CDK app makes (infra/templates)
	cd infra && $(GO) test ./stack -run 'TestGolden|TestNag|TestSettingsPage' -update

.PHONY: test
test: tools check cover infra lint ## All that a change must pass: build, tests, coverage, lint

# What the tests need beside Go: a JDK and Maven for AWS's own event-ruler and
# DynamoDB Local, Python for moto, Node for the CDK and the policy simulator. Their
# packages come from Maven Central, PyPI and npm.
.PHONY: tools
tools:
	@for tool in javac mvn node npm; do command -v $$tool >/dev/null || missing=1; done; \
	python3 -c 'import venv, ensurepip' 2>/dev/null || missing=1; \
	if [ -n "$$missing" ]; then apt-get update -qq && apt-get install -y -qq default-jdk-headless maven python3-venv nodejs npm; fi

.PHONY: check
check:
	$(GO) build ./...
	cd infra && $(GO) build ./...
	@test -z "$$(git ls-files '*.go' | xargs gofmt -l | tee /dev/stderr)"

# Statements: all of what decides, and 85 % of the whole.
.PHONY: cover
cover:
	$(GO) test -count=1 -vet=off -coverprofile=coverage.out ./...
	$(GO) run ./internal/gen/coverage coverage.out

.PHONY: infra
infra:
	cd infra && $(GO) test -count=1 -vet=off ./...

# go vet's checks are among the linters.
.PHONY: lint
lint: ## Lint, and check the linter's own configuration
	$(GO) run $(LINT) config verify --schema "$$($(GO) mod download -json github.com/golangci/golangci-lint/v2@v2.11.4 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/jsonschema/golangci.jsonschema.json"
	$(GO) run $(LINT) run ./...
	cd infra && $(GO) run $(LINT) run ./...

.PHONY: race
race: ## Run the tests under the race detector
	CGO_ENABLED=1 $(GO) test -race ./...

# The packages whose tests have a large number of rounds.
CHAOS = $$(grep -rl --include='*_test.go' 'sagemoat/internal/chaos"' . | xargs -n1 dirname | sort -u)

# What the large rounds need beside that: npm for the CDK, Chromium for the guide.
.PHONY: chaos-tools
chaos-tools: tools
	@for tool in npm chromium; do command -v $$tool >/dev/null || missing=1; done; \
	if [ -n "$$missing" ]; then apt-get update -qq && apt-get install -y -qq npm chromium; fi

.PHONY: chaos
chaos: chaos-tools ## Run the fault tests at full size: 100,000 events, every crash point (docs/chaos.md)
	$(GO) test -count=1 -v -timeout 2h -run 'Test' $(CHAOS) -chaos | grep -vE '^(=== |--- PASS|PASS)' 

.PHONY: fuzz
fuzz: ## Fuzz every parser, FUZZTIME each (default 60s)
	@set -e; for f in $$(grep -rlE '^func Fuzz' --include='*_test.go' .); do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]*)\(.*/\1/p' $$f); do \
	    echo "== $$(dirname $$f) $$target"; \
	    $(GO) test ./$$(dirname $$f) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s; \
	  done; done

.PHONY: mutate
mutate: ## Mutation testing of what decides: verdict, rules and rails (docs/mutation.md)
	$(GO) run $(GREMLINS) unleash ./pkg/verdict
	$(GO) run $(GREMLINS) unleash ./pkg/rails
	$(GO) run $(GREMLINS) unleash ./pkg/rules -E 'load\.go'

.PHONY: bench
bench: ## Measure it against other tools, Python and its own goals (docs/performance.md)
	$(GO) run ./internal/bench/judge
	$(GO) run ./internal/bench/archive --duckdb
	$(GO) run ./internal/bench/functions
	$(GO) run ./internal/bench/stop
	$(GO) run ./internal/bench/publish
	$(GO) run ./internal/bench/sweep

.PHONY: docs
docs: ## Write the pages that are generated
	$(GO) run ./internal/gen/kinds
	$(GO) run ./internal/gen/lint
	$(GO) run ./cmd/sagemoat guide --rules docs/guide.example.rules.yaml --out docs/guide.example.md \
	  --kind training-job,processing-job,model,endpoint-config,notebook-instance,domain,labeling-job,algorithm
	$(GO) run ./internal/gen/permissions
