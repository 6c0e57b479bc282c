# make test   everything that is tested; installs or names the programs it needs
# make lint   gofmt, go mod tidy, go vet, staticcheck, errcheck, govulncheck, the plan of the house
# make bench  each speed beside its floor, ready for benchstat
# make race   the tests under the race detector, which needs a C compiler
# make fuzz   every fuzz target for FUZZTIME

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.1
ERRCHECK    = github.com/kisielk/errcheck@v1.20.0
GOTESTSUM   = gotest.tools/gotestsum@v1.13.0
GOVULNCHECK = v1.6.0

COUNT    = 6
FUZZTIME = 10s

.PHONY: test lint bench race fuzz

# Everything builds and runs without a C compiler.
test: export CGO_ENABLED = 0
test:
	@.ci/tools
	go build ./...
	go run $(GOTESTSUM) --format pkgname-and-test-fails --format-hide-empty-pkg -- ./...

lint:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt: $$files"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(ERRCHECK) -exclude .ci/errcheck.txt ./...
	@.ci/vulncheck $(GOVULNCHECK)
	go test ./internal/architecture

bench:
	go test -run '^$$' -bench . -benchmem -count $(COUNT) ./qr/verify ./licence ./seal/pdf ./pki/ca/lint ./internal/store/bolt

race:
	CGO_ENABLED=1 go test -race ./...

fuzz:
	@go list -f '{{.ImportPath}}' ./... | while read -r package; do \
		go test -list '^Fuzz' "$$package" | grep '^Fuzz' | while read -r target; do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
		done || exit 1; \
	done
