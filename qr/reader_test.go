package qr

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
)

// byReflection is ParseCredential by the general decoder, nil where it refuses.
func byReflection(payload []byte) *Credential {
	var c claims
	if detcbor.Unmarshal(payload, &c) != nil || c.Summary == nil || c.Document != nil || c.DeviceSM2 != nil || c.DeviceP256 != nil {
		return nil
	}
	s := c.Summary
	if s.Schema > 1<<31 || s.Category > 1<<16 {
		return nil
	}
	for i, item := range s.Fields {
		if n, ok := item.(uint64); ok {
			if n > 1<<62 {
				return nil
			}
			s.Fields[i] = int64(n)
		}
	}
	credential := &Credential{
		Expires: time.Unix(c.Expires, 0).UTC(), SignedAt: time.Unix(c.SignedAt, 0).UTC(),
		Summary: Summary{
			Schema: int(s.Schema), Category: int(s.Category), Number: s.Number, Holder: s.Holder, MaskedID: s.MaskedID,
			FirstDay: civil.Day(s.FirstDay), LastDay: (*civil.Day)(s.LastDay), Status: s.Status, Fields: s.Fields,
		},
	}
	if credential.check() != nil {
		return nil
	}
	return credential
}

func compareReaders(tb testing.TB, payload []byte) bool {
	tb.Helper()
	want := byReflection(payload)
	got, err := ParseCredential(payload)
	if (err == nil) != (want != nil) {
		tb.Fatalf("ParseCredential(%x) = %v, the general decoder accepts: %t", payload, err, want != nil)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		tb.Fatalf("ParseCredential(%x) = %+v, the general decoder reads %+v", payload, got, want)
	}
	return err == nil
}

// TestReaders puts every byte of a payload in every place, leaves every byte out
// and doubles it: both readers agree.
func TestReaders(t *testing.T) {
	t.Parallel()
	c := person()
	c.Summary.Fields = []any{"C1", nil, int64(-300), int64(70000)}
	good, err := c.Payload()
	if err != nil {
		t.Fatal(err)
	}
	if !compareReaders(t, good) {
		t.Fatal("a good payload is refused")
	}
	accepted := 0
	for i := range good {
		for v := range 256 {
			changed := bytes.Clone(good)
			changed[i] = byte(v)
			if compareReaders(t, changed) {
				accepted++
			}
		}
		compareReaders(t, append(bytes.Clone(good[:i]), good[i+1:]...))
		compareReaders(t, append(bytes.Clone(good[:i+1]), good[i:]...))
		compareReaders(t, good[:i])
	}
	// Other letters and other numbers are other good payloads.
	if accepted < 1000 {
		t.Errorf("only %d changed payloads are accepted: this test shows little", accepted)
	}
}

// FuzzReaders compares both readers.
func FuzzReaders(f *testing.F) {
	c := person()
	for _, change := range []func(){
		func() {},
		func() { c.Summary.LastDay, c.Summary.MaskedID = nil, "" },
		func() { c.Summary.Fields = nil },
		func() { c.DeviceSM2 = make([]byte, 33) },
	} {
		change()
		b, err := c.Payload()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { compareReaders(t, b) })
}
