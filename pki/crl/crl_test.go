package crl_test

import (
	"bytes"
	"errors"
	"iter"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	template := a.template(7)
	template.Points = []string{"http://localhost/crl/ca-3.crl"}
	template.FreshestCRL = []string{"http://localhost/crl/ca-3-delta.crl"}
	entries := []crl.Entry{
		{Serial: []byte{1}, Revocation: cert.Revocation{At: now}},
		{Serial: []byte{0x80}, Revocation: cert.Revocation{At: time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), Reason: cert.KeyCompromise}},
		{Serial: []byte{1, 0}, Revocation: cert.Revocation{At: now, InvalidAt: now.AddDate(-1, 0, 0)}},
		{Serial: serial(9), Revocation: cert.Revocation{At: time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC), Reason: cert.CertificateHold, InvalidAt: now}},
		{Serial: append([]byte{0x7f}, bytes.Repeat([]byte{0xff}, 19)...), Revocation: cert.Revocation{At: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), Reason: cert.AACompromise}},
	}
	list := a.build(t, template, entries...)
	if list.Number.Cmp(big.NewInt(7)) != 0 || list.IsDelta() || !list.ThisUpdate.Equal(now) || !list.NextUpdate.Equal(template.NextUpdate) {
		t.Errorf("number %v, delta %v, %s to %s", list.Number, list.IsDelta(), list.ThisUpdate, list.NextUpdate)
	}
	if got, ok := list.Points[0].URI(); !ok || len(list.Points) != 1 || got != template.Points[0] {
		t.Errorf("points = %q", list.Points)
	}
	if got, ok := list.FreshestCRL[0].Names[0].URI(); !ok || got != template.FreshestCRL[0] {
		t.Errorf("freshestCRL = %+v", list.FreshestCRL)
	}
	got := slices.Collect(list.All())
	if len(got) != len(entries) || list.Len() != len(entries) {
		t.Fatalf("%d entries, want %d", len(got), len(entries))
	}
	for i, want := range entries {
		if !bytes.Equal(got[i].Serial, want.Serial) || got[i].Revocation != want.Revocation {
			t.Errorf("entry %d = %x %+v, want %x %+v", i, got[i].Serial, got[i].Revocation, want.Serial, want.Revocation)
		}
		if r, found := list.Find(want.Serial); !found || r != want.Revocation {
			t.Errorf("Find(%x) = %+v, %v", want.Serial, r, found)
		}
	}
	for _, absent := range [][]byte{nil, {0}, {2}, {0, 1}, serial(8), serial(10), bytes.Repeat([]byte{0xff}, 20), bytes.Repeat([]byte{0xff}, 40)} {
		if _, found := list.Find(absent); found {
			t.Errorf("Find(%x) finds something", absent)
		}
	}
	for at, want := range map[time.Time]bool{
		now.Add(-crl.ClockTolerance - time.Second): false, now.Add(-crl.ClockTolerance): true, template.NextUpdate.Add(-time.Second): true, template.NextUpdate: false,
	} {
		if list.CurrentAt(at) != want {
			t.Errorf("CurrentAt(%s) = %v", at, !want)
		}
	}
}

// TestLengths goes over the sizes at which ASN.1 lengths grow by a byte.
func TestLengths(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 1300, 1400} {
		list, err := crl.Build(a.template(1), many(n), a.Key, nil)
		if err != nil || list.Len() != n {
			t.Errorf("%d entries: %v", n, err)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	list := a.build(t, a.template(1), entry(1, cert.KeyCompromise))
	if err := list.Verify(a.Certificate, second.Opinion{}); err != nil {
		t.Errorf("the issuer: %v", err)
	}
	sameName, otherName := newAuthority(t, "测试根"), newAuthority(t, "别的根")
	noUse := a.Certify(t, cert.Template{Subject: a.Certificate.Subject, Key: a.Key.Public(), IsCA: true, Usage: cert.KeyCertSign})
	// Another key that claims the issuer's name and key identifier.
	thief := sameName.Certify(t, cert.Template{
		Subject: a.Certificate.Subject, Key: sameName.Key.Public(), IsCA: true, Usage: cert.CRLSign, SubjectKeyID: a.Certificate.SubjectKeyID(),
	})
	for name, tt := range map[string]struct {
		issuer *cert.Certificate
		want   error
	}{
		"another name":         {otherName.Certificate, crl.ErrWrongIssuer},
		"same name, other key": {sameName.Certificate, crl.ErrWrongIssuer},
		"usage":                {noUse, crl.ErrWrongIssuer},
		"key identifier lies":  {thief, crl.ErrWrongSignature},
	} {
		if err := list.Verify(tt.issuer, second.Opinion{}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// TestEveryByte: no single changed byte leaves a list that verifies.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	template := a.template(1)
	template.Points = []string{"http://localhost/crl/a.crl"}
	der := a.build(t, template, entry(1, cert.KeyCompromise), entry(2, cert.Unspecified)).DER
	for i := range der {
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(der)
			changed[i] ^= bit
			list, err := crl.Parse(changed)
			if err == nil {
				err = list.Verify(a.Certificate, nil)
			}
			if err == nil {
				t.Errorf("byte %d ^ %#x is accepted", i, bit)
			}
		}
		if _, err := crl.Parse(der[:i]); !errors.Is(err, crl.ErrMalformed) {
			t.Errorf("first %d bytes: %v", i, err)
		}
	}
	if _, err := crl.Parse(append(bytes.Clone(der), 0)); !errors.Is(err, crl.ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := crl.Parse(make([]byte, crl.MaxSize+1)); !errors.Is(err, crl.ErrMalformed) {
		t.Errorf("too long: %v", err)
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "测试根"), newAuthority(t, "别的根")
	const one, two = "http://localhost/crl/ca-1.crl", "http://localhost/crl/ca-2.crl"
	whole := a.build(t, a.template(1))
	sharded := a.template(1)
	sharded.Points = []string{one}
	shard := a.build(t, sharded)
	delta := a.template(2)
	delta.Base = 1
	for name, tt := range map[string]struct {
		list *crl.List
		c    *cert.Certificate
		want bool
	}{
		"whole, no point":       {whole, a.Person(t, 1), true},
		"whole, a point":        {whole, a.Person(t, 1, one), true},
		"whole, another issuer": {whole, other.Person(t, 1), false},
		"shard, its point":      {shard, a.Person(t, 1, one), true},
		"shard, one of two":     {shard, a.Person(t, 1, two, one), true},
		"shard, another point":  {shard, a.Person(t, 1, two), false},
		"shard, no point":       {shard, a.Person(t, 1), false},
		"shard, another issuer": {shard, other.Person(t, 1, one), false},
		"delta alone":           {a.build(t, delta), a.Person(t, 1), false},
	} {
		if got := tt.list.Covers(tt.c); got != tt.want {
			t.Errorf("%s: Covers = %v", name, got)
		}
	}
}

func TestDelta(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	base := a.build(t, a.template(5), entry(2, cert.CertificateHold), entry(4, cert.KeyCompromise), entry(6, cert.CertificateHold), entry(9, cert.Superseded))
	template := a.template(8)
	template.Base, template.ThisUpdate = 5, now.Add(time.Hour)
	delta := a.build(t, template,
		entry(1, cert.Superseded), entry(2, cert.RemoveFromCRL), entry(5, cert.CertificateHold), entry(6, cert.KeyCompromise), entry(7, cert.RemoveFromCRL), entry(12, cert.CertificateHold))
	list, err := base.WithDelta(delta)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Verify(a.Certificate, second.Opinion{}); err != nil {
		t.Error(err)
	}
	want := map[uint64]cert.Reason{1: cert.Superseded, 4: cert.KeyCompromise, 5: cert.CertificateHold, 6: cert.KeyCompromise, 9: cert.Superseded, 12: cert.CertificateHold}
	for n := uint64(0); n < 14; n++ {
		reason, revoked := want[n]
		if r, found := list.Find(serial(n)); found != revoked || r.Reason != reason && revoked {
			t.Errorf("Find(%d) = %v %v, want %v %v", n, r.Reason, found, reason, revoked)
		}
	}
	var last []byte
	n := 0
	for e := range list.All() {
		if bytes.Compare(last, e.Serial) >= 0 || e.Reason != want[uint64(e.Serial[15])] {
			t.Errorf("All: %x %s after %x", e.Serial, e.Reason, last)
		}
		last = e.Serial
		n++
	}
	if n != len(want) {
		t.Errorf("All yields %d entries, want %d", n, len(want))
	}
	for stop := range n {
		for range list.All() {
			if stop--; stop < 0 {
				break
			}
		}
	}
	if list.Number.Int64() != 8 || !list.ThisUpdate.Equal(template.ThisUpdate) || !list.Covers(a.Person(t, 3)) {
		t.Errorf("number %v, thisUpdate %s", list.Number, list.ThisUpdate)
	}
	// The base and the delta are as they were.
	if _, found := base.Find(serial(2)); !found || base.Number.Int64() != 5 {
		t.Error("the base was changed")
	}
	if r, found := delta.Find(serial(2)); !found || r.Reason != cert.RemoveFromCRL {
		t.Error("the delta alone does not say removeFromCRL")
	}
}

func TestWrongBase(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "测试根"), newAuthority(t, "测试根")
	build := func(a authority, number, base uint64, points ...string) *crl.List {
		template := a.template(number)
		template.Base, template.Points = base, points
		return a.build(t, template)
	}
	early := a.template(8)
	early.Base, early.ThisUpdate = 5, now.Add(-time.Second)
	delta := build(a, 8, 5)
	joined, err := build(a, 5, 0).WithDelta(delta)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ base, delta *crl.List }{
		"full CRL older than the base":  {build(a, 4, 0), delta},
		"full CRL newer than the delta": {build(a, 9, 0), delta},
		"full CRL with its number":      {build(a, 8, 0), delta},
		"another key":                   {build(other, 5, 0), delta},
		"another scope":                 {build(a, 5, 0, "http://localhost/1"), delta},
		"another shard":                 {build(a, 5, 0, "http://localhost/1"), build(a, 8, 5, "http://localhost/2")},
		"a delta as base":               {build(a, 6, 5), delta},
		"a full CRL as delta":           {build(a, 5, 0), build(a, 8, 0)},
		"two deltas":                    {joined, build(a, 9, 5)},
		"delta made before":             {build(a, 5, 0), a.build(t, early)},
	} {
		if _, err := tt.base.WithDelta(tt.delta); !errors.Is(err, crl.ErrWrongBase) {
			t.Errorf("%s: %v, want ErrWrongBase", name, err)
		}
	}
	for _, number := range []uint64{5, 6, 7} {
		if _, err := build(a, number, 0).WithDelta(delta); err != nil {
			t.Errorf("full CRL %d under delta 5…8: %v", number, err)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	diskFull := errors.New("disk full")
	failing := func(yield func(crl.Entry, error) bool) {
		_ = yield(entry(1, cert.Superseded), nil) && yield(crl.Entry{}, diskFull)
	}
	broken := func(change func(*crl.Entry)) iter.Seq2[crl.Entry, error] {
		e := entry(1, cert.Superseded)
		change(&e)
		return sequence(e)
	}
	for name, entries := range map[string]iter.Seq2[crl.Entry, error]{
		"falling":             sequence(entry(2, 0), entry(1, 0)),
		"twice":               sequence(entry(2, 0), entry(2, 0)),
		"removed from a full": sequence(entry(2, cert.RemoveFromCRL)),
		"reason 7":            sequence(entry(2, 7)),
		"no serial":           broken(func(e *crl.Entry) { e.Serial = nil }),
		"leading zero":        broken(func(e *crl.Entry) { e.Serial = []byte{0, 1} }),
		"21 octets":           broken(func(e *crl.Entry) { e.Serial = bytes.Repeat([]byte{0xff}, 20) }),
		"no date":             broken(func(e *crl.Entry) { e.At = time.Time{} }),
		"year 10000":          broken(func(e *crl.Entry) { e.InvalidAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"failing":             failing,
	} {
		list, err := crl.Build(a.template(1), entries, a.Key, nil)
		if err == nil || list != nil {
			t.Errorf("%s: accepted", name)
		}
		if name == "failing" && !errors.Is(err, diskFull) {
			t.Errorf("the sequence's error is lost: %v", err)
		}
	}
	ownPerson := a.Certify(t, cert.Template{Subject: a.Certificate.Subject, Key: a.Key.Public(), Usage: cert.DigitalSignature})
	for name, change := range map[string]func(*crl.Template){
		"no number":          func(t *crl.Template) { t.Number = 0 },
		"base not before":    func(t *crl.Template) { t.Base = t.Number },
		"delta of a delta":   func(t *crl.Template) { t.Base, t.FreshestCRL = 1, []string{"http://localhost/"} },
		"ends as it begins":  func(t *crl.Template) { t.NextUpdate = t.ThisUpdate },
		"another's key":      func(x *crl.Template) { x.Issuer = newAuthority(t, "测试根").Certificate },
		"may not sign CRLs":  func(x *crl.Template) { x.Issuer = ownPerson },
		"no years like that": func(t *crl.Template) { t.NextUpdate = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		template := a.template(3)
		change(template)
		if _, err := crl.Build(template, sequence(), a.Key, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestManyAreFoundAgain(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "测试根")
	const n = 50_000
	template := a.template(1)
	template.Expect = n
	list, err := crl.Build(template, many(n), a.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	for e := range many(n) {
		if r, found := list.Find(e.Serial); !found || r != e.Revocation {
			t.Fatalf("Find(%x) = %+v, %v", e.Serial, r, found)
		}
	}
}
