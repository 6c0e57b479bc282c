package browser

import (
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// Answer is a verdict with the words for people. Its JSON has the names of the API's
// answer to a code, and what the verdict means to the holder.
type Answer struct {
	Verdict verify.Verdict `json:"verdict"`
	Cause   string         `json:"cause"`
	CauseZH string         `json:"cause_zh"`
	Code    verify.Result  `json:"code"`
	Wording wording        `json:"wording"`
	Labels  []fieldLabel   `json:"field_labels"`
	Meaning Meaning        `json:"meaning"`
}

type wording struct {
	ZH     string        `json:"zh"`
	EN     string        `json:"en"`
	NextZH string        `json:"next_zh"`
	NextEN string        `json:"next_en"`
	Colour verify.Colour `json:"colour"`
	Symbol string        `json:"symbol"`
}

type fieldLabel struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// Text decides on what a scanner delivered.
func (v *Verifier) Text(scanned string) Answer {
	r := v.verifier.Answer(scanned, v.question)
	w := r.Verdict.Wording()
	a := Answer{
		Verdict: r.Verdict, Cause: r.Cause, CauseZH: r.CauseZH, Code: r, Wording: wording{w.ZH, w.EN, r.NextZH, r.NextEN, w.Colour, w.Symbol},
		Labels: []fieldLabel{}, Meaning: meaningOf(r),
	}
	for _, l := range r.Labels {
		a.Labels = append(a.Labels, fieldLabel(l))
	}
	return a
}

// IsWhole reports whether what a scanner delivered so far is a code of ours from end to
// end, whatever it says: its check digits are right.
func IsWhole(scanned string) bool {
	_, _, err := qr.Decode(qr.Scanned(scanned))
	return err == nil
}
