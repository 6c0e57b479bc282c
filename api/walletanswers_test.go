package api_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	signed "github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/verify"
)

func (h *handheld) answers(at time.Time, question, day string, nonce []byte) object {
	text := base64.RawURLEncoding.EncodeToString(nonce)
	o := h.signed("elicence/ask/1", at, question, day, text)
	o["question"], o["day"], o["nonce"] = question, day, text
	return o
}

// TestWalletAnswers: a holder's device gets signed answers about its own licence, which
// commit to what they are about; what it cannot show it cannot ask about, and nobody else
// gets anything.
func TestWalletAnswers(t *testing.T) {
	t.Parallel()
	s := newWalletService(t)
	r := s.Issue(t, "004")
	h := newHandheld(t, "p256")
	s.bind(t, h, r)
	nonce, today := bytes.Repeat([]byte{7}, signed.NonceSize), civil.Of(time.Now()).String()
	at := time.Now().Add(-time.Minute)
	next := func() time.Time {
		at = at.Add(time.Second)
		return at
	}
	holder := r.Licence.Holders[0]
	category, ok := s.Office.Catalogue().Category(4)
	if !ok {
		t.Fatal("no category 004")
	}
	class, _ := category.Field("vehicleClass")
	s.publish(t)
	inspector, err := s.Office.Inspector(t.Context(), second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		question string
		want     string
		about    signed.Subject
	}{
		{"valid", "yes", signed.OfLicence(r.Licence.Identifier)},
		{"holds:004", "yes", signed.OfHolder(holder.IDType, holder.IDNumber)},
		{"field:004.vehicleClass=" + r.Licence.Fields[class.Code].Text(class), "yes", signed.OfHolder(holder.IDType, holder.IDNumber)},
	} {
		status, header, got := s.ask(t, "/v1/wallet/answers", h.answers(next(), tt.question, today, nonce))
		if status != http.StatusOK || got["answer"] != tt.want || got["question"] != tt.question || header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: status %d, %v", tt.question, status, got)
		}
		token, err := base64.RawURLEncoding.DecodeString(got["signed"].(string))
		if err != nil {
			t.Fatal(err)
		}
		commitment, err := tt.about.Commit(nonce)
		if err != nil {
			t.Fatal(err)
		}
		found := inspector.Answer(token, &commitment)
		if f := found.Answer; found.Verdict != verify.Valid || f == nil || f.Question != tt.question || f.Day != today || f.Answer != tt.want || f.Bound == nil || !*f.Bound {
			t.Errorf("%s: a stranger finds %s, %+v", tt.question, found.Verdict, f)
		}
	}
	used := h.answers(next(), "valid", today, nonce)
	s.ask(t, "/v1/wallet/answers", used)
	forged := h.answers(next(), "valid", today, nonce)
	forged["question"] = "adult"
	stranger := newHandheld(t, "sm2")
	stranger.licence, stranger.name = h.licence, h.name
	for _, tt := range []struct {
		name   string
		body   object
		status int
		want   string
	}{
		{"the same request", used, 409, "/docs#used"},
		{"another question than was signed", forged, 403, "/docs#device"},
		{"another key", stranger.answers(next(), "valid", today, nonce), 403, "/docs#device"},
		{"another category", h.answers(next(), "holds:066", today, nonce), 422, "another category"},
		{"a sensitive field", h.answers(next(), "field:004.licenceAddress=x", today, nonce), 422, "is not asked about"},
		{"no question", h.answers(next(), "whatever", today, nonce), 422, "body.question"},
		{"no day", h.answers(next(), "valid", "2026-02-30", nonce), 422, "body.day"},
		{"a short nonce", h.answers(next(), "valid", today, nonce[:31]), 422, "body.nonce"},
	} {
		status, header, got := s.ask(t, "/v1/wallet/answers", tt.body)
		told := fmt.Sprint(got["type"], got["detail"], got["errors"])
		if status != tt.status || !strings.Contains(told, tt.want) || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: status %d, %v, want %d, %s", tt.name, status, got, tt.status, tt.want)
		}
	}
	// A suspended licence is not shown, but the answer is no.
	if _, err := s.Office.Step(t.Context(), "officer", r.Licence.Identifier, licence.Suspend, "测试"); err != nil {
		t.Fatal(err)
	}
	if status, _, got := s.ask(t, "/v1/wallet/answers", h.answers(next(), "valid", today, nonce)); status != http.StatusOK || got["answer"] != "no" {
		t.Errorf("suspended: status %d, %v", status, got)
	}
	for _, personal := range []string{holder.Name, holder.IDNumber, h.licence} {
		if strings.Contains(s.log.String(), personal) {
			t.Errorf("the log holds %q", personal)
		}
	}
}
