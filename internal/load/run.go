package load

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// Result is what was measured.
type Result struct {
	Count          int     `json:"count"`
	Seconds        float64 `json:"seconds"` // from the first application until the last licence is acknowledged
	Rate           float64 `json:"rate"`    // licences a second
	RateFirstTenth float64 `json:"rate_first_tenth"`
	RateLastTenth  float64 `json:"rate_last_tenth"`
	// BareSignRate is how many digests the SM2 implementation signs a second, on one core,
	// before and after the load in the same process.
	BareSignRate float64 `json:"bare_sign_rate"`
	// CPUUS is the processor time of a licence, BareSignCPUUS that of a bare signature, of
	// which some are made after each batch; 0 where the system does not tell. Their quotient is
	// Rate by BareSignRate and Cores on a machine that does nothing else, and means the same on
	// one that does.
	CPUUS          float64 `json:"cpu_us"`
	BareSignCPUUS  float64 `json:"bare_sign_cpu_us"`
	Cores          int     `json:"cores"`
	BytesPerRecord float64 `json:"bytes_per_record"` // of the data folder; for the caller to fill in
	PeakRSSBytes   int64   `json:"peak_rss_bytes"`   // of this process, with the pages of the store that it maps
	// PeakAnonymousBytes is the most memory that no file stands behind, as it was found
	// after each batch: the heap and the stacks.
	PeakAnonymousBytes int64   `json:"peak_anonymous_bytes"`
	LookupP50US        float64 `json:"lookup_p50_us"` // a licence by its identifier, its signature verified
	LookupP99US        float64 `json:"lookup_p99_us"`
	// Checked is how many licences were looked up by identifier, number and holder when
	// their batch was acknowledged.
	Checked int `json:"checked"`
}

// Load is a load under way.
type Load struct {
	Office   *office.Office
	Actor    string
	Count    int
	Progress func(done int, rate float64) // told of every batch

	generator *Generator
	issuers   map[catalogue.ID]string
	first     int // number of the first application: those before it are in the register
	began     time.Time
	marks     []mark
	kept      []licence.Identifier // of those that were offered, each as likely as any other
	offered   int
	checked   int
	anonymous int64
	bare      *bareSigning
	random    *rand.Rand
}

// mark is how many licences were acknowledged by a time.
type mark struct {
	done int
	at   time.Duration // since the load began
}

// Of each batch some licences are looked up at once, and some are kept for the look-ups
// at the end.
const (
	checksABatch = 16
	keptABatch   = 512
	maxKept      = 20_000
	lookups      = 20_000
)

// ErrRefused says that the register refused applications of the load.
var ErrRefused = errors.New("an application of the load was refused")

// Run issues the licences and measures.
func (l *Load) Run(ctx context.Context) (Result, error) {
	l.random = rand.New(rand.NewPCG(1, 2))
	r := Result{Count: l.Count, Cores: runtime.GOMAXPROCS(0)}
	if err := l.prepare(ctx); err != nil {
		return r, err
	}
	bare, err := newBareSigning()
	if err != nil {
		return r, err
	}
	l.bare = bare
	if err := bare.run(ctx); err != nil {
		return r, err
	}
	l.began = time.Now()
	l.marks = []mark{{}}
	used, err := processorTime()
	if err != nil {
		return r, err
	}
	err = l.Office.IssueAll(ctx, l.Actor, l.source(), office.BulkOptions{ReadFile: l.generator.ReadFile, Stored: func(b office.BulkBatch) error { return l.stored(ctx, b) }})
	if err != nil {
		return r, err
	}
	until, err := processorTime()
	if err != nil {
		return r, err
	}
	r.CPUUS = (until - used - bare.used).Seconds() * 1e6 / float64(l.Count)
	r.BareSignCPUUS = bare.used.Seconds() * 1e6 / float64(bare.beside)
	took := l.marks[len(l.marks)-1].at
	r.Seconds, r.Rate = took.Seconds(), float64(l.Count)/took.Seconds()
	tenth := max(l.Count/10, 1)
	r.RateFirstTenth, r.RateLastTenth = l.rate(0, tenth), l.rate(l.Count-tenth, l.Count)
	r.Checked = l.checked
	if err := bare.run(ctx); err != nil {
		return r, err
	}
	r.BareSignRate = bare.rate()
	if r.LookupP50US, r.LookupP99US, err = l.lookUp(ctx); err != nil {
		return r, err
	}
	r.PeakRSSBytes, err = resident("VmHWM")
	r.PeakAnonymousBytes = l.anonymous
	return r, err
}

// prepare finds issuers for all categories, adding the sample's where there are none, and
// the first application that the register does not have.
func (l *Load) prepare(ctx context.Context) error {
	var err error
	if l.generator, err = NewGenerator(l.Office.Catalogue(), civil.Of(time.Now())); err != nil {
		return err
	}
	if err := l.findIssuers(ctx); err != nil {
		return err
	}
	samples, err := sample.Authorities()
	if err != nil {
		return err
	}
	for _, a := range samples {
		missing := slices.ContainsFunc(l.Office.Catalogue().Categories(), func(c *catalogue.Category) bool { return c.Level == a.Level && l.issuers[c.ID] == "" })
		if !missing {
			continue
		}
		if _, err := l.Office.AddAuthority(ctx, l.Actor, a); err != nil {
			return err
		}
	}
	if err := l.findIssuers(ctx); err != nil {
		return err
	}
	return l.findFirst(ctx)
}

func (l *Load) findIssuers(ctx context.Context) error {
	all, err := l.Office.Authorities(ctx)
	if err != nil {
		return err
	}
	l.issuers = make(map[catalogue.ID]string)
	for _, a := range all {
		for _, c := range a.Categories {
			if l.issuers[c] == "" {
				l.issuers[c] = a.USCC
			}
		}
	}
	return nil
}

// findFirst finds where an earlier load has ended, by halving.
func (l *Load) findFirst(ctx context.Context) error {
	round := len(l.generator.categories)
	taken := func(rounds int) (bool, error) {
		id, a := l.generator.Application(rounds * round)
		return l.Office.NumberTaken(ctx, id, l.issuers[id], a.Number)
	}
	low, high := 0, 1 // all rounds below low are taken
	for {
		t, err := taken(high - 1)
		if err != nil {
			return err
		}
		if !t {
			break
		}
		low, high = high, high*2
	}
	for low < high-1 {
		middle := (low + high - 1) / 2
		t, err := taken(middle)
		if err != nil {
			return err
		}
		if t {
			low = middle + 1
		} else {
			high = middle + 1
		}
	}
	// The last round may not be whole, and its applications are not made again.
	if low > 0 {
		low++
	}
	l.first = low * round
	return nil
}

func (l *Load) source() iter.Seq2[office.BulkItem, error] {
	return func(yield func(office.BulkItem, error) bool) {
		for n := range l.Count {
			id := l.generator.categories[(l.first+n)%len(l.generator.categories)].ID
			read := func() (*licence.Application, error) {
				_, a := l.generator.Application(l.first + n)
				a.Issuer = l.issuers[id]
				return a, nil
			}
			if !yield(office.BulkItem{Line: n + 1, Category: id, Read: read}, nil) {
				return
			}
		}
	}
}

// stored takes note of a batch and looks some of it up.
func (l *Load) stored(ctx context.Context, b office.BulkBatch) error {
	if b.Faulty > 0 {
		f := append(b.Invalid, b.Refused...)[0]
		return fmt.Errorf("application %d: %s %s: %w", l.first+f.Line-1, f.Field, f.Reason, ErrRefused)
	}
	l.marks = append(l.marks, mark{b.Last, time.Since(l.began)})
	anonymous, err := resident("RssAnon")
	if err != nil {
		return err
	}
	l.anonymous = max(l.anonymous, anonymous)
	if err := l.bare.sample(); err != nil {
		return err
	}
	for range checksABatch {
		if err := l.Office.Findable(ctx, b.Issued[l.random.IntN(len(b.Issued))]); err != nil {
			return err
		}
		l.checked++
	}
	for range keptABatch {
		id := b.Issued[l.random.IntN(len(b.Issued))].Identifier
		l.offered++
		if len(l.kept) < maxKept {
			l.kept = append(l.kept, id)
		} else if at := l.random.IntN(l.offered); at < maxKept {
			l.kept[at] = id
		}
	}
	if l.Progress != nil {
		l.Progress(b.Last, float64(b.Last)/l.marks[len(l.marks)-1].at.Seconds())
	}
	return nil
}

// rate is the rate between two counts of acknowledged licences.
func (l *Load) rate(from, to int) float64 {
	return float64(to-from) / (l.when(to) - l.when(from))
}

// when is the time by which so many licences were acknowledged, in seconds, between the
// batches in proportion.
func (l *Load) when(done int) float64 {
	i := slices.IndexFunc(l.marks, func(m mark) bool { return m.done >= done })
	m := l.marks[i]
	if i == 0 {
		return m.at.Seconds()
	}
	before := l.marks[i-1]
	part := float64(done-before.done) / float64(m.done-before.done)
	return before.at.Seconds() + part*(m.at-before.at).Seconds()
}

// lookUp measures look-ups by identifier, in microseconds.
func (l *Load) lookUp(ctx context.Context) (p50, p99 float64, err error) {
	debug.FreeOSMemory() // who looks up has no heap of a bulk issue
	took := make([]time.Duration, lookups)
	for i := range took {
		id := l.kept[l.random.IntN(len(l.kept))]
		began := time.Now()
		if err := l.Office.Readable(ctx, id); err != nil {
			return 0, 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	at := func(part float64) float64 { return float64(took[int(part*lookups)].Nanoseconds()) / 1000 }
	return at(0.5), at(0.99), nil
}
