module github.com/elicence/elicence/internal/peerbench/dcc

go 1.26.0

replace github.com/elicence/elicence => ../../..

require (
	github.com/elicence/elicence v0.0.0
	github.com/emmansun/gmsm v0.44.1
	github.com/minvws/nl-covid19-coronacheck-hcert v0.5.2
)

require (
	filippo.io/bigmod v0.1.0 // indirect
	github.com/bwesterb/go-ristretto v1.2.4 // indirect
	github.com/cloudflare/circl v1.6.5 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/go-errors/errors v1.4.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/minvws/base45-go v0.1.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	github.com/tjfoc/gmsm v1.4.1 // indirect
	github.com/transparency-dev/merkle v0.0.2 // indirect
	github.com/veraison/go-cose v1.3.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
