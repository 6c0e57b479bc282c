package licence

import (
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
)

// Cause is why a step was taken, as one of a closed list, so that it can be counted and
// exchanged. The officer's words stand beside it.
type Cause uint8

// The causes. Their numbers are stored and never change.
const (
	Unstated          Cause = 0
	Surrendered       Cause = 1
	ExpiredUnrenewed  Cause = 2
	HolderDeceased    Cause = 3
	HolderDissolved   Cause = 4
	HolderMerged      Cause = 5
	IssuedInError     Cause = 6
	ObtainedByFraud   Cause = 7
	Penalty           Cause = 8
	LawChanged        Cause = 9
	ConditionsLapsed  Cause = 10
	KeyCompromise     Cause = 11
	Judgment          Cause = 12
	Changed           Cause = 32
	Renamed           Cause = 33
	LostOrDamaged     Cause = 34
	Renewed           Cause = 35
	Corrected         Cause = 36
	Transferred       Cause = 37
	Investigation     Cause = 64
	CheckOverdue      Cause = 65
	PenaltySuspension Cause = 66
	Remedied          Cause = 96
	TermServed        Cause = 97
)

// causeOf is a cause with the step that it goes with and its names. What the law calls
// the end of a permit depends on its cause.
type causeOf struct {
	cause        Cause
	step         Step // empty: any
	name, zh, en string
	end          string // what the law calls it
}

var causes = []causeOf{
	{Unstated, "", "unstated", "未注明", "not stated", "注销"},
	{Surrendered, Revoke, "surrendered", "持证主体申请注销", "given back by its holder", "注销"},
	{ExpiredUnrenewed, Revoke, "expired-unrenewed", "有效期届满未延续", "expired and not renewed", "注销"},
	{HolderDeceased, Revoke, "holder-deceased", "持证人死亡", "its holder has died", "注销"},
	{HolderDissolved, Revoke, "holder-dissolved", "持证组织终止", "its holder was dissolved", "注销"},
	{HolderMerged, Revoke, "holder-merged", "持证组织合并", "its holder was merged into another body", "注销"},
	{IssuedInError, Revoke, "issued-in-error", "颁发有误", "issued in error", "撤销"},
	{ObtainedByFraud, Revoke, "obtained-by-fraud", "以欺骗、贿赂等不正当手段取得", "obtained by fraud or bribery", "撤销"},
	{Penalty, Revoke, "penalty", "行政处罚", "as a penalty", "吊销"},
	{LawChanged, Revoke, "superseded-by-law", "所依据的法律、法规、规章变更或废止", "the law it rests on has changed", "撤回"},
	{ConditionsLapsed, Revoke, "conditions-lapsed", "不再具备法定条件", "its conditions are no longer met", "撤销"},
	{KeyCompromise, Revoke, "key-compromise", "签发密钥泄露", "the key that signed it was stolen", "失效"},
	{Judgment, Revoke, "judgment", "依据生效法律文书", "by a judgment in force", "注销"},
	{Changed, Supersede, "changed", "内容变更", "its content has changed", "换发"},
	{Renamed, Supersede, "renamed", "持证主体更名", "its holder has a new name", "换发"},
	{LostOrDamaged, Supersede, "lost-or-damaged", "遗失或损毁补发", "lost or damaged", "补发"},
	{Renewed, Supersede, "renewed", "延续", "renewed", "延续"},
	{Corrected, "", "corrected", "更正", "corrected", "更正"},
	{Transferred, Supersede, "transferred", "由承继主体承继", "gone over to the successor", "换发"},
	{Investigation, Suspend, "investigation", "调查期间", "during an investigation", "暂扣"},
	{CheckOverdue, Suspend, "check-overdue", "逾期未检验或未年审", "its periodic check is overdue", "暂扣"},
	{PenaltySuspension, Suspend, "penalty-suspension", "行政处罚暂扣", "suspended as a penalty", "暂扣"},
	{Remedied, Resume, "remedied", "问题已整改", "what was wrong is remedied", "恢复"},
	{TermServed, Resume, "term-served", "暂扣期满", "the suspension has ended", "恢复"},
}

// ErrCause says that a text names no cause, or one that does not go with the step.
var ErrCause = bilingual.New("该操作不能用此原因", "not a cause of this step")

// ParseCause reads the name of a cause of a step; an empty name is [Unstated].
func ParseCause(name string, step Step) (Cause, error) {
	if name == "" {
		return Unstated, nil
	}
	var names []string
	for _, c := range causes {
		if c.step != "" && c.step != step {
			continue
		}
		if c.name == name {
			return c.cause, nil
		}
		names = append(names, c.name)
	}
	return Unstated, fmt.Errorf("%q is none of %s: %w", name, strings.Join(names, ", "), ErrCause)
}

// CausesOf lists the causes that go with a step.
func CausesOf(step Step) []Cause {
	var all []Cause
	for _, c := range causes {
		if c.step == "" || c.step == step {
			all = append(all, c.cause)
		}
	}
	return all
}

// named finds a cause in the list.
func (c Cause) named() causeOf {
	for _, known := range causes {
		if known.cause == c {
			return known
		}
	}
	return causeOf{name: fmt.Sprintf("cause(%d)", uint8(c)), zh: "未知", en: "unknown", end: "未知"}
}

// String returns the cause's name.
func (c Cause) String() string { return c.named().name }

// NameZH returns the cause in Chinese.
func (c Cause) NameZH() string { return c.named().zh }

// NameEN returns the cause in English.
func (c Cause) NameEN() string { return c.named().en }

// EndZH returns what the law calls a step that is taken for the cause: a permit that is
// given back is 注销, one that was obtained by fraud 撤销.
func (c Cause) EndZH() string { return c.named().end }

// Check refuses a cause that does not go with a step.
func (c Cause) Check(step Step) error {
	for _, known := range causes {
		if known.cause == c && (known.step == "" || known.step == step) {
			return nil
		}
	}
	return fmt.Errorf("%s is no cause to %s a licence: %w", c, step, ErrCause)
}
