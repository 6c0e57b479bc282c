package verify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// causesBesideVectors are results for the causes that no vector can show.
func causesBesideVectors(t *testing.T) []verify.Result {
	t.Helper()
	d := trusttest.New(t, now)
	cache, err := trust.Load(d.Files(t), trust.Options{Second: second.Opinion{}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	forgery, good := forged(t, d), trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	with := func(second pki.SecondOpinion, code string) verify.Result {
		return verify.New(cache, verify.Options{Second: second, Now: clock}).Text(code)
	}
	without := func(err error) verify.Result {
		return verify.Without(err, verify.Options{Now: clock}).Text(good)
	}
	unreadable := verify.New(cache, verify.Options{Now: clock}).Unreadable
	d.Trust.Services[0].Until = now.Add(-time.Hour).Unix()
	document := &qr.Document{SignedAt: now, Expires: now.AddDate(1, 0, 0), Number: "1", Length: 9, Seals: []string{}}
	b, err := document.Sign(d.CodeKey)
	if err != nil {
		t.Fatal(err)
	}
	late, err := qr.Encode(qr.KindDocument, b)
	if err != nil {
		t.Fatal(err)
	}
	return []verify.Result{
		with(opinion{accepts: true}, forgery), with(opinion{err: pki.ErrBusy}, forgery),
		verifier(t, d, now).Text(late),
		noDevices(t), ofNeighbour(t, []string{"330200"}, []uint64{4}, ""), ofNeighbour(t, []string{"330000"}, []uint64{66}, ""),
		ofNeighbour(t, []string{"330000"}, []uint64{4}, "340100"),
		without(trust.ErrPin), without(trust.ErrRollback), without(trust.ErrMismatch),
		unreadable(verify.CauseNoPicture, ""), unreadable(verify.CauseNoCode, "blurred"), unreadable(verify.CauseSeveralCodes, ""), unreadable(verify.CauseLongLine, ""),
	}
}

// noDevices is the result for a presentation where none is taken.
func noDevices(t *testing.T) verify.Result {
	t.Helper()
	d, device := trusttest.New(t, now), trusttest.NewDevice(t, qr.DeviceP256)
	d.Trust.Devices = nil
	return verifier(t, d, now).Text(device.Present(t, trusttest.SignedForDevice(t, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey), now, nil))
}

// ofNeighbour is the result for a licence of a recognised domain, whose issuer says to
// be of a region.
func ofNeighbour(t *testing.T, regions []string, categories []uint64, region string) verify.Result {
	t.Helper()
	n := newNeighbours(t)
	n.recognise(t, n.ours, regions, categories)
	if region != "" {
		n.theirs.Trust.Issuers[0].Region = region
	}
	return n.scan(t, now, trusttest.Code(t, n.theirs.Credential(now.Add(-time.Hour)), n.theirs.IssuerKey))
}

// everyResult has a result for every cause.
func everyResult(t *testing.T) []verify.Result {
	t.Helper()
	results := causesBesideVectors(t)
	for _, f := range readVectors(t) {
		s := vectorScanners(f)
		for _, v := range f.Vectors {
			results = append(results, s.judge(t, v))
		}
	}
	return results
}

// TestEveryCause: each cause is reached, by a vector or by a row above, and says what
// is the matter and what to do next in both languages.
func TestEveryCause(t *testing.T) {
	t.Parallel()
	results := everyResult(t)
	isChinese := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	seen := make(map[verify.CauseCode]bool)
	for _, r := range results {
		seen[r.CauseCode] = true
		for what, text := range map[string]string{"cause": r.CauseZH, "next step": r.NextZH} {
			if !isChinese(text) || strings.Contains(text, "%!") {
				t.Errorf("%s: %s in Chinese: %q", r.CauseCode, what, text)
			}
		}
		for what, text := range map[string]string{"cause": r.Cause, "next step": r.NextEN} {
			if text == "" || strings.Contains(text, "%!") || strings.Contains(text, "\n") || what != "cause" && isChinese(text) {
				t.Errorf("%s: %s in English: %q", r.CauseCode, what, text)
			}
		}
	}
	for _, code := range verify.Causes() {
		if !seen[code] {
			t.Errorf("cause %s is never given", code)
		}
		delete(seen, code)
	}
	for code := range seen {
		t.Errorf("cause %q has no wording", code)
	}
}

// TestNobodyIsBlamed: a misread, old data or a wrong clock is never told in the words
// of a forgery, and the holder is not sent away for them.
func TestNobodyIsBlamed(t *testing.T) {
	t.Parallel()
	for _, v := range []verify.Verdict{verify.Malformed, verify.NoData, verify.Clock, verify.ValidStale} {
		w := v.Wording()
		for _, word := range []string{"伪造", "不得接受", "forged", "Do not accept"} {
			if strings.Contains(w.ZH+w.EN+w.NextZH+w.NextEN, word) {
				t.Errorf("%s is told with %q", v, word)
			}
		}
		if w.Colour != verify.Amber {
			t.Errorf("%s is %s", v, w.Colour)
		}
	}
}

// TestSpans: a clock that is off says by how much, in a unit that people can judge.
func TestSpans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		behind time.Duration
		en, zh string
	}{
		{301 * time.Second, "301 seconds", "慢 301 秒"},
		{time.Hour, "1 hour ", "慢 1 小时"},
		{8 * time.Hour, "8 hours", "慢 8 小时"},
		{72 * time.Hour, "3 days", "慢 3 天"},
		{400 * 24 * time.Hour, "400 days", "慢 400 天"},
	} {
		err := &trust.ClockError{Now: now, Last: now.Add(tt.behind)}
		r := verify.Without(err, verify.Options{Now: time.Now}).Text(trusttest.Code(t, trusttest.New(t, now).Credential(now), trusttest.New(t, now).IssuerKey))
		if r.CauseCode != verify.CauseClockBehind || !strings.Contains(r.Cause, tt.en) || !strings.Contains(r.CauseZH, tt.zh) || r.NextZH != "请校准本终端时钟后重试" {
			t.Errorf("%s: %s %s %s, want %s %s", tt.behind, r.Cause, r.CauseZH, r.NextZH, tt.en, tt.zh)
		}
	}
}

// TestDocumentsSayTheSame: the operator's card and the table of causes are made from the
// wordings, so they stay true.
func TestDocumentsSayTheSame(t *testing.T) {
	t.Parallel()
	colours := map[verify.Colour]string{verify.Green: "绿，一声", verify.Amber: "黄，两声", verify.Red: "红，三声"}
	var card strings.Builder
	card.WriteString("| 符号 | 结论 | 颜色与铃声 | 下一步 |\n|---|---|---|---|\n")
	for _, v := range verify.Verdicts() {
		w := v.Wording()
		fmt.Fprintf(&card, "| %s | **%s** | %s | %s |\n", w.Symbol, w.ZH, colours[w.Colour], w.NextZH)
	}
	document(t, "hall.zh.md", "<!-- verdicts -->\n\n", "\n## ", card.String())

	given := make(map[verify.Verdict][]verify.CauseCode)
	for _, r := range everyResult(t) {
		if !slices.Contains(given[r.Verdict], r.CauseCode) {
			given[r.Verdict] = append(given[r.Verdict], r.CauseCode)
		}
	}
	var causes strings.Builder
	causes.WriteString("| verdict | cause | | next step |\n|---|---|---|---|\n")
	for _, v := range verify.Verdicts() {
		slices.Sort(given[v])
		for _, code := range given[v] {
			c := code.Words()
			zh, en := c.Next(v)
			fmt.Fprintf(&causes, "| `%s` | `%s` | %s<br>%s | %s<br>%s |\n", v, code, c.ZH, c.EN, zh, en)
		}
	}
	document(t, "hall.md", "<!-- causes -->\n\n", "", causes.String())
}

// document compares a part of a document, from after one text to before another or the
// end, with what it must say.
func document(t *testing.T, name, after, before, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), strings.TrimSuffix(after, "\n"))
	if !ok {
		t.Fatalf("%s has no %q", name, after)
	}
	rest = strings.TrimLeft(rest, "\n")
	got, tail := rest, ""
	if before != "" {
		at := strings.Index(rest, strings.TrimPrefix(before, "\n"))
		got, tail = rest[:at], rest[at:]
	}
	if before != "" {
		want += "\n"
	}
	if *update && got != want {
		if err := os.WriteFile(path, []byte(head+after+want+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s does not say what the program says: run with -update and read it\n got %s\nwant %s", name, got, want)
	}
}
