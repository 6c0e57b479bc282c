package seal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
)

// Rules say who may use a seal, how often, at what hours and whether for a purpose that is
// said. The zero value allows every officer at any time.
type Rules struct {
	// Keepers are the officers who may use the seal. Without any, all may.
	Keepers []string `json:",omitempty"`
	// MaxUses is how often the seal may be used in all, 0 for no limit.
	MaxUses uint64 `json:",omitempty"`
	// From and Until bound the hours of use, in minutes of the day in UTC+8, Until
	// exclusive. Both 0: at any hour.
	From  int `json:",omitempty"`
	Until int `json:",omitempty"`
	// PurposeRequired: nobody uses the seal without saying for what.
	PurposeRequired bool `json:",omitempty"`
}

// dayMinutes is how many minutes a day has.
const dayMinutes = 24 * 60

// Check says whether the rules make sense.
func (r Rules) Check() error {
	if r.From == 0 && r.Until == 0 {
		return nil
	}
	if r.From < 0 || r.Until > dayMinutes || r.From >= r.Until {
		return bilingual.New("用印时段须在一日之内，先开始后结束", "hours of use do not begin before they end within one day")
	}
	return nil
}

// CheckUse says whether a person may use the seal at a time. The error wraps
// [ErrState], [ErrNotKeeper] or [ErrRules].
func (r Record) CheckUse(by string, at time.Time) error {
	switch state := r.State(); state {
	case InUse:
	case Applied:
		return bilingual.Wrap("印章待批准，还不能使用", fmt.Errorf("waits for approval: %w", ErrState))
	default:
		zh := fmt.Sprintf("印章自 %s 起%s，不能使用", r.Since.In(civil.Zone).Format("2006-01-02 15:04"), state.NameZH())
		return bilingual.Wrap(zh, fmt.Errorf("is %s since %s: %w", state, r.Since.Format(time.RFC3339), ErrState))
	}
	if len(r.Rules.Keepers) > 0 && !slices.Contains(r.Rules.Keepers, by) {
		return bilingual.Wrap(by+"不是该印章的保管人", fmt.Errorf("%s %w", by, ErrNotKeeper))
	}
	if r.Rules.MaxUses > 0 && r.Uses >= r.Rules.MaxUses {
		return bilingual.Wrap(fmt.Sprintf("印章限用 %d 次，已用完", r.Rules.MaxUses), fmt.Errorf("was used %d times, which is all: %w", r.Uses, ErrRules))
	}
	if r.Rules.Until > 0 {
		local := at.In(civil.Zone)
		if minute := local.Hour()*60 + local.Minute(); minute < r.Rules.From || minute >= r.Rules.Until {
			zh := fmt.Sprintf("印章只在 %s 至 %s 使用", clock(r.Rules.From), clock(r.Rules.Until))
			return bilingual.Wrap(zh, fmt.Errorf("is used from %s to %s: %w", clock(r.Rules.From), clock(r.Rules.Until), ErrRules))
		}
	}
	return nil
}

// CheckPurpose says whether a use for a purpose is allowed. White space says nothing. The
// error wraps [ErrNoPurpose].
func (r Rules) CheckPurpose(purpose string) error {
	if r.PurposeRequired && strings.TrimSpace(purpose) == "" {
		return ErrNoPurpose
	}
	return nil
}

// Hours writes the hours of use as 08:00-18:00, empty where there is no bound.
func (r Rules) Hours() string {
	if r.Until == 0 {
		return ""
	}
	return clock(r.From) + "-" + clock(r.Until)
}

// ParseHours reads what [Rules.Hours] writes, as minutes of the day.
func ParseHours(s string) (from, until int, err error) {
	a, b, ok := strings.Cut(s, "-")
	from, errA := parseClock(a)
	until, errB := parseClock(b)
	if !ok || errA != nil || errB != nil || from >= until {
		return 0, 0, bilingual.Wrap("用印时段的写法如 08:00-18:00", fmt.Errorf("%q is not hours such as 08:00-18:00", s))
	}
	return from, until, nil
}

func parseClock(s string) (int, error) {
	if s == "24:00" {
		return dayMinutes, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, errors.New("not a time of day")
	}
	return t.Hour()*60 + t.Minute(), nil
}

// clock writes a minute of the day as 08:30.
func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
