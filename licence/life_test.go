package licence_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// TestSteps is the whole table of what may be done in which state.
func TestSteps(t *testing.T) {
	t.Parallel()
	allowed := map[licence.State]map[licence.Step]licence.State{
		licence.Pending:   {licence.Publish: licence.Active, licence.Withdraw: licence.Withdrawn},
		licence.Active:    {licence.Suspend: licence.Suspended, licence.Revoke: licence.Revoked, licence.Supersede: licence.Superseded},
		licence.Suspended: {licence.Resume: licence.Active, licence.Revoke: licence.Revoked},
	}
	for _, s := range append(licence.States(), 0, 99) {
		for _, step := range append(licence.Steps(), "burn", "") {
			got, err := s.Next(step)
			want, ok := allowed[s][step]
			switch {
			case ok && (err != nil || got != want):
				t.Errorf("%s of a licence that is %s: %s, %v, want %s", step, s, got, err, want)
			case !ok && (!errors.Is(err, licence.ErrStep) || got != s):
				t.Errorf("%s of a licence that is %s: %s, %v, want ErrStep", step, s, got, err)
			}
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	// Stored numbers never change.
	for s, number := range map[licence.State]uint8{
		licence.Active: 1, licence.Suspended: 2, licence.Revoked: 3, licence.Superseded: 4, licence.Withdrawn: 5, licence.Pending: 6,
	} {
		if uint8(s) != number {
			t.Errorf("%s has the number %d, want %d", s, s, number)
		}
		if s.NameZH() == "未知" || strings.HasPrefix(s.String(), "state(") {
			t.Errorf("state %d has no name", number)
		}
	}
	for i, step := range []licence.Step{"issue", "publish", "withdraw", "suspend", "resume", "revoke", "supersede"} {
		if licence.Steps()[i] != step {
			t.Errorf("step %d is %s, want %s", i+1, licence.Steps()[i], step)
		}
	}
	at := time.Unix(1700000000, 0).UTC()
	for _, tt := range []struct {
		stored licence.State
		now    time.Time
		want   licence.State
	}{
		{licence.Pending, at.Add(-time.Second), licence.Pending},
		{licence.Pending, at, licence.Active},
		{licence.Withdrawn, at.Add(time.Hour), licence.Withdrawn},
		{licence.Suspended, at.Add(time.Hour), licence.Suspended},
	} {
		r := licence.Record{State: tt.stored, Publication: at, Since: at.Add(-time.Hour)}.At(tt.now)
		if r.State != tt.want {
			t.Errorf("%s at %s is %s, want %s", tt.stored, tt.now, r.State, tt.want)
		}
		if r.State != tt.stored && !r.Since.Equal(at) {
			t.Errorf("active since %s, want its publication", r.Since)
		}
	}
	ended := []licence.State{licence.Revoked, licence.Superseded, licence.Withdrawn}
	for _, s := range licence.States() {
		if s.Ended() != slices.Contains(ended, s) {
			t.Errorf("%s: ended is %v", s, s.Ended())
		}
		if s.ShownRevoked() != (s == licence.Revoked || s == licence.Superseded) {
			t.Errorf("%s: shown as revoked is %v", s, s.ShownRevoked())
		}
	}
}

func TestCauses(t *testing.T) {
	t.Parallel()
	numbers := map[licence.Cause]string{
		0: "unstated", 1: "surrendered", 2: "expired-unrenewed", 3: "holder-deceased", 4: "holder-dissolved", 5: "holder-merged", 6: "issued-in-error",
		7: "obtained-by-fraud", 8: "penalty", 9: "superseded-by-law", 10: "conditions-lapsed", 11: "key-compromise", 12: "judgment",
		32: "changed", 33: "renamed", 34: "lost-or-damaged", 35: "renewed", 36: "corrected", 37: "transferred",
		64: "investigation", 65: "check-overdue", 66: "penalty-suspension", 96: "remedied", 97: "term-served",
	}
	for c := range licence.Cause(255) {
		name, known := numbers[c]
		switch {
		case known && (c.String() != name || c.NameZH() == "未知" || c.NameEN() == "unknown" || c.EndZH() == "未知"):
			t.Errorf("cause %d is %s %s", c, c, c.NameZH())
		case !known && c.Check(licence.Revoke) == nil:
			t.Errorf("cause %d is accepted", c)
		}
	}
	for _, tt := range []struct {
		name string
		step licence.Step
		want licence.Cause
		ok   bool
	}{
		{"", licence.Revoke, licence.Unstated, true},
		{"penalty", licence.Revoke, licence.Penalty, true},
		{"penalty", licence.Suspend, 0, false},
		{"renewed", licence.Supersede, licence.Renewed, true},
		{"renewed", licence.Revoke, 0, false},
		{"corrected", licence.Withdraw, licence.Corrected, true},
		{"Penalty", licence.Revoke, 0, false},
	} {
		got, err := licence.ParseCause(tt.name, tt.step)
		if got != tt.want || (err == nil) != tt.ok || err != nil && !errors.Is(err, licence.ErrCause) {
			t.Errorf("%q to %s: %s, %v", tt.name, tt.step, got, err)
		}
	}
	// The law has names of its own for the end of a permit.
	for c, want := range map[licence.Cause]string{licence.Surrendered: "注销", licence.ObtainedByFraud: "撤销", licence.Penalty: "吊销", licence.LawChanged: "撤回"} {
		if c.EndZH() != want {
			t.Errorf("%s is %s, want %s", c, c.EndZH(), want)
		}
	}
}

func TestReadIdentifier(t *testing.T) {
	t.Parallel()
	id := identifier(t)
	text := id.String()
	body := strings.TrimPrefix(text, "1.2.156.3005.2.")
	wide := strings.Map(func(r rune) rune {
		if r > 0x20 && r < 0x7F {
			return r + 0xFEE0
		}
		return r
	}, text)
	for name, tt := range map[string]struct {
		text       string
		deviations int
		unchecked  bool
	}{
		"as it is written":   {text, 0, false},
		"lower case":         {strings.ToLower(text), 1, false},
		"full-width":         {wide, 1, false},
		"spaces":             {" " + text[:30] + " \u2003" + text[30:] + "\n", 1, false},
		"zero-width spaces":  {text[:30] + "\u200b" + text[30:], 1, false},
		"no dots":            {strings.ReplaceAll(text, ".", ""), 1, false},
		"middle dots":        {strings.ReplaceAll(text, ".", "·"), 1, false},
		"hyphens":            {strings.ReplaceAll(text, ".", "-"), 1, false},
		"no root":            {body, 1, false},
		"no check character": {text[:len(text)-2], 1, true},
		"dots at the end":    {text + "..", 1, false},
		"a wrong check":      {text[:len(text)-1] + string('0'+(text[len(text)-1]-'0'+1)%10), 1, true},
		"all of it":          {" " + strings.ToLower(strings.ReplaceAll(body[:len(body)-2], ".", " ")), 5, true},
		"no root, no dots":   {strings.ReplaceAll(body, ".", ""), 2, false},
		"no root, no check":  {body[:len(body)-2], 2, true},
	} {
		got, err := licence.ReadIdentifier(tt.text)
		if err != nil || got.Identifier != id || len(got.Deviations) != tt.deviations || got.Unchecked != tt.unchecked {
			t.Errorf("%s: %+v, %v, want %d deviations, unchecked %v", name, got, err, tt.deviations, tt.unchecked)
		}
	}
	for name, text := range map[string]string{
		"empty":            "",
		"only the root":    "1.2.156.3005.2",
		"too short":        text[:len(text)-4],
		"too long":         text + "12",
		"a letter in Han":  strings.Replace(text, "ABC0", "ABC零", 1),
		"a foreign serial": "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
		"a long text":      strings.Repeat(" ", 500) + text,
	} {
		if got, err := licence.ReadIdentifier(text); !errors.Is(err, licence.ErrBadIdentifier) {
			t.Errorf("%s: %+v, %v, want ErrBadIdentifier", name, got, err)
		}
	}
}

// FuzzReadIdentifier: what is read leniently is one of ours, and reads strictly as
// itself.
func FuzzReadIdentifier(f *testing.F) {
	text := identifier(f).String()
	for _, seed := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, ".", ""), text[15:], "", "１．２", text[:60] + "\u200b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		typed, err := licence.ReadIdentifier(s)
		if err != nil {
			if !errors.Is(err, licence.ErrBadIdentifier) {
				t.Errorf("%v", err)
			}
			return
		}
		strict, err := licence.ParseIdentifier(typed.Identifier.String())
		if err != nil || strict != typed.Identifier {
			t.Errorf("%q reads as %s, which reads as %s, %v", s, typed.Identifier, strict, err)
		}
		if len(typed.Deviations) == 0 && typed.Identifier.String() != s {
			t.Errorf("%q is said to be as it should, and is not %s", s, typed.Identifier)
		}
		if again, err := licence.ReadIdentifier(typed.Identifier.String()); err != nil || len(again.Deviations) > 0 {
			t.Errorf("%s deviates: %v, %v", typed.Identifier, again.Deviations, err)
		}
	})
}

// TestSeveralHolders: a marriage certificate is held by two, a driving licence by one.
func TestSeveralHolders(t *testing.T) {
	t.Parallel()
	all := authority
	all.Categories = []catalogue.ID{4, 17, 87}
	first := licence.ApplicationHolder{Name: "张样例", IDType: "111", IDNumber: "340199190001010012"}
	second := licence.ApplicationHolder{Name: "李样例", IDType: "414", IDNumber: "E12345678"}
	var longNames []licence.ApplicationHolder
	for i := range 4 {
		longNames = append(longNames, licence.ApplicationHolder{Name: strings.Repeat("样", 80), IDType: "414", IDNumber: fmt.Sprint("E1234567", i)})
	}
	for _, tt := range []struct {
		name    string
		id      catalogue.ID
		holder  licence.ApplicationHolder
		holders []licence.ApplicationHolder
		fault   string
	}{
		{"one as holder", 17, first, nil, ""},
		{"one as holders", 17, licence.ApplicationHolder{}, []licence.ApplicationHolder{first}, ""},
		{"two", 17, licence.ApplicationHolder{}, []licence.ApplicationHolder{first, second}, ""},
		{"both forms", 17, first, []licence.ApplicationHolder{second}, "holders stands beside holder"},
		{"none", 17, licence.ApplicationHolder{}, nil, "holder.name is missing"},
		{"twice the same", 17, licence.ApplicationHolder{}, []licence.ApplicationHolder{first, first}, "holders[1].id_number stands twice"},
		{"a fault in the second", 17, licence.ApplicationHolder{}, []licence.ApplicationHolder{first, {Name: "李", IDType: "111", IDNumber: "340199190001010013"}}, "holders[1].id_number"},
		{"two drivers", 4, licence.ApplicationHolder{}, []licence.ApplicationHolder{first, second}, "holders are 2, and"},
		{"long names", 87, licence.ApplicationHolder{}, longNames, "holders have names of 3"},
		{"a crowd", 87, licence.ApplicationHolder{}, slices.Repeat([]licence.ApplicationHolder{second}, 21), "holders are 21, at most 20"},
	} {
		c, a := application(t, tt.id)
		a.Holder, a.Holders = tt.holder, tt.holders
		v, err := licence.Validate(a, c, &all, nil)
		switch {
		case tt.fault == "" && err != nil, tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.fault)
		case tt.fault == "" && len(v.Licence(identifier(t), licence.StatusRef{}, time.Now()).Holders) != max(1, len(tt.holders)):
			t.Errorf("%s: the licence has other holders", tt.name)
		}
	}
}

// TestReapply: a licence leads to the application that leads to it.
func TestReapply(t *testing.T) {
	t.Parallel()
	all := authority
	all.Categories = nil
	cat := load(t)
	for _, c := range cat.Categories() {
		all.Categories = append(all.Categories, c.ID)
	}
	for _, c := range cat.Categories() {
		_, a := application(t, c.ID)
		if c.Life.SeveralHolders {
			a.Holders, a.Holder = []licence.ApplicationHolder{a.Holder, {Name: "李样例", IDType: "414", IDNumber: "E12345678"}}, licence.ApplicationHolder{}
		}
		v, err := licence.Validate(a, c, &all, nil)
		if err != nil {
			t.Errorf("category %s: %v", c.ID, err)
			continue
		}
		first := v.Licence(identifier(t), licence.StatusRef{List: 1, Index: 2}, time.Unix(1700000000, 0))
		again, err := licence.Reapply(first, c, func(sum [sm3.Size]byte) ([]byte, error) {
			for ref, b := range v.Images() {
				if ref.SM3 == sum {
					return b, nil
				}
			}
			return nil, errors.New("no such picture")
		})
		if err != nil {
			t.Errorf("category %s: %v", c.ID, err)
			continue
		}
		w, err := licence.Validate(again, c, &all, nil)
		if err != nil {
			t.Errorf("category %s applied for again: %v", c.ID, err)
			continue
		}
		second := w.Licence(first.Identifier, first.Status, first.SignedAt)
		if !bytes.Equal(first.Payload(), second.Payload()) {
			t.Errorf("category %s applied for again is another licence", c.ID)
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	c, a := application(t, 4)
	v, err := licence.Validate(a, c, &authority, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := v.Licence(identifier(t), licence.StatusRef{}, time.Unix(1700000000, 0))
	got := make(map[string]string)
	for _, e := range licence.Metadata(l, c) {
		if _, twice := got[e.Code]; twice || e.NameZH == "" {
			t.Errorf("element %+v", e)
		}
		got[e.Code] = e.Value
	}
	for code, want := range map[string]string{
		"ZZMC": "机动车驾驶证", "ZZLXDM": "11100000000013127D903", "ZZBH": l.Number, "ZZBS": l.Identifier.String(), "ZZBFJG": authority.Name, "ZZBFJGDM": authority.USCC,
		"ZZBFRQ": l.IssueDay.String(), "CZZT": l.Holders[0].Name, "CZZTDM": l.Holders[0].IDNumber, "CZZTDMLX": "公民身份号码", "CZZTDMLXDM": "111",
		"ZZYXQQSRQ": l.FirstDay.String(), "ZZYXQJZRQ": l.LastDay.String(), "CJSJ": "2023-11-15 06:13:20", "KZ_vehicleClass": "C1",
	} {
		if got[code] != want {
			t.Errorf("%s is %q, want %q", code, got[code], want)
		}
	}
	l.LastDay = nil
	l.Holders = append(l.Holders, licence.Holder{Name: "李样例", IDType: "414", IDNumber: "E1"})
	for _, e := range licence.Metadata(l, c) {
		switch e.Code {
		case "ZZYXQJZRQ":
			if e.Value != "" {
				t.Errorf("the last day of a long-term licence is %q", e.Value)
			}
		case "CZZTDM":
			if want := l.Holders[0].IDNumber + "^E1"; e.Value != want {
				t.Errorf("two holders are %q, want %q", e.Value, want)
			}
		}
	}
}

func TestProposal(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0).UTC()
	digest := [32]byte{1}
	open := licence.Proposal{ID: licence.ProposalID{1}, Count: 2, Digest: digest, ProposedBy: "甲", ProposedAt: now, Expires: now.Add(licence.ProposalLife)}
	approved, err := open.Approve("乙", digest, now)
	if err != nil {
		t.Fatal(err)
	}
	done := approved
	done.Done = 2
	cancelled, err := open.Cancel("甲", now)
	if err != nil {
		t.Fatal(err)
	}
	late := now.Add(licence.ProposalLife)
	renamed := approved
	renamed.ApprovedAt, renamed.Holder = now.Add(time.Hour), &licence.HolderAct{Event: licence.EventRenamed, Name: "新样例"}
	for _, tt := range []struct {
		name   string
		p      licence.Proposal
		by     string
		digest [32]byte
		at     time.Time
		want   error
	}{
		{"by a second officer", open, "乙", digest, now, nil},
		{"by the first", open, "甲", digest, now, licence.ErrSamePerson},
		{"something else", open, "乙", [32]byte{2}, now, licence.ErrDigest},
		{"too late", open, "乙", digest, late, licence.ErrProposal},
		{"in the last second", open, "乙", digest, late.Add(-time.Second), nil},
		{"twice", approved, "丙", digest, now, licence.ErrProposal},
		{"done", done, "丙", digest, now, licence.ErrProposal},
		{"cancelled", cancelled, "乙", digest, now, licence.ErrProposal},
	} {
		if _, err := tt.p.Approve(tt.by, tt.digest, tt.at); !errors.Is(err, tt.want) {
			t.Errorf("approved %s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for _, tt := range []struct {
		p     licence.Proposal
		at    time.Time
		state licence.ProposalState
		ok    bool // it can be cancelled
	}{
		{open, now, licence.ProposalOpen, true},
		{open, late, licence.ProposalExpired, false},
		{approved, late, licence.ProposalApproved, true},
		{renamed, late, licence.ProposalApproved, true},
		{renamed, late.Add(time.Hour), licence.ProposalExpired, false},
		{renamed.Forget(), now, licence.ProposalExpired, false},
		{done, now, licence.ProposalDone, false},
		{cancelled, now, licence.ProposalCancelled, false},
	} {
		if got := tt.p.State(tt.at); got != tt.state {
			t.Errorf("the state is %s, want %s", got, tt.state)
		}
		if _, err := tt.p.Cancel("丙", tt.at); (err == nil) != tt.ok {
			t.Errorf("a proposal that is %s is cancelled: %v", tt.state, err)
		}
	}
	for _, s := range []string{"", "00", "0102030405060708X", "010203040506070G", "01020304050607AB"} {
		if id, err := licence.ParseProposalID(s); err == nil {
			t.Errorf("%q is read as %s", s, id)
		}
	}
	if id, err := licence.ParseProposalID(open.ID.String()); err != nil || id != open.ID {
		t.Errorf("%s, %v", id, err)
	}
}

func TestProposalDigest(t *testing.T) {
	t.Parallel()
	a := identifier(t)
	b := a
	b.Version = 2
	c := a
	c.Serial.Bucket = 1
	sorted := licence.SortIdentifiers([]licence.Identifier{b, a, c, b})
	if fmt.Sprint(sorted) != fmt.Sprint([]licence.Identifier{c, a, b}) || !slices.IsSortedFunc(sorted, func(x, y licence.Identifier) int { return strings.Compare(x.String(), y.String()) }) {
		t.Errorf("sorted: %v", sorted)
	}
	base := licence.ProposalDigest(licence.Revoke, licence.Penalty, "因", sorted)
	if want := sm3.Sum([]byte("revoke\npenalty\n3\n" + c.String() + "\n" + a.String() + "\n" + b.String() + "\n因")); base != want {
		t.Errorf("digest %x, want %x", base, want)
	}
	for name, other := range map[string][32]byte{
		"step":   licence.ProposalDigest(licence.Suspend, licence.Penalty, "因", sorted),
		"cause":  licence.ProposalDigest(licence.Revoke, licence.Judgment, "因", sorted),
		"reason": licence.ProposalDigest(licence.Revoke, licence.Penalty, "果", sorted),
		"list":   licence.ProposalDigest(licence.Revoke, licence.Penalty, "因", sorted[:2]),
	} {
		if other == base {
			t.Errorf("another %s has the same digest", name)
		}
	}
}

func TestUndoWindows(t *testing.T) {
	t.Parallel()
	a := authority
	for _, w := range []licence.UndoWindow{{Category: 4, Minutes: 30}, {Minutes: 5}, {Category: 4, Minutes: 0}, {Category: 66, Minutes: 60}} {
		if err := a.SetUndo(w); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[catalogue.ID]int{1: 5, 4: 0, 66: 60} {
		if got := a.UndoMinutes(id); got != want {
			t.Errorf("category %s waits %d minutes, want %d", id, got, want)
		}
	}
	if authority.UndoMinutes(1) != 0 || len(authority.Undo) != 0 {
		t.Error("the other authority has a window")
	}
	for _, bad := range []int{-1, licence.MaxUndoMinutes + 1} {
		if err := a.SetUndo(licence.UndoWindow{Minutes: bad}); err == nil {
			t.Errorf("a window of %d minutes is accepted", bad)
		}
	}
}

// TestRefusalsInChinese: a refused step says in Chinese where the licence stands and what
// cannot be done.
func TestRefusalsInChinese(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state licence.State
		step  licence.Step
		want  string
	}{
		{licence.Revoked, licence.Revoke, "证照已注销，不能注销"},
		{licence.Suspended, licence.Suspend, "证照已暂扣，不能暂扣"},
		{licence.Superseded, licence.Resume, "证照已换发，不能恢复"},
		{licence.Withdrawn, licence.Publish, "证照已撤回，不能发布"},
		{licence.Pending, licence.Supersede, "证照待发布，不能换发"},
		{licence.Active, licence.Withdraw, "证照有效，不能撤回"},
	} {
		_, err := tt.state.Next(tt.step)
		if got := bilingual.TextZH(err); got != tt.want || !errors.Is(err, licence.ErrStep) {
			t.Errorf("%s %s: %q, %v, want %q", tt.step, tt.state, got, err, tt.want)
		}
	}
	for _, step := range licence.Steps() {
		for _, state := range licence.States() {
			if _, err := state.Next(step); err != nil && strings.Contains(bilingual.TextZH(err), "未知") {
				t.Errorf("%s %s: %s", step, state, bilingual.Text(err))
			}
		}
	}
}
