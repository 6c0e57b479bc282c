module github.com/elicence/elicence

go 1.26.0

require (
	// which networks are special, by the registries of IANA: the guard of outgoing requests.
	code.dny.dev/ssrf v0.2.0
	// constant-time arithmetic for two-party signing.
	filippo.io/bigmod v0.1.0
	// text/template and html/template without calls of methods: the linker leaves out what is not used.
	github.com/DataDog/datadog-agent/pkg/template v0.85.4
	// PKCS#11 tokens, in programs that are built with cgo.
	github.com/ThalesGroup/crypto11 v1.6.2
	// brotli for the programs of the browser, when they are built.
	github.com/andybalholm/brotli v1.3.0
	// documents in an object store: S3.
	github.com/aws/aws-sdk-go-v2 v1.47.3
	github.com/aws/aws-sdk-go-v2/credentials v1.20.9
	github.com/aws/aws-sdk-go-v2/service/s3 v1.114.3
	// the SDK's errors; keeps it from logging past ours.
	github.com/aws/smithy-go v1.28.5
	// Shamir's secret sharing for keys in the hands of several people.
	github.com/cloudflare/circl v1.6.5
	// OpenAPI 3.1, validation and problem details from Go types; the last version for echo v4.
	github.com/danielgtaylor/huma/v2 v2.38.0
	// SM2, SM3, SM4 and SM2 X.509: the working implementation. Older versions reject some valid signatures.
	github.com/emmansun/gmsm v0.44.1
	// CBOR under the strict rules of internal/detcbor.
	github.com/fxamacker/cbor/v2 v2.10.0
	// PostgreSQL, below database/sql: it hears the server's warnings.
	github.com/jackc/pgx/v5 v5.13.0
	// zstd for stored records, status lists and embedded faces, zlib for PDF streams.
	github.com/klauspost/compress v1.20.4
	// PDFium as WebAssembly: where words stand on the pages of foreign files.
	github.com/klippa-app/go-pdfium v1.18.0
	// HTTP routing.
	github.com/labstack/echo/v4 v4.16.0
	// corrects and decodes the QR symbols that qr/picture/scan finds.
	github.com/makiuchi-d/gozxing v0.1.1
	// columns of Chinese text on a terminal.
	github.com/mattn/go-runewidth v0.0.31
	// SM2 of PKCS#11 tokens, which crypto11 lacks; it is built on this.
	github.com/miekg/pkcs11 v1.1.2
	// the oracle of seal/pdf, in tests.
	github.com/pdfcpu/pdfcpu v0.15.0
	// the steps of PostgreSQL's tables from version to version.
	github.com/pressly/goose/v3 v3.30.0
	// metrics for the operator's monitoring.
	github.com/prometheus/client_golang v1.24.0
	// line breaking and character clusters.
	github.com/rivo/uniseg v0.4.7
	// locks of the key store between processes; testscript: command-line tests as scripts.
	github.com/rogpeppe/go-internal v1.16.0
	// the demo's progress bar.
	github.com/schollz/progressbar/v3 v3.19.1
	// the matrix of a QR symbol.
	github.com/skip2/go-qrcode v0.0.0-20200617195104-da1b6568686e
	// the command line.
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.10
	// runs PDFium apart from everything else.
	github.com/tetratelabs/wazero v1.11.0
	// the second opinion: an independent SM2 and SM3.
	github.com/tjfoc/gmsm v1.4.1
	// the audit log's Merkle tree, with SM3.
	github.com/transparency-dev/merkle v0.0.2
	// the listener for OCSP alone: HTTP at a third of net/http's cost.
	github.com/valyala/fasthttp v1.78.0
	// COSE_Sign of the trust files, and the oracle of pki/cose.
	github.com/veraison/go-cose v1.3.0
	// scanners on a serial port.
	go.bug.st/serial v1.6.4
	// the embedded store.
	go.etcd.io/bbolt v1.5.0
	// profiles of certificates, with known fields only.
	go.yaml.in/yaml/v3 v3.0.6
	// argon2id for passphrases, cryptobyte for DER.
	golang.org/x/crypto v0.58.0
	// rasterising and scaling of drawings.
	golang.org/x/image v0.47.0
	// groups of goroutines.
	golang.org/x/sync v0.25.0
	// asks the kernel whether its clock is synchronised.
	golang.org/x/sys v0.50.0
	// asks for a passphrase unseen.
	golang.org/x/term v0.47.0
	// Unicode normalisation; GB18030 of files that are imported.
	golang.org/x/text v0.44.0
	// rate limits.
	golang.org/x/time v0.16.0
)

// For tests only.
require (
	// what chromedp speaks.
	github.com/chromedp/cdproto v0.159.2
	// pages in a real headless Chromium.
	github.com/chromedp/chromedp v0.23.0
	// reads our status list tokens as a third party does.
	github.com/golang-jwt/jwt/v5 v5.3.1
	// what licence/catalogue/readings.tsv is made of.
	github.com/mozillazg/go-pinyin v0.21.0
	// the oracle of the categories' JSON Schemas.
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.2
	// CBOR of the second reader of codes.
	github.com/ugorji/go/codec v1.3.2
)

require (
	github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream v1.7.22 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.6 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.6 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.6 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.21 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/checksum v1.11.7 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.6 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/s3shared v1.20.6 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/bwesterb/go-ristretto v1.2.4 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/creack/goselect v0.1.2 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hhrutter/tiff v1.0.6 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/jolestar/go-commons-pool/v2 v2.1.2 // indirect
	github.com/labstack/gommon v0.5.0 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/molecule-man/go-brrr v1.3.1 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	github.com/prometheus/common v0.70.0 // indirect
	github.com/prometheus/procfs v0.23.0 // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	github.com/thales-e-security/pool v0.0.2 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/exp v0.0.0-20261109185158-a52e3aef5920 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/tools v0.52.1-0.20261106145633-d407941a339a // indirect
	golang.org/x/xerrors v0.0.0-20240903120638-7835f813f4da // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
