package seal

import (
	"errors"
	"testing"
	"time"
)

func TestCheckUse(t *testing.T) {
	t.Parallel()
	made := Record{SESeal: []byte{1}}
	noon := time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC) // 12:00 in UTC+8
	with := func(change func(*Record)) Record {
		r := made
		change(&r)
		return r
	}
	hours := func(from, until int) func(*Record) {
		return func(r *Record) { r.Rules.From, r.Rules.Until = from, until }
	}
	for name, tt := range map[string]struct {
		record Record
		want   error
	}{
		"in use":             {made, nil},
		"applied for":        {Record{}, ErrState},
		"suspended":          {with(func(r *Record) { r.Standing = Suspended }), ErrState},
		"revoked":            {with(func(r *Record) { r.Standing = Revoked }), ErrState},
		"resumed":            {with(func(r *Record) { r.Standing = InUse }), nil},
		"by a keeper":        {with(func(r *Record) { r.Rules.Keepers = []string{"乙", "甲"} }), nil},
		"by somebody else":   {with(func(r *Record) { r.Rules.Keepers = []string{"乙"} }), ErrNotKeeper},
		"the last use":       {with(func(r *Record) { r.Uses, r.Rules.MaxUses = 4, 5 }), nil},
		"one too many":       {with(func(r *Record) { r.Uses, r.Rules.MaxUses = 5, 5 }), ErrRules},
		"within hours":       {with(hours(8*60, 18*60)), nil},
		"at their beginning": {with(hours(12*60, 18*60)), nil},
		"at their end":       {with(hours(8*60, 12*60)), ErrRules},
		"before hours":       {with(hours(13*60, 18*60)), ErrRules},
	} {
		if err := tt.record.CheckUse("甲", noon); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestCheckPurpose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		required bool
		purpose  string
		refused  bool
	}{
		{false, "", false}, {false, "订立合同", false}, {true, "订立合同", false}, {true, "", true}, {true, " \t\n", true}, {true, "\u3000", true},
	} {
		err := Rules{PurposeRequired: tt.required}.CheckPurpose(tt.purpose)
		if (err != nil) != tt.refused || err != nil && (!errors.Is(err, ErrNoPurpose) || !errors.Is(err, ErrRules)) {
			t.Errorf("required %t, %q: %v", tt.required, tt.purpose, err)
		}
	}
}

func TestHours(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]int{"08:00-18:00": {480, 1080}, "00:00-24:00": {0, 1440}, "09:30-09:31": {570, 571}} {
		from, until, err := ParseHours(text)
		if err != nil || from != want[0] || until != want[1] {
			t.Errorf("%q: %d, %d, %v", text, from, until, err)
		}
		r := Rules{From: from, Until: until}
		if err := r.Check(); err != nil || r.Hours() != text {
			t.Errorf("%q is written back as %q, %v", text, r.Hours(), err)
		}
	}
	for _, text := range []string{"", "08:00", "18:00-08:00", "08:00-08:00", "8:00-18:00", "08:00-25:00", "08:00-18:00-19:00", "24:00-24:00", "08.00-18.00"} {
		if from, until, err := ParseHours(text); err == nil {
			t.Errorf("%q is read as %d, %d", text, from, until)
		}
	}
	for _, r := range []Rules{{From: -1, Until: 5}, {From: 5}, {From: 5, Until: 5}, {Until: 1441}} {
		if err := r.Check(); err == nil {
			t.Errorf("%+v passes", r)
		}
	}
}
