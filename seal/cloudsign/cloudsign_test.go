package cloudsign_test

import (
	"context"
	"errors"
	"testing"

	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/seal/cloudsign"
)

// ledger keeps one enrolment in memory.
type ledger struct {
	tries, settled int
	broken         error
}

func (l *ledger) Enrol(context.Context, cloudsign.Enrolment, audit.Record) error { return nil }

func (l *ledger) Enrolment(context.Context, string) (cloudsign.Enrolment, error) {
	return cloudsign.Enrolment{Tries: l.tries}, nil
}

func (l *ledger) CountTry(_ context.Context, _ string, limit int, _ audit.Record) error {
	if l.tries >= limit {
		return cloudsign.ErrLocked
	}
	l.tries++
	return l.broken
}

func (l *ledger) Settle(context.Context, string, audit.Record) error {
	l.tries = 0
	l.settled++
	return nil
}

// half is the service's half, whoever asks.
type half struct{ *cosign.Service }

func (h half) Half(string) (*cosign.Service, error) { return h.Service, nil }

func enrol(t *testing.T) (*cosign.Device, half) {
	t.Helper()
	enrolling, request, err := cosign.NewDevice([]byte("e"))
	if err != nil {
		t.Fatal(err)
	}
	service, err := cosign.NewService([]byte("e"), request)
	if err != nil {
		t.Fatal(err)
	}
	return enrolling.Finish(service.Public()), half{service}
}

// TestRun: every try is counted before it is answered, and only a signature that
// verifies over the service's own message sets the count back.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	device, h := enrol(t)
	l := new(ledger)
	s := cloudsign.New(l, h)
	r := cloudsign.Request{ID: "run 1", Enrolment: "e", Message: []byte("a document")}
	pending, commitment, err := device.Begin([]byte(r.ID), r.Message)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Answer(ctx, r, commitment, audit.Record{})
	if err != nil || l.tries != 1 {
		t.Fatalf("Answer = %v after %d tries, want 1", err, l.tries)
	}
	sig, err := pending.Finish(answer)
	if err != nil {
		t.Fatal(err)
	}
	wrong, other := sig, r
	wrong[63] ^= 1
	other.Message = []byte("another document")
	if err := s.Finish(ctx, r, wrong, audit.Record{}); !errors.Is(err, cloudsign.ErrRefused) {
		t.Errorf("a wrong signature: %v, want ErrRefused", err)
	}
	if err := s.Finish(ctx, other, sig, audit.Record{}); !errors.Is(err, cloudsign.ErrRefused) {
		t.Errorf("a signature of another document: %v, want ErrRefused", err)
	}
	if l.tries != 1 || l.settled != 0 {
		t.Errorf("after refusals %d tries, settled %d times; want 1, 0", l.tries, l.settled)
	}
	if err := s.Finish(ctx, r, sig, audit.Record{}); err != nil || l.tries != 0 || l.settled != 1 {
		t.Errorf("Finish = %v, %d tries, settled %d times; want 0, 1", err, l.tries, l.settled)
	}
	for i := range cloudsign.MaxTries {
		if _, err := s.Answer(ctx, r, commitment, audit.Record{}); err != nil {
			t.Fatalf("try %d: %v", i+1, err)
		}
	}
	if _, err := s.Answer(ctx, r, commitment, audit.Record{}); !errors.Is(err, cloudsign.ErrLocked) {
		t.Errorf("after %d tries: %v, want ErrLocked", cloudsign.MaxTries, err)
	}
}

// TestNoAnswerWithoutCount: where the try cannot be counted a thief of the device
// learns nothing.
func TestNoAnswerWithoutCount(t *testing.T) {
	t.Parallel()
	device, h := enrol(t)
	full := errors.New("disk full")
	s := cloudsign.New(&ledger{broken: full}, h)
	r := cloudsign.Request{ID: "run 1", Enrolment: "e", Message: []byte("a document")}
	_, commitment, err := device.Begin([]byte(r.ID), r.Message)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Answer(context.Background(), r, commitment, audit.Record{}); !errors.Is(err, full) || a.R != nil || a.S1 != nil {
		t.Errorf("Answer = %v, %v, want nothing and the ledger's error", a, err)
	}
}
