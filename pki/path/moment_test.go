package path_test

import (
	"context"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
)

// TestForOneMoment: what was found is said again, for the same certificate, purpose and time, and
// nothing of it reaches the verifier that it comes from. What is not valid is looked into each time.
func TestForOneMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.root("R")
	authority := w.authority(root, "A")
	source := bySerial{}
	v, err := path.New(path.Options{
		Anchors: []*cert.Certificate{root.c}, Intermediates: []*cert.Certificate{authority.c}, Second: second.Opinion{}, Revocation: source,
	})
	if err != nil {
		t.Fatal(err)
	}
	end := w.end(authority, "E").c
	r := path.Request{Certificate: end, Purpose: path.PurposePerson, When: path.Claimed(now)}
	moment := v.ForOneMoment()
	want := func(what string, v *path.Verifier, r path.Request, verdict path.Verdict) {
		t.Helper()
		if got := v.Verify(context.Background(), r); got.Verdict != verdict {
			t.Errorf("%s: %v, want %v", what, got.Verdict, verdict)
		}
	}
	want("the first", moment, r, path.Valid)
	source[end.Serial()] = cert.Revocation{At: now.AddDate(0, -1, 0), Reason: cert.Superseded}
	want("again", moment, r, path.Valid)
	want("the verifier", v, r, path.Invalid)
	want("another moment", v.ForOneMoment(), r, path.Invalid)
	later := r
	later.When = path.Claimed(now.Add(time.Second))
	want("another time", moment, later, path.Invalid)
	other := r
	other.ExplicitPolicy = true
	want("another question", moment, other, path.Invalid)
	further := r
	further.Further = []*cert.Certificate{authority.c}
	want("with further certificates", moment, further, path.Invalid)
	delete(source, end.Serial())
	want("another time, released", moment, later, path.Valid)
}
