package ceremony_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/ca/ceremony"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample returns the sample of the documentation, written into a folder of its own.
func sample(tb testing.TB, changes ...string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "ceremony.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			tb.Fatalf("the sample does not hold %q", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	path := filepath.Join(tb.TempDir(), "ceremony.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestSample(t *testing.T) {
	t.Parallel()
	p, err := ceremony.Load(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.Root.Life != 10950*24*time.Hour || p.Protection != (ceremony.Protection{Method: ceremony.ByShares, Threshold: 2, Total: 3}) || len(p.Witnesses) != 3 {
		t.Errorf("read as %+v", p)
	}
	for i, name := range ceremony.Intermediates() {
		if p.Intermediates[i].Name != name {
			t.Errorf("intermediate %d is %s, want %s", i, p.Intermediates[i].Name, name)
		}
	}
}

// TestFaults: each change of the sample is one fault at its field, and nothing else.
func TestFaults(t *testing.T) {
	t.Parallel()
	// A sample in which only one intermediate lives long.
	const long = "CN=安徽省电子证照电子印章证书\n    life-days: 7300"
	for name, tt := range map[string]struct{ old, changed, field, reason string }{
		"unknown":              {"region:", "colour: red\nregion:", "colour", "is not a field"},
		"merge key":            {"region:", "<<: {a: b}\nregion:", "<<", "is not a field"},
		"twice":                {"region:", "domain: 浙江省\nregion:", "domain", "stands twice, first on line 5"},
		"missing":              {"host: dzzz.example.cn", "", "host", "is missing"},
		"anchor":               {"domain: 安徽省", "domain: &d 安徽省", "domain", "anchors and aliases"},
		"number for text":      {`"340000"`, "340000", "region", "must be text"},
		"text for number":      {"life-days: 10950", `life-days: "10950"`, "root.life-days", "must be a number"},
		"hexadecimal":          {"life-days: 10950", "life-days: 0x2ac6", "root.life-days", "is not a number from"},
		"underscored":          {"life-days: 10950", "life-days: 10_950", "root.life-days", "is not a number from"},
		"null":                 {"domain: 安徽省", "domain:", "domain", "must be text"},
		"mapping for text":     {"domain: 安徽省", "domain: {a: b}", "domain", "must be text"},
		"list for mapping":     {"root-crl:\n  life-days: 90", "root-crl: [90]", "root-crl", "must be a mapping"},
		"life of nothing":      {"root-crl:\n  life-days: 90", "root-crl:\n  life-days: 0", "root-crl.life-days", "from 1 to 366"},
		"responder too long":   {"状态响应\n  life-days: 90", "状态响应\n  life-days: 91", "root-ocsp.life-days", "from 1 to 90"},
		"longer than the root": {"life-days: 10950", "life-days: 4000", "intermediates.issuers.life-days", "longer than the root's"},
		"one share":            {"2-of-3", "1-of-3", "root.protection", "at least 2"},
		"leading zero":         {"2-of-3", "02-of-3", "root.protection", "must be passphrase"},
		"other protection":     {"shares 2-of-3", "paper", "root.protection", "must be passphrase"},
		"trailing":             {"2-of-3", "2-of-3x", "root.protection", "must be passphrase"},
		"no country":           {"subject: C=CN,O=安徽省,OU=电子证照,CN=安徽省电子证照根证书\n", "subject: O=安徽省,CN=根\n", "root.subject", "country is not two letters"},
		"citizen number":       {"CN=安徽省电子证照根证书\n", "CN=11010519491231002X\n", "root.subject", "citizen number"},
		"same name":            {"CN=安徽省电子证照自然人证书", "CN=安徽省电子证照发证机关证书", "intermediates.persons.subject", "is the name of intermediates.issuers.subject"},
		"hidden character":     {"domain: 安徽省", "domain: \"安徽\\u200b省\"", "domain", ""},
		"one witness twice":    {"乙样例", "甲样例", "witnesses[1]", "stands twice"},
		"no witness":           {"[甲样例, 乙样例, 丙样例]", "[]", "witnesses", "1 to 32"},
		"folders nested":       {"offline: offline", "offline: service/offline", "output.offline", "lies within output.data"},
		"folder climbs":        {"record: record", "record: x/../service", "output.record", "lies within output.data"},
		"no shares":            {"shares 2-of-3", "passphrase", "output.shares", "there are no shares"},
		"shares nowhere":       {"  shares: shares # one file for each keeper\n", "", "output.shares", "is missing"},
		"not a flag":           {"region:", "gm-only: yes\nregion:", "gm-only", "must be true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ceremony.Load(sample(t, tt.old, tt.changed, long, strings.Replace(long, "7300", "3650", 1)))
			var invalid *ceremony.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("%v, want an InvalidError", err)
			}
			if len(invalid.Faults) != 1 || invalid.Faults[0].Field != tt.field || !strings.Contains(invalid.Faults[0].Reason, tt.reason) {
				t.Errorf("%v, want one fault %s: %s", invalid.Faults, tt.field, tt.reason)
			}
		})
	}
}

// TestWhole: what is wrong with the file as such.
func TestWhole(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty": "", "documents": "a: b\n---\nc: d\n", "syntax": "a: [", "long": strings.Repeat("# ", 40<<10), "not a mapping": "[]", "tab": "a:\n\tb: c\n",
	} {
		path := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ceremony.Load(path); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// TestCross: another root is read and compared with what was reviewed.
func TestCross(t *testing.T) {
	t.Parallel()
	root := pkitest.New(t, time.Now()).Root.Certificate()
	load := func(sm3, permit string) (*ceremony.Plan, error) {
		cross := "\ncross:\n  - certificate: other.pem\n    sm3: \"" + sm3 + "\"\n    permit: " + permit + "\n    path-length: 1\n    life-days: 365\nwitnesses:"
		path := sample(t, "\nwitnesses:", cross)
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "other.pem"), root.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		return ceremony.Load(path)
	}
	digest := ceremony.Certified("", "", root).SM3
	p, err := load(digest, `["C=CN,O=浙江省"]`)
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := p.Recognitions[0].Constraints()
	if err != nil || len(constraints.PermittedDirectories) != 1 || len(constraints.ExcludedDirectories) != 0 {
		t.Errorf("constraints %v, %v", constraints, err)
	}
	if _, err := load(digest[:4]+" "+digest[4:], `["C=CN,O=浙江省"]`); err != nil {
		t.Errorf("in groups: %v", err)
	}
	for name, tt := range map[string]struct{ sm3, permit, want string }{
		"another":   {strings.Repeat("0", 64), `["C=CN"]`, "is not the certificate that was reviewed"},
		"short":     {digest[:62], `["C=CN"]`, "is not an SM3"},
		"unlimited": {digest, "[]", "names nothing"},
	} {
		if _, err := load(tt.sm3, tt.permit); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// record does every step of the sample at a fixed time.
func record(t *testing.T) (*ceremony.Plan, *ceremony.Record) {
	t.Helper()
	p, err := ceremony.Load(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC)
	return p, ceremony.NewRecord(p, "elicence test", func() time.Time { at = at.Add(time.Minute); return at })
}

// random is what is never the same in two ceremonies.
var random = regexp.MustCompile(`\b([0-9a-f]{32,66}|([0-9a-f]{4} ){15}[0-9a-f]{4}|[0-9a-f]{4}(  [0-9a-f]{4}){3})\b`)

// TestTranscript compares the plan and both forms of a transcript with golden files, in
// which digests, serial numbers and points are masked.
func TestTranscript(t *testing.T) {
	t.Parallel()
	p, r := record(t)
	root := pkitest.New(t, time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC)).Root.Certificate()
	r.Root(root)
	for _, s := range p.Steps() {
		var made []ceremony.Made
		if s.ID == ceremony.StepRoot {
			made = append(made, ceremony.Certified("root", "root", root))
		}
		if err := r.Did(s.ID, made...); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := r.Transcript()
	if err != nil {
		t.Fatal(err)
	}
	var twin struct {
		Steps []ceremony.Done `json:"steps"`
		Root  string          `json:"root_sm3"`
	}
	if err := json.Unmarshal(tr.JSON, &twin); err != nil || len(twin.Steps) != len(p.Steps()) || twin.Root != ceremony.Certified("", "", root).SM3 {
		t.Errorf("the JSON form holds %d steps and root %s: %v", len(twin.Steps), twin.Root, err)
	}
	plan := p.Text()
	for _, folder := range []string{p.Output.Data, p.Output.Offline, p.Output.Shares, p.Output.Record} {
		plan = strings.ReplaceAll(plan, filepath.Dir(folder), "DIR")
	}
	for name, got := range map[string]string{"plan.txt": plan, "transcript.txt": string(tr.Text), "transcript.json": string(tr.JSON)} {
		got = random.ReplaceAllString(got, "…")
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// TestOrder: a record takes the steps of its plan and no others.
func TestOrder(t *testing.T) {
	t.Parallel()
	p, r := record(t)
	if err := r.Did(ceremony.StepRoot); !errors.Is(err, ceremony.ErrOrder) {
		t.Errorf("a later step first: %v", err)
	}
	if _, err := r.Transcript(); !errors.Is(err, ceremony.ErrOrder) {
		t.Errorf("a transcript of nothing: %v", err)
	}
	for _, s := range p.Steps() {
		if err := r.Did(s.ID); err != nil {
			t.Fatal(err)
		}
		if err := r.Did(s.ID); !errors.Is(err, ceremony.ErrOrder) {
			t.Errorf("step %s twice: %v", s.ID, err)
		}
	}
	if i := slices.IndexFunc(p.Steps(), func(s ceremony.Step) bool { return s.Chinese == "" || s.English == "" }); i >= 0 {
		t.Errorf("step %d says nothing in one of the languages", i)
	}
}

// FuzzLoad: no file makes the reader panic, and what it takes it can tell.
func FuzzLoad(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "ceremony.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(b), "", "a: b\n---\n", "root: &a {subject: *a}", "cross: [{}]", "output: {data: \"\\0\"}", "? [a]\n: b\n", "!!binary a: b"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "x.yaml")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := ceremony.Load(path)
		if err != nil {
			return
		}
		if len(p.Steps()) == 0 || len(p.Intermediates) != 4 || p.Root.Life == 0 {
			t.Errorf("read as %+v", p)
		}
	})
}
