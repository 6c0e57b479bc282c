package verify_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// mutations calls yield with every text that one character makes of a code: each
// character replaced by every other printable one of ASCII, left out, or exchanged
// with the next, and every such character put in anywhere.
func mutations(code string, yield func(string)) {
	for i := 0; i <= len(code); i++ {
		for c := byte(' '); c <= '~'; c++ {
			yield(code[:i] + string(rune(c)) + code[i:])
			if i < len(code) {
				yield(code[:i] + string(rune(c)) + code[i+1:])
			}
		}
		if i < len(code) {
			yield(code[:i] + code[i+1:])
		}
		if i+1 < len(code) {
			yield(code[:i] + code[i+1:i+2] + code[i:i+1] + code[i+2:])
		}
	}
}

// TestEveryMutation: no text that one character makes of a code is accepted. Three
// codes of each kind are tried, or a thousand if ELICENCE_LONG is set, which takes
// minutes.
func TestEveryMutation(t *testing.T) {
	t.Parallel()
	codes := 3
	if os.Getenv("ELICENCE_LONG") != "" {
		codes = 1000
	}
	d := trusttest.New(t, now)
	v := verifier(t, d, now)
	devices := []*trusttest.Device{trusttest.NewDevice(t, qr.DeviceSM2), trusttest.NewDevice(t, qr.DeviceP256)}
	vary := func(c *qr.Credential, i int) *qr.Credential {
		last := c.Summary.FirstDay + civil.Day(1+i)
		c.Summary.LastDay, c.Summary.Status = &last, 1<<32|uint64(i)
		c.Summary.Holder += "样例张欧阳"[:3*(i%6)]
		return c
	}
	for _, kind := range []struct {
		kind qr.Kind
		code func(t *testing.T, i int) string
	}{
		{qr.KindLicence, func(t *testing.T, i int) string {
			c := vary(d.Credential(now.Add(-time.Duration(i%3600)*time.Second)), i)
			c.Expires = qr.PrintedExpiry(c.SignedAt, c.Summary.LastDay)
			return trusttest.Code(t, c, d.IssuerKey)
		}},
		{qr.KindHolder, func(t *testing.T, i int) string {
			device := devices[i%2]
			credential := trusttest.SignedForDevice(t, vary(d.ForDevice(now.Add(-time.Hour), device), i), d.IssuerKey)
			return device.Present(t, credential, now.Add(time.Duration(i%90)*time.Second), nil)
		}},
		{qr.KindService, func(t *testing.T, i int) string {
			s := d.Shown(now.Add(time.Duration(i%300)*time.Second), qr.Choice{Holder: i%2 == 0, Number: i%3 == 0, Validity: i%4 == 0, Fields: []bool{i%5 == 0}})
			return trusttest.ShownCode(t, s, d.ShownKey)
		}},
	} {
		t.Run(fmt.Sprintf("kind %d", kind.kind), func(t *testing.T) {
			t.Parallel()
			everyMutation(t, v, codes, kind.code)
		})
	}
}

func everyMutation(t *testing.T, v *verify.Verifier, codes int, code func(*testing.T, int) string) {
	t.Helper()
	var (
		lock   sync.Mutex // guards counts
		counts = make(map[verify.Verdict]int)
		group  sync.WaitGroup
		next   = make(chan string)
	)
	for range 2 {
		group.Go(func() {
			for c := range next {
				own := tryMutations(t, v, c)
				lock.Lock()
				for verdict, n := range own {
					counts[verdict] += n
				}
				lock.Unlock()
			}
		})
	}
	for i := range codes {
		next <- code(t, i)
	}
	close(next)
	group.Wait()
	t.Logf("%d codes: %v", codes, counts)
	total := 0
	for _, n := range counts {
		total += n
	}
	if total < codes*50_000 {
		t.Errorf("%d mutations of %d codes: too few to show anything", total, codes)
	}
}

// tryMutations counts the verdicts on every mutation of a code.
func tryMutations(t *testing.T, v *verify.Verifier, code string) map[verify.Verdict]int {
	if r := v.Text(code); r.Verdict != verify.Valid {
		t.Errorf("the code itself: %s (%s)", r.Verdict, r.Cause)
	}
	counts := make(map[verify.Verdict]int)
	mutations(code, func(text string) {
		if qr.Scanned(text) == code {
			return // white space put in, two equal digits exchanged: the same code
		}
		r := v.Text(text)
		counts[r.Verdict]++
		switch r.Verdict {
		case verify.Malformed:
		case verify.Tampered, verify.Untrusted:
			// The check digits of one text in 100,000 are right by chance.
		default:
			t.Errorf("a mutation is not refused: %s (%s)\n%s\n%s", r.Verdict, r.Cause, code, text)
		}
	})
	return counts
}
