package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	Updated     Outcome = "updated"     // a newer cache is in force
	Current     Outcome = "current"     // a source was asked and has nothing newer
	Refused     Outcome = "refused"     // a source has something that must not be taken
	Unreachable Outcome = "unreachable" // no source could be asked
	Failed      Outcome = "failed"      // this machine hindered it: the disk, a lock
)

// Result tells how a run went. Its JSON names are a contract: docs/hallsync.md.
type Result struct {
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	// From is the source whose cache was taken, or that has nothing newer.
	From string `json:"from,omitempty"`
	// Changed are the names of the files that are new in the cache.
	Changed []string `json:"changed"`
	Files   int      `json:"files"` // fetched
	Bytes   int64    `json:"bytes"` // fetched
	Pinned  bool     `json:"pinned"`
	// Of the cache in force; zero if there is none.
	TimeVersion  uint64    `json:"time_version"`
	TrustVersion uint64    `json:"trust_version"`
	AsOf         time.Time `json:"as_of,omitzero"`
	AgeSeconds   int64     `json:"age_seconds"`
	// Problems are of sources that were passed over, and of what is optional.
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is what was wrong with a source.
type Problem struct {
	From  string `json:"from,omitempty"`
	Rule  Rule   `json:"rule"`
	Error string `json:"error"`
}

// Rule names the rule by which something was not taken.
type Rule string

// The rules. All but the first four are refusals.
const (
	RuleUnreachable Rule = "unreachable"
	RuleLocal       Rule = "local"
	RuleInterrupted Rule = "interrupted"
	RuleFrozen      Rule = "frozen"    // a source has nothing newer, and should
	RulePin         Rule = "pin"       // the root is not the pinned one
	RuleUnpinned    Rule = "unpinned"  // an empty cache is filled only under a pin
	RuleSignature   Rule = "signature" // not signed by enough keys of its role
	RuleRollback    Rule = "rollback"  // older than what was used before
	RuleFork        Rule = "fork"      // another file under a version that was used
	RuleClock       Rule = "clock"     // this machine's clock is behind the signed time
	RuleExpired     Rule = "expired"   // past its expiry
	RuleMismatch    Rule = "mismatch"  // files that do not belong together
	RuleMissing     Rule = "missing"   // a file that is named is not there
	RuleSize        Rule = "size"      // larger than it may be
	RuleAnswer      Rule = "answer"    // redirected elsewhere, compressed, a link
	RuleUnrevoked   Rule = "unrevoked" // would take back a revocation
	RuleMalformed   Rule = "malformed" // anything else that is wrong with a file
)

// errFork says that a source has another file under a version that was used.
var errFork = errors.New("another file than the one in force, with the same version")

// errFrozen says that a source stands still: the service signs the time every quarter of
// an hour.
var errFrozen = errors.New("nothing newer, for longer than the service lets pass")

// errUnpinned says that nothing says which root an empty folder is for.
var errUnpinned = errors.New("the cache is empty, and is filled only under a pin: give --root-sm3")

// ruleOf returns the rule that an error of a run comes from.
func ruleOf(err error) Rule {
	for _, r := range []struct {
		rule Rule
		errs []error
	}{
		{RuleInterrupted, []error{context.Canceled}},
		{RuleLocal, []error{errLocal}},
		{RuleFrozen, []error{errFrozen}},
		{RuleSize, []error{ErrTooLarge}},
		{RuleAnswer, []error{ErrAnswer}},
		{RuleUnreachable, []error{ErrUnreachable, context.DeadlineExceeded}},
		{RulePin, []error{trust.ErrPin}},
		{RuleUnpinned, []error{errUnpinned}},
		{RuleSignature, []error{trust.ErrSigned, crl.ErrWrongSignature}},
		{RuleRollback, []error{trust.ErrRollback}},
		{RuleFork, []error{errFork}},
		{RuleClock, []error{trust.ErrClock}},
		{RuleExpired, []error{trust.ErrExpired}},
		{RuleUnrevoked, []error{status.ErrUnrevoked}},
		{RuleMissing, []error{ErrMissing}},
		{RuleMismatch, []error{trust.ErrMismatch}},
		{RuleMalformed, []error{trust.ErrInvalid, status.ErrMalformed, detcbor.ErrNotDeterministic, cose.ErrMalformed, crl.ErrMalformed, crl.ErrUnsupported}},
	} {
		for _, one := range r.errs {
			if errors.Is(err, one) {
				return r.rule
			}
		}
	}
	return RuleMalformed
}

// outcome returns what a rule makes of a run.
func (r Rule) outcome() Outcome {
	switch r {
	case RuleUnreachable:
		return Unreachable
	case RuleFrozen:
		return Current
	case RuleLocal, RuleInterrupted:
		return Failed
	default:
		return Refused
	}
}

func (r *Result) problem(from string, err error) {
	r.Problems = append(r.Problems, Problem{from, ruleOf(err), err.Error()})
}

// String is the result as a line for people.
func (r *Result) String() string {
	age := "还没有缓存 there is no cache"
	if !r.AsOf.IsZero() {
		age = fmt.Sprintf("数据时间 data of %s, %s", r.AsOf.Format(time.RFC3339), time.Duration(r.AgeSeconds)*time.Second)
	}
	switch r.Outcome {
	case Updated:
		return fmt.Sprintf("已更新 updated from %s: %d files, %d bytes | %s", r.From, r.Files, r.Bytes, age)
	case Current:
		return fmt.Sprintf("已是最新 current: %s has nothing newer | %s", r.From, age)
	case Refused:
		return "已拒绝 refused | " + age
	case Unreachable:
		return "无法连接 unreachable | " + age
	default:
		return "未能完成 failed | " + age
	}
}
