# make test   everything that is tested; installs or names the programs it needs
# make web    the verifier of the pages, for the service to embed; PIN=HEX builds a root's SM3 in
# make lint   gofmt, go mod tidy, go vet, staticcheck, errcheck, govulncheck, the plan of the house
# make bench  each speed beside its floor, ready for benchstat
# make bench-peers  the field beside ours in one run: step-ca, cfssl, the EU's DCC verifier
# make bench-pki  the same for the PKI alone: CRLs, OCSP, time stamps, paths
# make race   the tests under the race detector, which needs a C compiler
# make fuzz   every fuzz target for FUZZTIME

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.1
ERRCHECK    = github.com/kisielk/errcheck@v1.20.0
GOTESTSUM   = gotest.tools/gotestsum@v1.13.0
GOVULNCHECK = v1.6.0
STEPCA      = github.com/smallstep/certificates/cmd/step-ca@v0.29.0
CFSSL       = github.com/cloudflare/cfssl/cmd/cfssl@v1.6.5

COUNT    = 6
FUZZTIME = 10s

.PHONY: test web lint bench bench-pki bench-peers race fuzz

# Everything builds and runs without a C compiler, but for PKCS#11 tokens, which are
# tested in a step of their own, and so is the suite of the stores under the race detector.
test: export CGO_ENABLED = 0
test: export PATH := $(PATH):$(shell go env GOPATH)/bin
test:
	@.ci/tools
	go build ./...
	go run $(GOTESTSUM) --format pkgname-and-test-fails --format-hide-empty-pkg -- -timeout 30m ./...
	@if command -v gcc >/dev/null 2>&1; then \
		CGO_ENABLED=1 go test ./pki/keystore/pkcs11 && \
		CGO_ENABLED=1 go test -run TestToken ./cmd/elicence && \
		CGO_ENABLED=1 go test -race -run 'TestRegistry|TestRecordKeys|TestAuditLog|TestCertificates' ./internal/store/records && \
		CGO_ENABLED=1 go test -race ./internal/store/keytree ./internal/store/sealed; \
	fi

web:
	go run ./cmd/webbuild --out api/web/wasm $(if $(PIN),--root-sm3 $(PIN))

lint:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt: $$files"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(ERRCHECK) -exclude .ci/errcheck.txt ./...
	@.ci/vulncheck $(GOVULNCHECK)
	go test ./internal/architecture

bench:
	go test -run '^$$' -bench . -benchmem -count $(COUNT) ./qr/status ./qr/verify ./licence ./seal/pdf ./internal/store/records ./internal/office ./pki/ca/lint

# The peers are programs of their own, outside of this module.
bench-peers: export CGO_ENABLED = 0
bench-peers:
	cd / && GOBIN=$(CURDIR)/.peers go install $(STEPCA)
	cd / && GOBIN=$(CURDIR)/.peers go install $(CFSSL)
	PEERS=$(CURDIR)/.peers go test -tags peers -run '^$$' -bench . -benchtime 5s -count 3 ./internal/peerbench
	cd internal/peerbench/dcc && go test -run '^$$' -bench . -benchtime 5000x -count 3 .

bench-pki:
	go test -run '^$$' -bench . -benchmem -count $(COUNT) ./pki/crl ./pki/ocsp ./pki/path ./pki/tsa ./pki/fixedkey
	go test -run '^$$' -bench OCSP -benchmem -count $(COUNT) ./api

race:
	CGO_ENABLED=1 go test -race ./...

# Go spends a minute on making each new input smaller unless it is told not to.
fuzz:
	@go list -f '{{.ImportPath}}' ./... | while read -r package; do \
		go test -list '^Fuzz' "$$package" | grep '^Fuzz' | while read -r target; do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$package" || exit 1; \
		done || exit 1; \
	done
