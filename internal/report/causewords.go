package report

import (
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
)

// Cause says in both languages why the verdict is what it is: of a document that was only
// changed after it was signed, by which change.
func Cause(found office.Inspection) (zh, en string) {
	w := causeWords(found)
	return w.ZH, w.EN
}

func causeWords(found office.Inspection) words {
	w := words{found.CauseZH, found.Cause}
	if found.Verdict != verify.Tampered || found.Document == nil {
		return w
	}
	var worst *office.ChangeFinding
	for i := range found.Document.Signatures {
		for _, c := range found.Document.Signatures[i].Checks {
			switch {
			case c.Cause != "" && c.Change == nil:
				return w // the signature itself does not count
			case c.Change != nil && worst == nil:
				worst = c.Change
			}
		}
	}
	if worst != nil {
		w.ZH += "：" + changedWords(*worst).ZH
	}
	return w
}

// failureWords says what is wrong with a signature in particular: why the step failed that
// decided.
func failureWords(f *office.SignatureFinding) words {
	if c := failed(f); c != nil {
		return words{checkWords(*c).ZH, f.Cause}
	}
	return words{f.CauseZH, f.Cause}
}

// failed is the step that decided on a signature that is not in order; nil where none is named.
func failed(f *office.SignatureFinding) *office.Check {
	for i, c := range f.Checks {
		if c.Cause != "" && f.Cause == c.Name+": "+c.Cause {
			return &f.Checks[i]
		}
	}
	return nil
}

// checkWords says why a step has failed, or what is to be said although it passed.
func checkWords(c office.Check) words {
	switch {
	case c.Change != nil:
		return words{c.CauseZH + "：" + changedWords(*c.Change).ZH, c.Cause}
	case c.Cause != "":
		return words{c.CauseZH, c.Cause}
	case c.Note == "":
		return words{}
	case c.Name == seal.CheckTimeStamp:
		return words{"该时间戳不作时间证明", c.Note}
	case c.Name == seal.CheckUse:
		return words{"日志：" + c.Note, "the log of " + c.Note}
	default:
		return words{"凭导入的根证书", c.Note}
	}
}
