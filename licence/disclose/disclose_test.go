package disclose_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/qr"
)

func TestProfiles(t *testing.T) {
	t.Parallel()
	all := newLicences(t)
	last := civil.Day(30000)
	for _, tt := range []struct {
		name     string
		category catalogue.ID
		change   func(*licence.Application)
		profile  disclose.Profile
		number   string
		holder   string
		id       string
		fields   []any
	}{
		{"a driver, full", 4, driver, disclose.Full, "34************0012", "张样例", "34************0012", []any{"C1", "正常"}},
		{"a driver, masked", 4, driver, disclose.Masked, "34************0012", "张**", "34************0012", []any{"C1", "正常"}},
		{"a driver, minimal", 4, driver, disclose.Minimal, "34************0012", "张**", "", []any{nil, nil}},
		{"a student, full", 65, student, disclose.Full, "103571202405001234", "欧阳样", "34************0012", []any{"样例大学", "法学", "本科", int64(civil.FromDate(date(2024, 6, 30)))}},
		{"a student, masked", 65, student, disclose.Masked, "103571202405001234", "欧**", "34************0012", []any{nil, nil, "本科", nil}},
		{"a student, minimal", 65, student, disclose.Minimal, "10************1234", "欧**", "", []any{nil, nil, nil, nil}},
		{"a company, full", 67, nil, disclose.Full, "", "", "", nil},
		{"a company, masked", 67, nil, disclose.Masked, "", "", "", nil},
	} {
		c, _ := all.catalogue.Category(tt.category)
		l := all.example(c, func(a *licence.Application) {
			a.ValidUntil = last.String()
			if tt.change != nil {
				tt.change(a)
			}
		})
		got := disclose.Summary(l, c, tt.profile)
		if tt.change == nil { // an organisation: masked is full
			whole := disclose.Summary(l, c, disclose.Full)
			if got.Holder != l.Holders[0].Name || got.MaskedID != l.Holders[0].IDNumber || got.Number != l.Number || !slices.Equal(got.Fields, whole.Fields) || slices.Contains(got.Fields, nil) {
				t.Errorf("%s: %+v", tt.name, got)
			}
			continue
		}
		if got.Number != tt.number || got.Holder != tt.holder || got.MaskedID != tt.id || !slices.Equal(got.Fields, tt.fields) ||
			got.Category != int(tt.category) || got.FirstDay != l.FirstDay || *got.LastDay != last || got.Status != l.Status.Packed() {
			t.Errorf("%s: %+v, want %s %s %s %v", tt.name, got, tt.number, tt.holder, tt.id, tt.fields)
		}
	}
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func driver(a *licence.Application) {
	a.Number, a.Holder = "340199190001010012", licence.ApplicationHolder{Name: "张样例", IDType: "111", IDNumber: "340199190001010012"}
	a.Fields["vehicleClass"], a.Fields["licenceStatus"] = licence.ApplicationValue{Text: "C1"}, licence.ApplicationValue{Text: "正常"}
}

func student(a *licence.Application) {
	a.Number, a.Holder = "103571202405001234", licence.ApplicationHolder{Name: "欧阳样", IDType: "111", IDNumber: "340199190001010012"}
	for code, text := range map[string]string{"schoolName": "样例大学", "major": "法学", "educationLevel": "本科", "graduationDate": "2024-06-30"} {
		a.Fields[code] = licence.ApplicationValue{Text: text}
	}
}

// TestNothingPersonalIsLeft: no masked profile of any category tells a person's name,
// number or anything that the catalogue calls sensitive.
func TestNothingPersonalIsLeft(t *testing.T) {
	t.Parallel()
	all := newLicences(t)
	for _, c := range all.catalogue.Categories() {
		l := all.example(c, nil)
		holder := l.Holders[0]
		for _, p := range disclose.Profiles() {
			s := disclose.Summary(l, c, p)
			texts := []string{s.Number, s.Holder, s.MaskedID}
			for _, f := range s.Fields {
				if text, ok := f.(string); ok {
					texts = append(texts, text)
				}
			}
			for _, text := range texts {
				if !holder.IDType.Public() && strings.Contains(text, holder.IDNumber) {
					t.Errorf("category %s, %s: the holder's number is told", c.ID, p)
				}
				if p != disclose.Full && !holder.IDType.Public() && strings.Contains(text, holder.Name) {
					t.Errorf("category %s, %s: the holder's name is told", c.ID, p)
				}
			}
			for i, f := range c.QRFields() {
				if f.Sensitive && s.Fields[i] != nil {
					t.Errorf("category %s, %s: %s is sensitive", c.ID, p, f.Code)
				}
			}
			c := &qr.Credential{SignedAt: now, Expires: now.Add(time.Hour), Summary: s}
			if _, err := c.Payload(); err != nil {
				t.Errorf("category %d, %s: %v", s.Category, p, err)
			}
		}
	}
}

func TestParseProfile(t *testing.T) {
	t.Parallel()
	for _, p := range disclose.Profiles() {
		if got, err := disclose.ParseProfile(string(p)); err != nil || got != p {
			t.Errorf("ParseProfile(%s) = %s, %v", p, got, err)
		}
	}
	for _, name := range []string{"", "Full", "all"} {
		if p, err := disclose.ParseProfile(name); err == nil {
			t.Errorf("ParseProfile(%q) = %s", name, p)
		}
	}
}

// fitCase is a category of four fields: text, a decimal, a date, and the holder's name.
var fitCase = &catalogue.Category{ID: 1, Fields: []catalogue.Field{
	{Code: "text", Type: catalogue.String, QR: true},
	{Code: "amount", Type: catalogue.Decimal, QR: true},
	{Code: "day", Type: catalogue.Date, QR: true},
	{Code: "holder", Type: catalogue.String, QR: true, MapsTo: catalogue.MapsHolderName},
}}

func fitCredential(s qr.Summary) *qr.Credential {
	s.Schema, s.Category = 1, 1
	return &qr.Credential{SignedAt: now, Expires: now.Add(time.Hour), Summary: s}
}

// TestFitOrder walks down from a limit at which all fits: what goes first, and what
// stays.
func TestFitOrder(t *testing.T) {
	t.Parallel()
	name, text, number := strings.Repeat("名", 30), strings.Repeat("文", 20), strings.Repeat("号", 20)
	whole := qr.Summary{Number: number, Holder: name, MaskedID: "91340000MA00000001", Fields: []any{text, "12345.67", int64(19000), name}}
	size := func(s qr.Summary) int {
		n, err := fitCredential(s).Size()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	at := func(limit int) (qr.Summary, bool) {
		c := fitCredential(whole)
		c.Summary.Fields = slices.Clone(whole.Fields)
		cut, err := disclose.Fit(c, fitCase, limit)
		if err != nil {
			t.Fatalf("limit %d: %v", limit, err)
		}
		if n := size(c.Summary); n > limit {
			t.Errorf("limit %d: %d bytes", limit, n)
		}
		return c.Summary, cut
	}
	all := size(whole)
	if s, cut := at(all); cut || !slices.Equal(s.Fields, whole.Fields) {
		t.Errorf("what fits is cut: %+v", s)
	}
	if s, cut := at(all - 1); cut || s.Fields[3] != nil || s.Fields[0] != text {
		t.Errorf("what is said twice: cut %t, %+v", cut, s)
	}
	seen := make(map[string]bool)
	longest := utf8.RuneCountInString(text)
	for limit := all - 1; ; limit-- {
		c := fitCredential(whole)
		cut, err := disclose.Fit(c, fitCase, limit)
		if errors.Is(err, disclose.ErrTooLong) {
			break
		}
		s := c.Summary
		if err != nil || whole.Fields[0] != text || s.Fields[2] != int64(19000) {
			t.Fatalf("limit %d: %v, %+v", limit, err, s)
		}
		if a := s.Fields[1]; a != "12345.67" && a != "…" {
			t.Errorf("limit %d: the amount became %v", limit, a)
		}
		field := s.Fields[0].(string)
		if n := utf8.RuneCountInString(field); n > longest || (field != text) != strings.HasSuffix(field, "…") {
			t.Errorf("limit %d: the text grew or lost its ellipsis: %s", limit, field)
		} else {
			longest = n
		}
		switch {
		case s.MaskedID != whole.MaskedID:
			seen["id"] = true
			if s.Number == number || s.Holder == name {
				t.Errorf("limit %d: the id was cut before the number or the name", limit)
			}
		case s.Number != number:
			seen["number"] = true
			if s.Holder == name || utf8.RuneCountInString(s.Holder) != 6 {
				t.Errorf("limit %d: the number was cut before the name: %+v", limit, s)
			}
		case s.Holder != name:
			seen["name"] = true
			if field != "…" {
				t.Errorf("limit %d: the name was cut before the fields: %+v", limit, s)
			}
		case field != text:
			seen["field"] = true
		}
		if cut != (field != text) {
			t.Errorf("limit %d: cut %t, %+v", limit, cut, s)
		}
	}
	for _, what := range []string{"id", "number", "name", "field"} {
		if !seen[what] {
			t.Errorf("no limit cuts the %s", what)
		}
	}
}

// TestFitTwice: what was cut once is not cut again, and says the same whoever cuts it.
func TestFitTwice(t *testing.T) {
	t.Parallel()
	all := newLicences(t)
	c, _ := all.catalogue.Category(67)
	l := all.longest(c)
	one, other := fitCredential(disclose.Summary(l, c, disclose.Full)), fitCredential(disclose.Summary(l, c, disclose.Full))
	for _, credential := range []*qr.Credential{one, other} {
		if cut, err := disclose.Fit(credential, c, qr.MaxPaper); err != nil || !cut {
			t.Fatalf("cut %t, %v", cut, err)
		}
	}
	if one.Summary.Holder != other.Summary.Holder || !slices.Equal(one.Summary.Fields, other.Summary.Fields) {
		t.Errorf("%+v and %+v", one.Summary, other.Summary)
	}
	before := one.Summary.Fields
	if cut, err := disclose.Fit(one, c, qr.MaxPaper); err != nil || cut || !slices.Equal(one.Summary.Fields, before) {
		t.Errorf("cut again: %t, %v", cut, err)
	}
}

// TestFourByteNames: the rarest characters take four bytes and fit all the same.
func TestFourByteNames(t *testing.T) {
	t.Parallel()
	rare := strings.Repeat("𠮷", 300)
	c := fitCredential(qr.Summary{Number: rare[:200], Holder: rare, MaskedID: strings.Repeat("9", 50), Fields: []any{rare, strings.Repeat("9", 20), int64(2932896), rare}})
	if cut, err := disclose.Fit(c, fitCase, qr.MaxDeviceCredential-40); err != nil || !cut { // a device key takes 40
		t.Errorf("cut %t, %v", cut, err)
	}
	if _, err := c.Payload(); err != nil {
		t.Error(err)
	}
}

func TestChooseFits(t *testing.T) {
	t.Parallel()
	all := newLicences(t)
	c, _ := all.catalogue.Category(67)
	whole := disclose.Summary(all.longest(c), c, disclose.Full)
	chosen, cut, err := disclose.Choose(whole, c, qr.Choice{Number: true})
	if err != nil || cut || chosen.Number != whole.Number || chosen.Holder != "" {
		t.Errorf("what is not shown was cut for: %t, %v, %+v", cut, err, chosen)
	}
	chosen, cut, err = disclose.Choose(whole, c, qr.Choice{Holder: true, Fields: []bool{true}})
	if err != nil || !cut || !strings.HasSuffix(chosen.Holder, "…") && !strings.HasSuffix(chosen.Fields[0].(string), "…") || chosen.Number != "" {
		t.Errorf("%t, %v, %+v", cut, err, chosen)
	}
}

// TestChooseKeepsWhatIsChosen: what is left out because it is said elsewhere is only left
// out where that is shown.
func TestChooseKeepsWhatIsChosen(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("文", 200)
	whole := qr.Summary{
		Schema: 1, Category: 1, Number: "34************0012", Holder: "张样例", MaskedID: "34************0012", FirstDay: 19000,
		Fields: []any{long, nil, int64(19000), "张样例"},
	}
	fields := []bool{true, true, true, true}
	for _, tt := range []struct {
		name   string
		choice qr.Choice
		id     string
		holder any
	}{
		{"the id without the number", qr.Choice{MaskedID: true, Fields: fields}, whole.MaskedID, "张样例"},
		{"the id beside the number", qr.Choice{MaskedID: true, Number: true, Fields: fields}, "", "张样例"},
		{"the name's field beside the name", qr.Choice{Holder: true, MaskedID: true, Fields: fields}, whole.MaskedID, nil},
	} {
		chosen, cut, err := disclose.Choose(whole, fitCase, tt.choice)
		if err != nil || !cut || chosen.MaskedID != tt.id || chosen.Fields[3] != tt.holder || chosen.Fields[2] != int64(19000) {
			t.Errorf("%s: %+v, %t, %v", tt.name, chosen, cut, err)
		}
	}
	// A holder's field that says something else than the name stays.
	whole.Fields[3] = "李样例"
	if chosen, _, err := disclose.Choose(whole, fitCase, qr.Choice{Holder: true, Fields: fields}); err != nil || chosen.Fields[3] != "李样例" {
		t.Errorf("%+v, %v", chosen, err)
	}
}
