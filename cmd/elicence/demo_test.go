package main_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/qr/picture"
)

// command runs one of our programs and returns what it printed and its exit code.
func command(t *testing.T, stdin io.Reader, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(filepath.Join(binaries, name), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "ELICENCE_ACTOR=officer")
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// yes is command for what must answer yes.
func yes(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, errs, code := command(t, nil, name, args...)
	if code != 0 {
		t.Fatalf("%s %q exits with %d\n%s%s", name, args, code, out, errs)
	}
	return out
}

// TestDemo runs the demo as a newcomer does and has other people's programs look
// at everything it left.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	printed := yes(t, "elicence", "demo", "--out", dir)
	for _, want := range []string{
		"195 类 categories: 193 valid, 1 revoked, 1 suspended",
		"valid, 3 signatures",
		"512 位 bits: 512 tampered",
		"446 malformed",
		filepath.Join(dir, "licences", "004.pdf"),
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("the demo does not print %q:\n%s", want, printed)
		}
	}
	// What was made is not made again over it.
	if _, errs, code := command(t, nil, "elicence", "demo", "--out", dir); code != 2 || !strings.Contains(errs, "is not empty") {
		t.Errorf("a second demo in the same folder exits with %d: %s", code, errs)
	}
	// The service changes the data folder, so it and what follows it come one
	// after the other; the others only read.
	t.Run("files", func(t *testing.T) {
		t.Run("pictures", func(t *testing.T) { t.Parallel(); demoPictures(t, dir) })
		t.Run("pdfs", func(t *testing.T) { t.Parallel(); demoPDFs(t, dir) })
		t.Run("terminal", func(t *testing.T) { t.Parallel(); demoTerminal(t, dir) })
	})
	t.Run("certificates", func(t *testing.T) { demoCertificates(t, dir) })
	t.Run("afterwards", func(t *testing.T) { demoAfterwards(t, dir) })
	t.Run("service", func(t *testing.T) { demoService(t, dir) })
}

// licenceFiles returns the 195 files with an ending, by category.
func licenceFiles(t *testing.T, dir, ending string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "licences", "[0-9][0-9][0-9]"+ending))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 195 {
		t.Fatalf("%d files *%s, want 195", len(files), ending)
	}
	return files
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// demoPictures has the terminal's reader and zbar read every picture: behind the # stand
// the digits of the text file. zbar is told to look for QR codes only: among so many modules
// it now and then sees a bar code of another kind.
func demoPictures(t *testing.T, dir string) {
	pictures := licenceFiles(t, dir, ".png")
	texts := licenceFiles(t, dir, ".txt")
	for i, path := range pictures {
		line, err := picture.Read([]byte(read(t, path)))
		if want := "https://localhost/v#" + read(t, texts[i]); err != nil || line+"\n" != want {
			t.Errorf("%s: the terminal reads %q, %v, the text is %q", path, line, err, want)
		}
	}
	out := tooltest.Run(t, "zbarimg", append([]string{"--nodbus", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"}, pictures...)...)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(pictures) {
		t.Fatalf("zbarimg reads %d codes from %d pictures", len(lines), len(pictures))
	}
	for i, line := range lines {
		address, digits, found := strings.Cut(line, "#")
		if !found || address != "https://localhost/v" || digits+"\n" != read(t, texts[i]) {
			t.Errorf("%s: zbarimg reads %q, the text is %q", pictures[i], line, read(t, texts[i]))
		}
	}
}

var contents = regexp.MustCompile(`/Contents ?<([0-9a-fA-F]+)>`)

// demoPDFs has qpdf check every PDF, poppler list its signatures and OpenSSL read
// every seal.
func demoPDFs(t *testing.T, dir string) {
	for _, tool := range []string{"qpdf", "pdfsig", "openssl"} {
		tooltest.Need(t, tool)
	}
	signatures := map[string]int{filepath.Join(dir, "documents", "stamped.pdf"): 3}
	for _, path := range licenceFiles(t, dir, ".pdf") {
		signatures[path] = 1
	}
	var group errgroup.Group
	group.SetLimit(2)
	for path, want := range signatures {
		group.Go(func() error {
			if out, err := tooltest.Try(t, "qpdf", "--check", path); err != nil || strings.Contains(out, "WARNING") {
				t.Errorf("qpdf --check %s: %v\n%s", path, err, out)
			}
			// Exit 1: it does not know SM2.
			out, _ := tooltest.Try(t, "pdfsig", path)
			if got := strings.Count(out, "Signed Ranges:"); got != want || strings.Count(out, "  - Total document signed") != 1 {
				t.Errorf("pdfsig lists %d signatures of %s, want %d, one over the whole file:\n%s", got, path, want, out)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found := contents.FindAllSubmatch(b, -1)
			if len(found) != want {
				t.Errorf("%s has %d signature values, want %d", path, len(found), want)
			}
			for _, f := range found {
				asn1parse(t, path, f[1])
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// asn1parse has OpenSSL read a signature with its seal. It is padded with zeros.
func asn1parse(t *testing.T, path string, padded []byte) {
	der := make([]byte, hex.DecodedLen(len(padded)))
	if _, err := hex.Decode(der, padded); err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	input := cryptobyte.String(der)
	var element cryptobyte.String
	if !input.ReadASN1Element(&element, asn1.SEQUENCE) {
		t.Errorf("%s: the signature value is no SEQUENCE", path)
		return
	}
	cmd := exec.Command("openssl", "asn1parse", "-inform", "DER")
	cmd.Stdin = bytes.NewReader(element)
	out, err := cmd.CombinedOutput()
	isSeal := bytes.Contains(out, []byte("IA5STRING         :ES"))
	isCMS := bytes.Contains(out, []byte("OBJECT            :pkcs7-signedData"))
	if err != nil || isSeal == isCMS {
		t.Errorf("%s: openssl asn1parse: %v; a seal: %v, CMS: %v\n%s", path, err, isSeal, isCMS, out)
	}
}

// demoTerminal has the hall terminal confirm pictures and texts.
func demoTerminal(t *testing.T, dir string) {
	want := map[string]int{"valid": 193, "revoked": 1, "suspended": 1}
	trust := filepath.Join(dir, "trust")
	out, errs, code := command(t, nil, "hallscan", append([]string{"--trust", trust, "--json"}, licenceFiles(t, dir, ".png")...)...)
	if got := verdicts(t, out); code != 1 || !maps.Equal(got, want) {
		t.Errorf("hallscan of the pictures exits with %d: %v, want %v\n%s", code, got, want, errs)
	}
	var lines strings.Builder
	for _, path := range licenceFiles(t, dir, ".txt") {
		lines.WriteString(read(t, path))
	}
	out, errs, code = command(t, strings.NewReader(lines.String()), "hallscan", "--trust", trust, "--json")
	if got := verdicts(t, out); code != 1 || !maps.Equal(got, want) {
		t.Errorf("hallscan of the texts exits with %d: %v, want %v\n%s", code, got, want, errs)
	}
}

// verdicts counts the verdicts of hallscan --json.
func verdicts(t *testing.T, out string) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for line := range strings.Lines(out) {
		var scan struct{ Verdict string }
		if err := json.Unmarshal([]byte(line), &scan); err != nil {
			t.Fatalf("hallscan prints %q: %v", line, err)
		}
		counts[scan.Verdict]++
	}
	return counts
}

// demoCertificates has OpenSSL verify every certificate with that of its issuer,
// link by link: OpenSSL 3.0 applies the SM2 ID to one link only.
func demoCertificates(t *testing.T, dir string) {
	tooltest.Need(t, "openssl")
	all := certificates(t, filepath.Join(dir, "service"))
	work := t.TempDir()
	path := func(id string) string { return filepath.Join(work, id+".pem") }
	authorities := make(map[string]string) // subject: file
	pems := make(map[string]bool)
	for _, c := range all {
		if err := os.WriteFile(path(c.ID), []byte(c.PEM), 0o600); err != nil {
			t.Fatal(err)
		}
		if c.Authority {
			authorities[c.Subject] = path(c.ID)
			pems[c.PEM] = true
		}
	}
	// Root, four authorities; their PEM files lie in the folder ca.
	exported, err := filepath.Glob(filepath.Join(dir, "ca", "*.pem"))
	if err != nil || len(exported) != 5 || len(pems) != 5 {
		t.Fatalf("%d files in ca, %d authorities, want 5: %v", len(exported), len(pems), err)
	}
	for _, file := range exported {
		if !pems[read(t, file)] {
			t.Errorf("%s is not one of the authorities' certificates", file)
		}
	}
	// Four issuing authorities, four of their seals, two more seals, a person, a
	// seal maker, two keys for codes and checkpoints, four for trust files.
	if len(all) < 5+4+4+2+1+1+2+4 {
		t.Errorf("only %d certificates", len(all))
	}
	for _, c := range all {
		issuer, known := authorities[c.Issuer]
		if !known {
			t.Errorf("the issuer of %s, %s, is not there", c.Subject, c.Issuer)
			continue
		}
		out, err := tooltest.Try(t, "openssl", "verify", "-vfyopt", "distid:1234567812345678", "-partial_chain", "-trusted", issuer, path(c.ID))
		if err != nil {
			t.Errorf("openssl verify of %s: %v\n%s", c.Subject, err, out)
		}
	}
	// The control: OpenSSL looks at the signature.
	for _, c := range all {
		for subject, file := range authorities {
			if c.Authority || subject == c.Issuer {
				continue
			}
			if out, err := tooltest.Try(t, "openssl", "verify", "-vfyopt", "distid:1234567812345678", "-partial_chain", "-trusted", file, path(c.ID)); err == nil {
				t.Errorf("OpenSSL accepts %s under %s: %s", c.Subject, subject, out)
			}
		}
	}
}

// application is for a licence that the demo never saw.
const application = `{"number": "皖A88888", "holder": {"name": "欧阳龘", "id_type": "111", "id_number": "340199199003072410"},
"issue_date": "2026-03-01", "fields": {"plateNumber": "皖A88888", "vehicleType": "小型轿车", "vin": "LTEST000000000002",
"inspectionDate": "2026-03-01", "inspectionValidUntil": "2028-03-31", "inspectionAgency": "合肥另一检测有限公司", "insuranceValidUntil": "2027-02-28"}}`

// demoAfterwards issues a licence that the demo never saw, then revokes it.
func demoAfterwards(t *testing.T, dir string) {
	data := []string{"--data", filepath.Join(dir, "service")}
	work := t.TempDir()
	file := filepath.Join(work, "application.json")
	if err := os.WriteFile(file, []byte(application), 0o600); err != nil {
		t.Fatal(err)
	}
	elicence := func(args ...string) string { return yes(t, "elicence", append(args, data...)...) }
	var issued struct{ ID string }
	if err := json.Unmarshal([]byte(elicence("licence", "issue", "--category", "007", "--file", file, "--json")), &issued); err != nil {
		t.Fatal(err)
	}
	code := elicence("licence", "code", issued.ID)
	sealed, trust := filepath.Join(work, "licence.pdf"), filepath.Join(work, "trust")
	elicence("licence", "pdf", issued.ID, "-o", sealed)
	scan := func(want string) {
		t.Helper()
		elicence("trust", "export", "--out", trust)
		out, errs, _ := command(t, strings.NewReader(code), "hallscan", "--trust", trust, "--json")
		if got := verdicts(t, out); got[want] != 1 || !strings.Contains(out, "欧阳龘") {
			t.Errorf("hallscan says %s%s, want %s", out, errs, want)
		}
		out, errs, _ = command(t, nil, "elicence", "verify", "--trust", trust, sealed, "--json")
		if !strings.Contains(out, `"verdict": "`+want+`"`) {
			t.Errorf("elicence verify says %s%s, want %s", out, errs, want)
		}
	}
	scan("valid")
	elicence("licence", "revoke", issued.ID, "--reason", "车辆注销")
	scan("revoked")
	elicence("audit", "verify")
}

// demoService opens the demo's data folder as a service and asks it.
func demoService(t *testing.T, dir string) {
	data := filepath.Join(dir, "service")
	all := certificates(t, data)
	s := serve(t, data)
	for path, want := range map[string]string{
		"/healthz": "", "/readyz": "", "/openapi.json": `"openapi":"3.1.0"`, "/docs": "<html", "/verify": "核验", "/trust/1.root": "", "/trust/time": "",
	} {
		a := ask(t, http.MethodGet, s.base+path, "", nil)
		if a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("GET %s: %d %.200q, want 200 with %q", path, a.status, a.body, want)
		}
	}
	for path, want := range map[string]string{
		"licences/001.txt": "valid", "licences/004.png": "suspended", "licences/079.pdf": "revoked", "documents/stamped.pdf": "valid",
	} {
		a := ask(t, http.MethodPost, s.base+"/v1/verifications", mime.TypeByExtension(filepath.Ext(path)), strings.NewReader(read(t, filepath.Join(dir, path))))
		var report struct{ Verdict string }
		if err := json.Unmarshal([]byte(a.body), &report); err != nil || a.status != http.StatusOK || report.Verdict != want {
			t.Errorf("POST %s: %d %.300q, want %s", path, a.status, a.body, want)
		}
	}
	t.Run("status", func(t *testing.T) { demoStatus(t, s, all) })
	s.end(t)
}

// demoStatus has OpenSSL ask about all certificates of the demo, issuer by issuer, and
// fetches everything that they name.
func demoStatus(t *testing.T, s *service, all []listed) {
	tooltest.Need(t, "openssl")
	work := t.TempDir()
	file := func(c listed) string { return filepath.Join(work, c.ID+".pem") }
	issued := make(map[string][]listed) // by issuer
	named := make(map[string]bool)      // addresses
	for _, c := range all {
		write(t, file(c), c.PEM)
		if c.Profile == "root" {
			continue
		}
		issued[c.Issuer] = append(issued[c.Issuer], c)
		for _, ending := range []string{".crl", ".cer"} {
			for _, uri := range addresses(t, file(c), ending) {
				named[uri] = true
			}
		}
	}
	asked := 0
	for _, issuer := range all {
		if !issuer.Authority || len(issued[issuer.Subject]) == 0 {
			continue
		}
		args := []string{"ocsp", "-url", s.base + "/ocsp", "-noverify", "-issuer", file(issuer)}
		for _, c := range issued[issuer.Subject] {
			args = append(args, "-cert", file(c))
		}
		out, err := tooltest.Try(t, "openssl", args...)
		if err != nil {
			t.Errorf("openssl ocsp under %s: %v\n%s", issuer.Subject, err, out)
		}
		for _, c := range issued[issuer.Subject] {
			asked++
			if want := file(c) + ": " + c.Status + "\n"; !strings.Contains(out, want) {
				t.Errorf("OpenSSL does not hear %q of %s:\n%s", c.Status, c.Subject, out)
			}
		}
	}
	if asked != len(all)-1 {
		t.Errorf("OpenSSL asks about %d of %d certificates, want all but the root", asked, len(all))
	}
	// The root and four authorities: a certificate and a list each, and three deltas, as that
	// of seals is named by its list.
	if len(named) < 5+5+3 {
		t.Errorf("the certificates name only %d addresses: %v", len(named), named)
	}
	for uri := range named {
		mediaType := map[string]string{".crl": "application/pkix-crl", ".cer": "application/pkix-cert"}[path.Ext(uri)]
		get(t, s.at(t, uri), mediaType, filepath.Join(work, path.Base(uri)))
	}
}
