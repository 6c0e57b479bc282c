package tsa_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
)

// network answers addresses as functions do.
type network map[string]func(ctx context.Context, request []byte) ([]byte, error)

func (n network) carry(ctx context.Context, url string, request []byte) ([]byte, error) {
	return n[url](ctx, request)
}

func newClient(n network, sources ...tsa.Source) *tsa.Client {
	return &tsa.Client{Sources: sources, Transport: n.carry, Now: time.Now, Random: rand.Reader, Second: second.Opinion{}, Timeout: 200 * time.Millisecond}
}

// TestFailover: whatever the first authority does wrong, it is reported and the second
// gives the stamp.
func TestFailover(t *testing.T) {
	t.Parallel()
	good := pkitest.NewStamping(t, time.Now())
	authority := good.Authority(t)
	stranger := pkitest.NewStamping(t, time.Now())
	imprint := tsa.SM3(sm3.Sum([]byte("content")))
	reask := func(change func(*tsa.Request)) func(context.Context, []byte) ([]byte, error) {
		return func(ctx context.Context, der []byte) ([]byte, error) {
			r, err := tsa.ParseRequest(der)
			if err != nil {
				return nil, err
			}
			asked := tsa.Request{Imprint: r.Imprint, Policy: r.Policy, Nonce: r.Nonce, Certificates: r.Certificates}
			change(&asked)
			other, err := asked.Marshal()
			if err != nil {
				return nil, err
			}
			return authority.Respond(ctx, other)
		}
	}
	slow := good.Settings(t, func() tsa.Reading { return tsa.Reading{Wall: time.Now().Add(-time.Hour)} })
	slow.Marks = new(pkitest.Marks)
	behind, err := tsa.NewAuthority(slow)
	if err != nil {
		t.Fatal(err)
	}
	dead := errors.New("no route to host")
	for name, tt := range map[string]struct {
		answer func(context.Context, []byte) ([]byte, error)
		chain  tsa.ChainVerifier
		want   error
	}{
		"dead":            {func(context.Context, []byte) ([]byte, error) { return nil, dead }, good.Chain, dead},
		"silent":          {func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }, good.Chain, context.DeadlineExceeded},
		"answers nothing": {func(context.Context, []byte) ([]byte, error) { return nil, nil }, good.Chain, tsa.ErrMalformed},
		"answers a page":  {func(context.Context, []byte) ([]byte, error) { return []byte("<html>"), nil }, good.Chain, tsa.ErrMalformed},
		"answers 1 MB":    {func(context.Context, []byte) ([]byte, error) { return make([]byte, 1<<20), nil }, good.Chain, tsa.ErrMalformed},
		"refuses": {func(ctx context.Context, _ []byte) ([]byte, error) {
			r, _ := authority.Respond(ctx, nil)
			return r, nil
		}, good.Chain, nil},
		"stamps something else":   {reask(func(r *tsa.Request) { r.Imprint = tsa.SM3(sm3.Sum(nil)) }), good.Chain, tsa.ErrOtherImprint},
		"another hash":            {reask(func(r *tsa.Request) { r.Imprint.Algorithm = oid.SHA256 }), good.Chain, tsa.ErrOtherImprint},
		"another nonce":           {reask(func(r *tsa.Request) { r.Nonce = []byte{1} }), good.Chain, tsa.ErrWrongStamp},
		"no nonce":                {reask(func(r *tsa.Request) { r.Nonce = nil }), good.Chain, tsa.ErrWrongStamp},
		"no certificate":          {reask(func(r *tsa.Request) { r.Certificates = false }), good.Chain, nil},
		"stranger":                {stranger.Authority(t).Respond, good.Chain, errAnchor},
		"an hour ago":             {behind.Respond, good.Chain, tsa.ErrWrongStamp},
		"a byte of the signature": {spoil(authority, func(r []byte) { r[len(r)-3] ^= 1 }), good.Chain, tsa.ErrForged},
		"a byte of the time":      {spoil(authority, func(r []byte) { i := bytes.Index(r, []byte("Z\x30")); r[i-1] ^= 1 }), good.Chain, tsa.ErrForged},
		"a response and a byte": {func(ctx context.Context, q []byte) ([]byte, error) {
			r, err := authority.Respond(ctx, q)
			return append(r, 0), err
		}, good.Chain, tsa.ErrMalformed},
		"granted without a token":  {func(context.Context, []byte) ([]byte, error) { return []byte{0x30, 5, 0x30, 3, 2, 1, 0}, nil }, good.Chain, tsa.ErrMalformed},
		"rejected with a token":    {spoil(authority, func(r []byte) { i := bytes.Index(r, []byte{0x30, 3, 2, 1, 0}); r[i+4] = 2 }), good.Chain, tsa.ErrMalformed},
		"granted with other terms": {spoil(authority, func(r []byte) { i := bytes.Index(r, []byte{0x30, 3, 2, 1, 0}); r[i+4] = 1 }), good.Chain, tsa.ErrWrongStamp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := network{"bad": tt.answer, "good": authority.Respond}
			chain := func(c *cert.Certificate, at time.Time, further []*cert.Certificate) error {
				if err := tt.chain(c, at, further); err != nil {
					return fmt.Errorf("%w: %w", errAnchor, err)
				}
				return nil
			}
			client := newClient(n, tsa.Source{Name: "first", URL: "bad", Chain: chain}, tsa.Source{Name: "second", URL: "good", Chain: good.Chain})
			var failures []*tsa.SourceError
			client.Failed = func(e *tsa.SourceError) { failures = append(failures, e) }
			stamp, err := client.Stamp(context.Background(), imprint)
			if err != nil {
				t.Fatal(err)
			}
			if stamp.Imprint != imprint {
				t.Errorf("stamp of %+v", stamp.Imprint)
			}
			if len(failures) != 1 || failures[0].Source != "first" {
				t.Fatalf("failures %v, want one of the first source", failures)
			}
			if tt.want != nil && !errors.Is(failures[0], tt.want) {
				t.Errorf("failure %v, want %v", failures[0], tt.want)
			}
		})
	}
}

var errAnchor = errors.New("no anchor")

// spoil changes the authority's response.
func spoil(a *tsa.Authority, change func([]byte)) func(context.Context, []byte) ([]byte, error) {
	return func(ctx context.Context, q []byte) ([]byte, error) {
		r, err := a.Respond(ctx, q)
		change(r)
		return r, err
	}
}

func TestAllFail(t *testing.T) {
	t.Parallel()
	dead := errors.New("no route to host")
	n := network{"dead": func(context.Context, []byte) ([]byte, error) { return nil, dead }}
	s := tsa.Source{Name: "省级", URL: "dead"}
	_, err := newClient(n, s, s).Stamp(context.Background(), tsa.SM3(sm3.Sum(nil)))
	var failure *tsa.SourceError
	if !errors.As(err, &failure) || !errors.Is(err, dead) || strings.Count(err.Error(), "省级") != 2 {
		t.Errorf("Stamp = %v", err)
	}
	if _, err := newClient(n).Stamp(context.Background(), tsa.SM3(sm3.Sum(nil))); err == nil {
		t.Error("a stamp without any authority")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	asked := 0
	n["dead"] = func(ctx context.Context, _ []byte) ([]byte, error) { asked++; return nil, ctx.Err() }
	if _, err := newClient(n, s, s).Stamp(ended, tsa.SM3(sm3.Sum(nil))); !errors.Is(err, context.Canceled) || asked != 1 {
		t.Errorf("Stamp = %v after %d questions", err, asked)
	}
}

// TestBatch: one token for many digests; each record proves its own digest and no
// other; BouncyCastle reads the records as RFC 4998 has them.
func TestBatch(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	asked := 0
	authority := s.Authority(t)
	n := network{"tsa": func(ctx context.Context, q []byte) ([]byte, error) { asked++; return authority.Respond(ctx, q) }}
	client := newClient(n, tsa.Source{Name: "tsa", URL: "tsa", Chain: s.Chain})
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var args, names []string
	var accept []bool
	for _, size := range []int{1, 2, 3, 4, 5, 7, 8, 33, 1000} {
		asked = 0
		digests := make([][sm3.Size]byte, size)
		for i := range digests {
			digests[i] = sm3.Sum(fmt.Appendf(nil, "document %d", i))
		}
		batch, err := client.StampBatch(context.Background(), append(digests, digests[0])) // one twice
		if err != nil {
			t.Fatal(err)
		}
		if asked != 1 {
			t.Errorf("batch of %d: %d tokens", size, asked)
		}
		for i, d := range digests {
			der, err := batch.Evidence(d)
			if err != nil {
				t.Fatalf("batch of %d, document %d: %v", size, i, err)
			}
			e, err := tsa.ParseEvidence(der)
			if err != nil {
				t.Fatalf("batch of %d, document %d: %v", size, i, err)
			}
			if err := e.Verify(d, s.Chain, nil); err != nil {
				t.Errorf("batch of %d, document %d: Verify = %v", size, i, err)
			}
			if err := e.Verify(sm3.Sum([]byte("another")), s.Chain, nil); !errors.Is(err, tsa.ErrOtherImprint) {
				t.Errorf("batch of %d, document %d: Verify of another = %v", size, i, err)
			}
			if size > 1 {
				if err := e.Verify(digests[(i+size/2)%size], s.Chain, nil); err == nil {
					t.Errorf("batch of %d: the record of document %d proves another", size, i)
				}
			}
			if i == 0 || i == size-1 || i == size/2 {
				file := write(fmt.Sprintf("%d-%d.ers", size, i), der)
				right, wrong := write(fmt.Sprintf("%d-%d", size, i), fmt.Appendf(nil, "document %d", i)), write("wrong", []byte("another"))
				spoilt := write(fmt.Sprintf("%d-%d.spoilt", size, i), spoilt(der))
				args = append(args, "evidence", file, right, "evidence", file, wrong, "evidence", spoilt, right)
				name := fmt.Sprintf("document %d of %d", i, size)
				names, accept = append(names, name, name+" for another", name+" spoilt"), append(accept, true, false, false)
			}
		}
		if _, err := batch.Evidence(sm3.Sum([]byte("another"))); !errors.Is(err, tsa.ErrNotStamped) {
			t.Errorf("Evidence of another = %v", err)
		}
	}
	for i, answer := range tooltest.BouncyCastle(t, "VerifyTimeStamp", args...) {
		if strings.HasPrefix(answer, "accepted") != accept[i] {
			t.Errorf("BouncyCastle, %s: %s, want accepted %v", names[i], answer, accept[i])
		}
	}
	for _, size := range []int{0, tsa.MaxBatch + 1} {
		if _, err := client.StampBatch(context.Background(), make([][sm3.Size]byte, size)); err == nil {
			t.Errorf("a batch of %d is stamped", size)
		}
	}
}

// spoilt changes a byte of the signature, which ends a record.
func spoilt(der []byte) []byte {
	wrong := bytes.Clone(der)
	wrong[len(wrong)-3] ^= 1
	return wrong
}

// TestEveryBitOfEvidence: no changed record proves anything but the digest it was for.
func TestEveryBitOfEvidence(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	n := network{"tsa": s.Authority(t).Respond}
	client := newClient(n, tsa.Source{Name: "tsa", URL: "tsa", Chain: s.Chain})
	digests := [][sm3.Size]byte{sm3.Sum([]byte("a")), sm3.Sum([]byte("b")), sm3.Sum([]byte("c"))}
	batch, err := client.StampBatch(context.Background(), digests)
	if err != nil {
		t.Fatal(err)
	}
	der, err := batch.Evidence(digests[1])
	if err != nil {
		t.Fatal(err)
	}
	for i := range der {
		wrong := bytes.Clone(der)
		wrong[i] ^= 0x10
		e, err := tsa.ParseEvidence(wrong)
		if err != nil {
			continue
		}
		if e.Verify(digests[1], s.Chain, nil) == nil {
			t.Errorf("byte %d: accepted", i)
		}
		if e.Verify(sm3.Sum([]byte("another")), s.Chain, nil) == nil {
			t.Errorf("byte %d: another digest is proven", i)
		}
	}
}
