package verify_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/readertest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

var update = flag.Bool("update", false, "write the test vectors of codes anew; a change of what is there is a change of the format")

// vectorFolder holds the vectors and the cache that they are judged with.
var vectorFolder = filepath.Join("..", "..", "testdata", "vectors", "codes")

// vector is one scan and the answer it must get.
type vector struct {
	Rule      string           `json:"rule"` // named in the README beside the vectors
	Name      string           `json:"name"`
	Clock     time.Time        `json:"clock"`              // of the terminal, when it loads the cache and when it scans
	Scanned   string           `json:"scanned"`            // what the scanner delivers
	Question  *vectorQuestion  `json:"question,omitempty"` // what the hall asked, and takes nothing but the answer to
	Earlier   []vectorScan     `json:"earlier,omitempty"`  // what the same terminal was shown before, in this order
	Verdict   verify.Verdict   `json:"verdict"`
	CauseCode verify.CauseCode `json:"cause_code"`
	Cause     string           `json:"cause"` // of this implementation: the words are no part of the format
}

// vectorQuestion is a hall's question and when it was asked.
type vectorQuestion struct {
	Text  string    `json:"text"`
	Asked time.Time `json:"asked"`
}

// vectorScan is a scan before the one that a vector is about.
type vectorScan struct {
	Clock   time.Time `json:"clock"`
	Scanned string    `json:"scanned"`
}

// vectorFile is a file of vectors.
type vectorFile struct {
	RootSM3 string   `json:"root_sm3"` // pin of the cache
	Vectors []vector `json:"vectors"`
}

// rows collects vectors whose verdicts are stated by hand. The implementation is
// asked for nothing but the words of the cause.
type rows struct {
	tb     testing.TB
	domain *vectorDomain
	all    []row
}

// row is a vector before the implementation was asked for its words.
type row struct {
	vector
	cause string // a part of the cause, stated by hand
}

// add states a vector at the domain's time.
func (r *rows) add(rule, name, scanned string, want verify.Verdict, cause string) {
	r.at(rule, name, vectorTime, scanned, want, cause)
}

func (r *rows) at(rule, name string, clock time.Time, scanned string, want verify.Verdict, cause string) *vector {
	r.all = append(r.all, row{vector{Rule: rule, Name: name, Clock: clock, Scanned: scanned, Verdict: want}, cause})
	return &r.all[len(r.all)-1].vector
}

// scanners judge vectors with a cache, each by a terminal of its own.
type scanners struct {
	dir    fs.FS
	pin    string
	caches map[time.Time]loaded
}

// loaded is a cache as it was loaded at a time, or why it was not.
type loaded struct {
	cache *trust.Cache
	err   error
}

// at gives a verifier for a clock.
func (s *scanners) at(tb testing.TB, clock time.Time, memory *verify.Memory) *verify.Verifier {
	tb.Helper()
	now := func() time.Time { return clock }
	l, ok := s.caches[clock]
	if !ok {
		pin, err := trust.ParsePin(s.pin)
		if err != nil {
			tb.Fatal(err)
		}
		l.cache, l.err = trust.Load(s.dir, trust.Options{Pin: pin, Second: second.Opinion{}, Now: now})
		s.caches[clock] = l
	}
	o := verify.Options{Second: second.Opinion{}, Now: now, Replays: memory}
	if l.err != nil {
		return verify.Without(l.err, o)
	}
	return verify.New(l.cache, o)
}

func (s *scanners) judge(tb testing.TB, v vector) verify.Result {
	tb.Helper()
	memory := verify.NewMemory(100)
	var question *verify.Challenge
	if v.Question != nil {
		asked, err := qr.ParseChallenge(v.Question.Text)
		if err != nil {
			tb.Fatal(err)
		}
		if question, err = verify.NewChallenge(bytes.NewReader(asked.Nonce[:]), asked.Hall, v.Question.Asked); err != nil {
			tb.Fatal(err)
		}
	}
	for _, before := range v.Earlier {
		s.at(tb, before.Clock, memory).Answer(before.Scanned, question)
	}
	return s.at(tb, v.Clock, memory).Answer(v.Scanned, question)
}

// vectorScanners judge a file of vectors with the committed cache.
func vectorScanners(f vectorFile) *scanners {
	return &scanners{dir: os.DirFS(filepath.Join(vectorFolder, "cache")), pin: f.RootSM3, caches: make(map[time.Time]loaded)}
}

// generate makes all vectors and the cache anew: files by name in the folder.
func generate(tb testing.TB) fstest.MapFS {
	tb.Helper()
	d := newVectorDomain(tb)
	files := make(fstest.MapFS)
	for name, f := range d.cache {
		files["cache/"+name] = f
	}
	s := &scanners{dir: d.cache, pin: d.pin, caches: make(map[time.Time]loaded)}
	for name, fill := range map[string]func(*rows){
		"text": textRows, "cose": coseRows, "signature": signatureRows, "payload": payloadRows,
		"scope": scopeRows, "status": statusRows, "time": timeRows, "document": documentRows, "presented": presentedRows, "shown": shownRows, "polyglot": polyglotRows,
	} {
		r := &rows{tb: tb, domain: d}
		fill(r)
		slices.SortFunc(r.all, func(a, b row) int { return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Name, b.Name)) })
		file := vectorFile{RootSM3: d.pin}
		for i, v := range r.all {
			if i > 0 && r.all[i-1].Rule == v.Rule && r.all[i-1].Name == v.Name {
				tb.Errorf("%s: %s: stands twice", v.Rule, v.Name)
			}
			got := s.judge(tb, v.vector)
			if got.Verdict != v.Verdict || !strings.Contains(got.Cause, v.cause) {
				tb.Errorf("%s: %s: verdict %s (%s), want %s (%s)", v.Rule, v.Name, got.Verdict, got.Cause, v.Verdict, v.cause)
			}
			v.CauseCode, v.Cause = got.CauseCode, got.Cause
			file.Vectors = append(file.Vectors, v.vector)
		}
		files[name+".json"] = &fstest.MapFile{Data: asJSON(tb, file)}
	}
	files[signingName] = &fstest.MapFile{Data: asJSON(tb, signing(tb, d))}
	return files
}

func asJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestVectorsAreGenerated: the committed files are exactly what this source makes.
func TestVectorsAreGenerated(t *testing.T) {
	t.Parallel()
	files := generate(t)
	if *update && !t.Failed() {
		if err := os.RemoveAll(filepath.Join(vectorFolder, "cache")); err != nil {
			t.Fatal(err)
		}
		for name, f := range files {
			path := filepath.Join(vectorFolder, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	committed := os.DirFS(vectorFolder)
	for name, f := range files {
		got, err := fs.ReadFile(committed, name)
		if err != nil || !bytes.Equal(got, f.Data) {
			t.Errorf("%s is not what the generator makes (%v): run with -update and look at the difference", name, err)
		}
	}
	if err := fs.WalkDir(committed, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && files[name] == nil && name != "README.md" {
			t.Errorf("%s is left over", name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func readVectors(tb testing.TB) []vectorFile {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(vectorFolder, "*.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var all []vectorFile
	for _, name := range names {
		if filepath.Base(name) == signingName {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		var f vectorFile
		if err := d.Decode(&f); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		all = append(all, f)
	}
	return all
}

// TestVectors judges the committed vectors with the committed cache, by this
// implementation and by one written from the documents alone.
func TestVectors(t *testing.T) {
	t.Parallel()
	dir := os.DirFS(filepath.Join(vectorFolder, "cache"))
	count, hit := 0, make(map[string]int)
	for _, f := range readVectors(t) {
		s := vectorScanners(f)
		others := make(map[time.Time]*readertest.Reader)
		other := func(clock time.Time) *readertest.Reader {
			if others[clock] == nil {
				others[clock] = readertest.New(dir, f.RootSM3, clock.Unix())
			}
			return others[clock]
		}
		for _, v := range f.Vectors {
			count++
			hit[v.Rule]++
			if got := s.judge(t, v); got.Verdict != v.Verdict || got.CauseCode != v.CauseCode || got.Cause != v.Cause {
				t.Errorf("%s: %s: verdict %s (%s, %s), want %s (%s, %s)", v.Rule, v.Name, got.Verdict, got.CauseCode, got.Cause, v.Verdict, v.CauseCode, v.Cause)
			}
			hall := new(readertest.Hall)
			if v.Question != nil {
				hall.Ask(v.Question.Text, v.Question.Asked.Unix())
			}
			for _, before := range v.Earlier {
				other(before.Clock).Judge(before.Scanned, hall)
			}
			if got := other(v.Clock).Judge(v.Scanned, hall); got != string(v.Verdict) {
				t.Errorf("%s: %s: the second reader says %s, want %s", v.Rule, v.Name, got, v.Verdict)
			}
		}
	}
	if count < 200 {
		t.Errorf("%d vectors, want at least 200", count)
	}
	readme, err := os.ReadFile(filepath.Join(vectorFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	// The table of rules in the README and the rules that are hit are the same.
	var named []string
	for line := range strings.Lines(string(readme)) {
		if rest, ok := strings.CutPrefix(line, "| `"); ok {
			rule, _, _ := strings.Cut(rest, "`")
			named = append(named, rule)
			if hit[rule] == 0 {
				t.Errorf("rule %s is in the README and no vector hits it", rule)
			}
		}
	}
	for rule := range hit {
		if !slices.Contains(named, rule) {
			t.Errorf("rule %s is hit and not in the README", rule)
		}
	}
	t.Logf("%d vectors, %d rules", count, len(hit))
}
