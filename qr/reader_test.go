package qr

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
)

// byReflection is the reading of a credential of either kind by the general decoder,
// nil where it refuses.
func byReflection(payload []byte) *Credential {
	var c claims
	if detcbor.Unmarshal(payload, &c) != nil || c.Summary == nil || c.Document != nil {
		return nil
	}
	s := c.Summary
	if s.Schema > 1<<31 || s.Category > 1<<16 || !numbersAsInt64(s.Fields) {
		return nil
	}
	credential := &Credential{
		Expires: time.Unix(c.Expires, 0).UTC(), SignedAt: time.Unix(c.SignedAt, 0).UTC(),
		Summary: Summary{
			Schema: int(s.Schema), Category: int(s.Category), Number: s.Number, Holder: s.Holder, MaskedID: s.MaskedID,
			FirstDay: civil.Day(s.FirstDay), LastDay: (*civil.Day)(s.LastDay), Status: s.Status, Fields: s.Fields,
		},
	}
	var err error
	switch {
	case c.DeviceSM2 != nil && c.DeviceP256 != nil:
		return nil
	case c.DeviceSM2 != nil:
		credential.Device, err = ParseDeviceKey(DeviceSM2, c.DeviceSM2)
	case c.DeviceP256 != nil:
		credential.Device, err = ParseDeviceKey(DeviceP256, c.DeviceP256)
	}
	if err != nil || credential.check() != nil {
		return nil
	}
	return credential
}

// numbersAsInt64 makes of the decoder's numbers ours and reports whether all are in
// range.
func numbersAsInt64(fields []any) bool {
	for i, item := range fields {
		if n, ok := item.(uint64); ok {
			if n > 1<<62 {
				return false
			}
			fields[i] = int64(n)
		}
	}
	return true
}

// shownByReflection is ParseShown by the general decoder, nil where it refuses.
func shownByReflection(payload []byte) *Shown {
	var c shownClaims
	if detcbor.Unmarshal(payload, &c) != nil {
		return nil
	}
	s := c.Summary
	if s.Schema > 1<<31 || s.Category > 1<<16 || s.FirstDay == nil && s.LastDay != nil || !numbersAsInt64(s.Fields) {
		return nil
	}
	shown := &Shown{
		Expires: time.Unix(c.Expires, 0).UTC(), SignedAt: time.Unix(c.SignedAt, 0).UTC(),
		Chosen: Chosen{
			Schema: int(s.Schema), Category: int(s.Category), Number: s.Number, Holder: s.Holder, MaskedID: s.MaskedID,
			Status: s.Status, Fields: s.Fields,
		},
	}
	if s.FirstDay != nil {
		shown.Chosen.Validity = &Validity{FirstDay: civil.Day(*s.FirstDay), LastDay: (*civil.Day)(s.LastDay)}
	}
	if shown.check() != nil {
		return nil
	}
	return shown
}

// compareReaders reads a payload as that of any kind, by both readers, and reports
// whether it is one.
func compareReaders(tb testing.TB, payload []byte) bool {
	tb.Helper()
	want, wantShown := byReflection(payload), shownByReflection(payload)
	printed, printedErr := ParseCredential(payload)
	device, deviceErr := ParseDeviceCredential(payload)
	shown, shownErr := ParseShown(payload)
	for _, r := range []struct {
		kind Kind
		want any
		ok   bool
		got  any
		err  error
	}{
		{KindLicence, want, want != nil && want.Device == nil, printed, printedErr},
		{KindHolder, want, want != nil && want.Device != nil, device, deviceErr},
		{KindService, wantShown, wantShown != nil, shown, shownErr},
	} {
		if (r.err == nil) != r.ok {
			tb.Fatalf("kind %d, %x: %v, the general decoder accepts: %t", r.kind, payload, r.err, r.ok)
		}
		if r.ok && !reflect.DeepEqual(r.got, r.want) {
			tb.Fatalf("kind %d, %x: read %+v, the general decoder reads %+v", r.kind, payload, r.got, r.want)
		}
	}
	return printedErr == nil || deviceErr == nil || shownErr == nil
}

// TestReaders puts every byte of a payload in every place, leaves every byte out
// and doubles it: both readers agree.
func TestReaders(t *testing.T) {
	t.Parallel()
	c := person()
	c.Summary.Fields = []any{"C1", nil, int64(-300), int64(70000)}
	printed, err := c.Payload()
	if err != nil {
		t.Fatal(err)
	}
	c.Device = newDevice(t, DeviceSM2).key
	device, err := c.Payload()
	if err != nil {
		t.Fatal(err)
	}
	shown, err := (&Shown{SignedAt: signedAt, Expires: signedAt.Add(MaxShownLife), Chosen: c.Summary.Choose(everything)}).Payload()
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range [][]byte{printed, device, shown} {
		testReaders(t, good)
	}
}

func testReaders(t *testing.T, good []byte) {
	t.Helper()
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
		func() { c.Device = newDevice(f, DeviceSM2).key },
		func() { c.Device = newDevice(f, DeviceP256).key },
	} {
		change()
		b, err := c.Payload()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, choice := range []Choice{{}, {Holder: true}, everything} {
		b, err := (&Shown{SignedAt: signedAt, Expires: signedAt.Add(MaxShownLife), Chosen: person().Summary.Choose(choice)}).Payload()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { compareReaders(t, b) })
}
