// Package architecture holds the house to its plan: which room may import which,
// and what the small programs may carry. docs/architecture.md draws the plan.
package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/elicence/elicence/"

// floors are the rooms from the ground up. A package may import what lies on a
// lower floor and its own room. Rooms on one floor do not import each other.
var floors = [][]string{
	{"docs", "internal/bilingual", "internal/civil", "internal/cleantext", "internal/columns", "internal/detcbor", "internal/durable", "internal/idcode", "internal/memfs", "internal/netguard", "internal/pagetext", "internal/raster", "internal/strictjson", "internal/typeface", "internal/webbuild"},
	{"internal/desk", "internal/typeset"},
	{"pki"},
	{"licence", "seal", "qr"},
	{"internal/auditlog", "internal/backup", "internal/browser", "internal/hall", "internal/inspect", "internal/mirror", "internal/store", "internal/terminal"},
	{"internal/datafolder"},
	{"internal/amended"},
	{"internal/atrest", "internal/office", "internal/report"},
	{"internal/sample"},
	{"internal/demo", "internal/load"},
	{"api"},
	{"cmd"},
}

// besides are the arrows that are allowed although they do not point down: a
// rendered licence carries a code and a seal, and a code says a part of a licence.
var besides = map[string][]string{"licence/render": {"qr", "seal"}, "licence/disclose": {"qr"}}

// within names what a package may import of its own room, where that is not everything.
var within = map[string][]string{
	"seal/pdf/security":  nil,
	"seal/pdf/syntax":    {"seal/pdf/security"}, // a file's objects, without pages, forms or signatures
	"seal/pdf/structure": {"seal/pdf/syntax"},
	"seal/pdf/revision":  {"seal/pdf/structure", "seal/pdf/syntax"},
}

// only names who may import a room, where not everybody above may.
var only = map[string][]string{
	"internal/amended":    {"internal/office", "cmd/elicence"},
	"internal/atrest":     {"api", "cmd/elicence"},
	"internal/datafolder": {"internal/amended", "internal/atrest", "internal/demo", "internal/office", "cmd/elicence"},
	"internal/store":      {"internal/amended", "internal/atrest", "internal/datafolder", "internal/office"},
	"internal/hall":       {"cmd/hallscan", "cmd/hallsync"},
	"internal/mirror":     {"cmd/hallsync"},
	"internal/terminal":   {"cmd/hallscan"},
	"internal/browser":    {"cmd/webverify"},
	"internal/webbuild":   {"cmd/webbuild"},
	"internal/demo":       {"cmd/elicence"},
	"internal/sample":     {"internal/demo", "internal/load"},
}

// fixtures are rooms for tests; nothing that ships imports them.
var fixtures = []string{"internal/goldentest", "internal/officetest", "internal/peerbench", "internal/pgtest", "internal/pkitest", "internal/readertest", "internal/tooltest", "internal/trusttest", "internal/vectortest", "internal/store/kvtest", "internal/store/storetest", "pki/keystore/sdftest", "qr/picture/picturetest"}

type goPackage struct {
	ImportPath string
	Imports    []string
	GoFiles    []string
}

// Whether go list sees the files that need cgo.
const (
	withoutCgo = "CGO_ENABLED=0"
	withCgo    = "CGO_ENABLED=1"
)

// golist runs go list -json at the top of the module.
func golist(t *testing.T, cgo string, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,GoFiles"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), cgo)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %q: %v\n%s", args, err, stderr.String())
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// inside reports whether a package is a room or lies in one.
func inside(pkg string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return pkg == room || strings.HasPrefix(pkg, room+"/") })
}

// roomOf returns a package's floor and room.
func roomOf(pkg string) (floor int, room string) {
	for i, rooms := range floors {
		for _, room := range rooms {
			if inside(pkg, room) {
				return i, room
			}
		}
	}
	return -1, ""
}

func TestArrowsPointDown(t *testing.T) {
	t.Parallel()
	for _, p := range golist(t, withoutCgo, "./...") {
		from := strings.TrimPrefix(p.ImportPath, module)
		if from == "internal/readertest" && slices.ContainsFunc(p.Imports, func(i string) bool { return strings.HasPrefix(i, module) }) {
			t.Errorf("%s imports %v: the second reader must share nothing with the first", from, p.Imports)
		}
		if inside(from, fixtures...) || from == "internal/architecture" {
			continue
		}
		floor, room := roomOf(from)
		if floor < 0 {
			t.Errorf("%s has no place in the plan", from)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			below, other := roomOf(to)
			switch {
			case inside(to, fixtures...):
				t.Errorf("%s imports %s, which is for tests", from, to)
			case other == room:
				if allowed, limited := within[from]; limited && !inside(to, allowed...) {
					t.Errorf("%s imports %s, and may import only %q of its room", from, to, allowed)
				}
			case inside(to, besides[from]...):
			case below >= floor || below < 0:
				t.Errorf("%s imports %s: the arrow does not point down", from, to)
			case only[other] != nil && !inside(from, only[other]...):
				t.Errorf("%s imports %s, which is only for %v", from, to, only[other])
			}
		}
	}
}

// TestFoldersAreHandedOn: who has an office hands its open data folder on to package internal/atrest. Into one look those
// alone that may import what it holds.
func TestFoldersAreHandedOn(t *testing.T) {
	t.Parallel()
	handed := 0
	for _, p := range golist(t, withoutCgo, "./api/...", "./cmd/...", "./internal/...") {
		from := strings.TrimPrefix(p.ImportPath, module)
		if inside(from, only["internal/store"]...) || inside(from, fixtures...) || !slices.Contains(p.Imports, module+"internal/office") {
			continue
		}
		for _, name := range p.GoFiles {
			path := filepath.Join("..", "..", filepath.FromSlash(from), name)
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			passed := make(map[ast.Expr]bool) // to package atrest
			ast.Inspect(file, func(n ast.Node) bool {
				call, is := n.(*ast.CallExpr)
				if !is {
					return true
				}
				switch does := types.ExprString(call.Fun); {
				case does == "datafolder.Open", does == "datafolder.Create":
					t.Errorf("%s/%s opens a data folder of its own", from, name)
				case strings.HasPrefix(does, "atrest."):
					for _, a := range call.Args {
						passed[a] = true
					}
				case strings.HasSuffix(does, ".Folder") && passed[call]:
					handed++
				case strings.HasSuffix(does, ".Folder"):
					t.Errorf("%s/%s does something else with an office's folder than hand it on", from, name)
				}
				return true
			})
		}
	}
	if handed == 0 {
		t.Error("no folder is handed on: this test looks at the wrong place")
	}
}

// TestSmallProgramsCarryNoNetwork: what the terminal and a browser carry opens no
// connection, no store and no PDF file.
func TestSmallProgramsCarryNoNetwork(t *testing.T) {
	t.Parallel()
	forbidden := []string{
		"net", "net/http", "net/url", "crypto/tls", "database/sql", "os/exec", "plugin",
		"go.etcd.io/bbolt", "github.com/pdfcpu/pdfcpu", "github.com/labstack/echo/v4", "github.com/danielgtaylor/huma/v2",
		module + "seal", module + "licence", module + "internal/store", module + "internal/inspect", module + "internal/office", module + "internal/typeset",
	}
	seen := false
	for _, p := range golist(t, withoutCgo, "-deps", "./cmd/hallscan", "./internal/browser", "./qr/...", "./pki", "./pki/cose", "./pki/second") {
		if inside(p.ImportPath, forbidden...) {
			t.Errorf("%s is carried", p.ImportPath)
		}
		seen = seen || p.ImportPath == module+"qr/verify"
	}
	if !seen {
		t.Error("qr/verify is not carried: this test looks at the wrong place")
	}
}

// TestLibrariesStayInTheirRoom: a library that is one room's business is imported
// there only.
func TestLibrariesStayInTheirRoom(t *testing.T) {
	t.Parallel()
	homes := map[string][]string{
		"code.dny.dev/ssrf":                  {"internal/netguard"},
		"go.etcd.io/bbolt":                   {"internal/store/bolt"},
		"github.com/aws":                     {"internal/store/documents"},
		"github.com/DataDog/datadog-agent":   {"api/web", "internal/report", "licence/evidence"},
		"github.com/jackc/pgx/v5":            {"internal/store/postgres", "internal/pgtest"},
		"github.com/pressly/goose/v3":        {"internal/store/postgres"},
		"github.com/klauspost/compress/s2":   {"internal/store/sealed"},
		"github.com/klauspost/compress/zstd": {"internal/readertest", "internal/store/sealed", "internal/typeface", "qr/status"},
		"github.com/labstack/echo/v4":        {"api"},
		"github.com/danielgtaylor/huma/v2":   {"api"},
		"github.com/valyala/fasthttp":        {"api", "internal/peerbench"},
		"github.com/spf13/cobra":             {"cmd/elicence"},
		"github.com/spf13/pflag":             {"cmd/elicence"},
		"github.com/tjfoc/gmsm/sm2":          {"pki/second", "internal/readertest"},
		"github.com/tjfoc/gmsm/sm3":          {"pki/second", "internal/readertest"},
		"github.com/fxamacker/cbor/v2":       {"internal/detcbor", "pki", "qr"},
		"github.com/skip2/go-qrcode":         {"qr/picture"},
		"github.com/makiuchi-d/gozxing":      {"qr/picture"},
		"github.com/andybalholm/brotli":      {"internal/webbuild"},
		"github.com/transparency-dev/merkle": {"pki/audit"},
		"filippo.io/bigmod":                  {"pki/cosign", "pki/fixedkey"},
		"github.com/emmansun/gmsm/smx509":    {"pki"},
		"github.com/emmansun/gmsm/sm4":       {"pki", "internal/backup", "internal/store/keytree"},
		"github.com/mozillazg/go-pinyin":     {"licence/catalogue"},
		"github.com/klippa-app/go-pdfium":    {"internal/pagetext"},
		"github.com/tetratelabs/wazero":      {"internal/pagetext"},
		"github.com/rivo/uniseg":             {"internal/typeset", "internal/typeface"},
		"github.com/schollz/progressbar/v3":  {"cmd/elicence"},
		"golang.org/x/image/font/sfnt":       {"internal/typeface", "internal/typeset"},
		"github.com/pdfcpu/pdfcpu/pkg/api":   {"seal/pdf"},
		"crypto/md5":                         {"seal/pdf/security"}, // what other people encrypted
		"crypto/rc4":                         {"seal/pdf/security"},
		"github.com/veraison/go-cose":        {"qr/trust"},
		"go.yaml.in/yaml/v3":                 {"pki/ca"},
		"golang.org/x/crypto/argon2":         {"pki/keystore", "pki/cosign"},
		"github.com/cloudflare/circl":        {"pki/keystore"},
		"github.com/ThalesGroup/crypto11":    {"pki/keystore/pkcs11"},
		"github.com/miekg/pkcs11":            {"pki/keystore/pkcs11"},
		"go.bug.st/serial":                   {"cmd/hallscan"},
		"html/template":                      nil, // see TestUnusedMethodsAreLeftOut
		"text/template":                      nil,
	}
	for _, p := range golist(t, withCgo, "./...") {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for library, rooms := range homes {
				if inside(imported, library) && !inside(from, rooms...) {
					t.Errorf("%s imports %s, which belongs to %v", from, imported, rooms)
				}
			}
		}
	}
}

// TestSyncCarriesNoService: what fetches a terminal's cache has a network, and nothing of
// the service.
func TestSyncCarriesNoService(t *testing.T) {
	t.Parallel()
	forbidden := []string{
		"database/sql", "plugin", "go.etcd.io/bbolt", "github.com/pdfcpu/pdfcpu", "github.com/labstack/echo/v4",
		module + "seal", module + "licence", module + "api", module + "internal/store", module + "internal/inspect", module + "internal/office", module + "internal/typeset",
		module + "internal/terminal", module + "qr/verify", module + "qr/picture",
	}
	seen := false
	for _, p := range golist(t, withoutCgo, "-deps", "./cmd/hallsync") {
		if inside(p.ImportPath, forbidden...) {
			t.Errorf("%s is carried", p.ImportPath)
		}
		seen = seen || p.ImportPath == module+"qr/trust"
	}
	if !seen {
		t.Error("qr/trust is not carried: this test looks at the wrong place")
	}
}

// The programs of a terminal go to every counter over thin lines and on USB sticks. In
// bytes.
const (
	maxTerminal = 12 << 20
	maxSync     = 10 << 20
)

func TestTerminalIsSmall(t *testing.T) {
	t.Parallel()
	for program, limit := range map[string]int64{"hallscan": maxTerminal, "hallsync": maxSync} {
		path := filepath.Join(t.TempDir(), program)
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, module+"cmd/"+program)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", program, err, out)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > limit {
			t.Errorf("%s has %d bytes, at most %d are allowed", program, info.Size(), limit)
		}
	}
}

// TestUnusedMethodsAreLeftOut: a call of methods by names that are made at run time, as text/template has, makes the
// linker keep every exported method of every type, and the program half as large again. Its pages are resident where
// the kernel maps files in large pieces.
func TestUnusedMethodsAreLeftOut(t *testing.T) {
	t.Parallel()
	build := exec.Command("go", "build", "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), "elicence"), module+"cmd/elicence")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	graph, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("building elicence: %v\n%.2000s", err, graph)
	}
	seen := false
	for line := range strings.Lines(string(graph)) {
		seen = seen || strings.HasPrefix(line, "main.main -> ")
		if strings.Contains(line, "<ReflectMethod>") {
			t.Fatalf("methods are called by name: %s", line)
		}
	}
	if !seen {
		t.Error("the linker names nothing that main.main needs: this test looks at the wrong place")
	}
}
