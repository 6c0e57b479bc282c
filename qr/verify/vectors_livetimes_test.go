package verify_test

import (
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// presentedTimes are about when it was presented, and what has ended.
func presentedTimes(r *rows) {
	d := r.domain
	off := func(seconds int64) string { return r.live(d.browser, func(l *live) { l.seconds += seconds }) }
	r.add("presented/window", "90 seconds in the past", off(-90), verify.Valid, "")
	r.add("presented/window", "90 seconds in the future", off(90), verify.Valid, "")
	r.add("presented/window", "91 seconds in the past", off(-91), verify.Clock, "91 seconds in this terminal's past")
	r.add("presented/window", "91 seconds in the future", off(91), verify.Clock, "91 seconds in this terminal's future")
	r.add("presented/window", "a phone eight hours behind: a time zone", off(-8*3600), verify.Clock, "8 hours in this terminal's past")
	r.add("presented/window", "a phone eight hours ahead: a time zone", off(8*3600), verify.Clock, "8 hours in this terminal's future")
	r.add("presented/window", "in 1970", off(-vectorTime.Unix()), verify.Clock, "days in this terminal's past")
	r.add("presented/window", "in the year 9999", off(253402300799-vectorTime.Unix()), verify.Clock, "in this terminal's future")
	good := off(0)
	r.at("presented/window", "a terminal eight hours ahead", vectorTime.Add(8*time.Hour), good, verify.Clock, "8 hours")
	r.at("presented/window", "a terminal five minutes behind counts as the last signed time", vectorTime.Add(-5*time.Minute), good, verify.Valid, "")
	r.at("presented/window", "a terminal eight hours behind", vectorTime.Add(-8*time.Hour), good, verify.NoData, "behind")
	narrow := func(seconds int64) string {
		return r.live(d.browser, func(l *live) {
			l.credential.Summary.Category, l.credential.Summary.Fields, l.seconds = 12, []any{nil, nil}, l.seconds+seconds
		})
	}
	r.add("presented/window", "of a category with 30 seconds: 30 in the past", narrow(-30), verify.Valid, "")
	r.add("presented/window", "of a category with 30 seconds: 31 in the past", narrow(-31), verify.Clock, "31 seconds")

	ends := func(change func(*live)) string { return r.live(d.phone, change) }
	r.add("presented/ended", "the second in which the credential ends", ends(func(l *live) { l.credential.Expires = vectorTime }), verify.Valid, "")
	r.add("presented/ended", "a second later", ends(func(l *live) { l.credential.Expires = vectorTime.Add(-time.Second) }), verify.Expired, "credential has ended")
	r.add("presented/ended", "and from the past", ends(func(l *live) { l.credential.Expires, l.seconds = vectorTime.Add(-time.Second), l.seconds-91 }), verify.Clock, "")
	r.add("presented/ended", "the licence's last day was yesterday", ends(func(l *live) { expireVector(l.credential) }), verify.Expired, "last day")
	r.add("presented/ended", "the licence begins tomorrow", ends(func(l *live) { l.credential.Summary.FirstDay = civil.Of(vectorTime) + 1 }), verify.NotYetValid, "")
	r.add("presented/ended", "a credential from more than five minutes ahead", ends(func(l *live) { l.credential.SignedAt = vectorTime.Add(301 * time.Second) }), verify.Clock, "signed 301 seconds")
	later := func(after time.Duration) string {
		return ends(func(l *live) { l.seconds += int64(after / time.Second) })
	}
	r.at("presented/stale", "status data of a day and a second", vectorTime.Add(day+time.Second), later(day+time.Second), verify.ValidStale, "")
	r.at("presented/stale", "status data of three days and a second", vectorTime.Add(3*day+time.Second), later(3*day+time.Second), verify.NoData, "too old")
	r.at("presented/no-cache", "no usable trust files", vectorTime.Add(61*day), later(61*day), verify.NoData, "expired")
}

// presentedReplays are shown more than once.
func presentedReplays(r *rows) {
	d := r.domain
	good := r.live(d.browser, nil)
	phone := r.live(d.phone, nil)
	after := func(name string, wait time.Duration, scanned string, want verify.Verdict, earlier ...vectorScan) {
		r.at("presented/replayed", name, vectorTime.Add(wait), scanned, want, "").Earlier = earlier
	}
	once := vectorScan{vectorTime, good}
	after("the same again after three seconds", 3*time.Second, good, verify.Valid, once)
	after("the same again after four seconds", 4*time.Second, good, verify.Replayed, once)
	after("held before the scanner for six seconds", 6*time.Second, good, verify.Valid, once, vectorScan{vectorTime.Add(3 * time.Second), good})
	after("a refusal is no reading", 6*time.Second, good, verify.Replayed, once, vectorScan{vectorTime.Add(4 * time.Second), good})
	after("another device in the same second", 4*time.Second, phone, verify.Valid, once)
	after("the device's next second", 4*time.Second, r.live(d.browser, func(l *live) { l.seconds++ }), verify.Valid, once)
	after("another credential of the device in the same second", time.Second, r.live(d.browser, func(l *live) { l.credential.Summary.Status++ }), verify.Replayed, once)
	after("the same when the window is over", 91*time.Second, good, verify.Clock, once)
	after("before it was refused for its clock", 91*time.Second, r.live(d.browser, func(l *live) { l.seconds += 91 }), verify.Valid,
		vectorScan{vectorTime, r.live(d.browser, func(l *live) { l.seconds += 91 })})
	behind := vectorScan{vectorTime.Add(-4 * time.Minute), good}
	after("read twice by a terminal that is behind", -4*time.Minute+3*time.Second, good, verify.Valid, behind)
	after("again at a terminal that is behind, whose trusted time stands still", -4*time.Minute+4*time.Second, good, verify.Replayed, behind)
	after("a printed code is scanned as often as one likes", time.Hour, r.licence(nil), verify.Valid, vectorScan{vectorTime, r.licence(nil)})
}

// presentedAnswers are for a hall that asks.
func presentedAnswers(r *rows) {
	d := r.domain
	question := &qr.Challenge{Nonce: [16]byte{0: 0xa5, 15: 0x5a}, Hall: "甲厅三号窗口"}
	text, err := question.Text()
	if err != nil {
		r.tb.Fatal(err)
	}
	asked := &vectorQuestion{text, vectorTime}
	answer := func(device *vectorDevice, change func(*live)) string {
		return r.live(device, func(l *live) {
			copied := *question
			l.question = &copied
			if change != nil {
				change(l)
			}
		})
	}
	add := func(name string, wait time.Duration, scanned string, want verify.Verdict, cause string, earlier ...vectorScan) {
		v := r.at("presented/answer", name, vectorTime.Add(wait), scanned, want, cause)
		v.Question, v.Earlier = asked, earlier
	}
	good := answer(d.browser, nil)
	add("by P-256", 0, good, verify.Valid, "")
	add("by SM2", 0, answer(d.phone, nil), verify.Valid, "")
	longest := &qr.Challenge{Nonce: question.Nonce, Hall: strings.Repeat("厅", 10)}
	longestText, err := longest.Text()
	if err != nil {
		r.tb.Fatal(err)
	}
	r.at("presented/answer", "408 bytes, to the hall with the longest name", vectorTime, r.live(d.phone, func(l *live) {
		l.question = longest
		for n := 0; n < qr.MaxDeviceCredential; {
			l.credential.Summary.Holder += "x"
			n, _ = l.credential.Size()
		}
	}), verify.Valid, "").Question = &vectorQuestion{longestText, vectorTime}
	add("none", 0, r.live(d.browser, nil), verify.Replayed, "does not answer")
	add("to another nonce", 0, answer(d.browser, func(l *live) { l.question.Nonce[3]++ }), verify.Replayed, "another question")
	add("to another hall", 0, answer(d.browser, func(l *live) { l.question.Hall = "乙厅三号窗口" }), verify.Replayed, "another question")
	add("out of the window", 0, answer(d.browser, func(l *live) { l.seconds -= 91 }), verify.Clock, "91 seconds")
	add("of a revoked licence", 0, answer(d.browser, func(l *live) { l.credential.Summary.Status = 5<<32 | 10 }), verify.Revoked, "")
	add("a printed code", 0, r.licence(nil), verify.OutOfScope, "only a phone")
	add("the service's code", 0, r.shown(nil), verify.OutOfScope, "only a phone")
	add("read twice", 3*time.Second, good, verify.Valid, "", vectorScan{vectorTime, good})
	add("again", 4*time.Second, good, verify.Replayed, "answered before", vectorScan{vectorTime, good})
	add("by another phone after the first", time.Second, answer(d.phone, nil), verify.Replayed, "answered before", vectorScan{vectorTime, good})
	add("after one that was refused", time.Second, good, verify.Valid, "", vectorScan{vectorTime, answer(d.phone, func(l *live) { l.seconds -= 91 })})
	add("in the last second", 2*time.Minute, answer(d.browser, func(l *live) { l.seconds += 120 }), verify.Valid, "")
	v := r.at("presented/answer", "to a terminal that is behind the last signed time", vectorTime.Add(-3*time.Minute), good, verify.Valid, "")
	v.Question = &vectorQuestion{text, vectorTime.Add(-4 * time.Minute)}
	add("a second too late", 2*time.Minute+time.Second, answer(d.browser, func(l *live) { l.seconds += 120 }), verify.Replayed, "run out")
	r.add("presented/unasked", "an answer where nobody asked", good, verify.Replayed, "counts only there")
	r.add("presented/unasked", "the question itself", text, verify.Malformed, "")
}
