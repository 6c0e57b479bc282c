package answer_test

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

func sample(t testing.TB) *answer.Answer {
	t.Helper()
	q, err := answer.ParseQuestion("includes:004.vehicleClass=C1")
	if err != nil {
		t.Fatal(err)
	}
	subject, err := answer.OfHolder("111", "340199199003072410").Commit(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &answer.Answer{Question: q, Day: 20500, Subject: subject, Result: answer.Yes, AsOf: time.Unix(1772352000, 0).UTC()}
}

func TestAnswerSignedAndRead(t *testing.T) {
	t.Parallel()
	key, other := pkitest.NewKey(t), pkitest.NewKey(t)
	a := sample(t)
	signed, err := a.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := answer.Open(signed, key.Public(), nil)
	if err != nil || *got != *a || !answer.Looks(signed) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
	if _, err := answer.Open(signed, other.Public(), nil); !errors.Is(err, answer.ErrNotSigned) {
		t.Errorf("another key: %v", err)
	}
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if _, err := answer.Open(changed, key.Public(), nil); err == nil {
			t.Fatalf("byte %d was changed and nobody noticed", i)
		}
	}
	m, err := cose.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []pki.Object{pki.ObjectCopy, pki.ObjectCodeDocument} {
		again, err := cose.Sign(object, key, m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := answer.Open(again, key.Public(), nil); !errors.Is(err, answer.ErrNotSigned) {
			t.Errorf("%s taken for an answer: %v", object, err)
		}
	}
	if bytes.Contains(signed, []byte("340199199003072410")) {
		t.Error("the answer tells about whom it is")
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"valid", "adult", "holds:004", "field:004.licenceStatus=正常", "includes:004.vehicleClass=C1"} {
		q, err := answer.ParseQuestion(text)
		if err != nil || q.String() != text || q.Check(c) != nil {
			t.Errorf("%s: %v, %v, %v", text, q, err, q.Check(c))
		}
	}
	for _, text := range []string{
		"", "Valid", "valid:", "valid:004", "adult:18", "holds", "holds:4", "holds:0004", "holds:000", "field:004", "field:004.vehicleClass", "field:004.vehicleClass=",
		"field:004.=C1", "field:004.Vehicle=C1", "includes:004.vehicleClass=C1\n", "includes:004.vehicleClass=\u202eC1", "holds:004 ", " holds:004", "who is it",
	} {
		if q, err := answer.ParseQuestion(text); !errors.Is(err, answer.ErrQuestion) {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
	}
	for _, text := range []string{"holds:999", "field:004.colour=red", "field:004.licenceAddress=x", "field:004.birthDate=1990-01-01", "field:004.vehicleClass=Z9", "field:004.recordNote=x"} {
		q, err := answer.ParseQuestion(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if err := q.Check(c); !errors.Is(err, answer.ErrQuestion) {
			t.Errorf("%s may be asked: %v", text, err)
		}
	}
}

func TestCommitments(t *testing.T) {
	t.Parallel()
	nonce := bytes.Repeat([]byte{1}, 32)
	of := func(s answer.Subject, nonce []byte) answer.Commitment {
		c, err := s.Commit(nonce)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := of(answer.OfHolder("111", "1"), nonce)
	if first == of(answer.OfHolder("111", "2"), nonce) || first == of(answer.OfHolder("414", "1"), nonce) || first == of(answer.OfHolder("111", "1"), make([]byte, 32)) {
		t.Error("different subjects have one commitment")
	}
	for _, bad := range [][]byte{nil, nonce[:31], make([]byte, 33)} {
		if _, err := answer.OfHolder("111", "1").Commit(bad); !errors.Is(err, answer.ErrNonce) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

// TestInclusionsAreTransitive: what a class includes brings what that includes, by the
// table alone.
func TestInclusionsAreTransitive(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	all, err := answer.LoadInclusions()
	if err != nil {
		t.Fatal(err)
	}
	category, _ := c.Category(4)
	f, _ := category.Field("vehicleClass")
	rows, err := os.ReadFile("inclusions.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range regexp.MustCompile(`[A-Z][A-Z0-9]*`).FindAllString(regexp.MustCompile(`(?m)^004,vehicleClass,([^,]*,[^,]*),`).ReplaceAllString(string(rows), "$1"), -1) {
		if !slices.Contains(f.Enum, value) {
			t.Errorf("the table has %s, the catalogue has not", value)
		}
	}
	includes := func(a, b string) bool { return all.Include(4, "vehicleClass", a, b) }
	for _, a := range f.Enum {
		for _, b := range f.Enum {
			for _, d := range f.Enum {
				if includes(a, b) && includes(b, d) && !includes(a, d) {
					t.Errorf("%s includes %s and %s includes %s, but %s does not include %s", a, b, b, d, a, d)
				}
			}
		}
	}
	for _, want := range []struct {
		has, asked string
		includes   bool
	}{
		{"C1", "C1", true}, {"C1", "C2", true}, {"C2", "C1", false}, {"A1", "C1", true}, {"A1", "A2", false}, {"B2", "B1", false}, {"A2", "C6", true},
		{"A1", "C6", false}, {"C1", "C5", false}, {"D", "F", true}, {"C1D", "E", true}, {"C1E", "D", false}, {"A1A2", "C6", true}, {"M", "C1", false},
	} {
		if includes(want.has, want.asked) != want.includes {
			t.Errorf("%s includes %s: %v", want.has, want.asked, !want.includes)
		}
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	last := civil.Day(200)
	signed := civil.Day(100).Start()
	at := func(day civil.Day) time.Time { return day.Start().Add(time.Hour) }
	for name, test := range map[string]struct {
		state licence.State
		since time.Time
		day   civil.Day
		want  answer.Result
	}{
		"in force":               {licence.Active, signed, 150, answer.Yes},
		"first day":              {licence.Active, signed, 100, answer.Yes},
		"before":                 {licence.Active, signed, 99, answer.No},
		"last day":               {licence.Active, signed, 200, answer.Yes},
		"after":                  {licence.Active, signed, 201, answer.No},
		"suspended":              {licence.Suspended, at(150), 160, answer.No},
		"on the day of the step": {licence.Revoked, at(150), 150, answer.No},
		"before the step":        {licence.Revoked, at(150), 149, answer.CannotSay},
		"resumed":                {licence.Active, at(150), 160, answer.Yes},
		"before it was resumed":  {licence.Active, at(150), 140, answer.CannotSay},
	} {
		r := licence.Record{Licence: &licence.Licence{FirstDay: 100, LastDay: &last, SignedAt: signed}, State: test.state, Since: test.since}
		if got := answer.Standing(r, test.day); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	key := pkitest.NewKey(f)
	signed, err := sample(f).Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	m, err := cose.Parse(signed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		signed, err := cose.SignUnchecked(pki.ObjectAnswer, key, payload)
		if err != nil {
			t.Skip("longer than what is signed")
		}
		a, err := answer.Open(signed, key.Public(), nil)
		if err != nil {
			return
		}
		again, err := a.Sign(key)
		if err != nil {
			t.Fatalf("read, and cannot be signed: %v", err)
		}
		m, err := cose.Parse(again)
		if err != nil || !bytes.Equal(m.Payload, payload) {
			t.Errorf("%x was read and written as %x, %v", payload, m.Payload, err)
		}
	})
}
