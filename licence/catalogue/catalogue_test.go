package catalogue

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func load(tb testing.TB) *Catalogue {
	tb.Helper()
	c, err := Load()
	if err != nil {
		tb.Fatalf("Load: %v", err)
	}
	return c
}

func TestLoad(t *testing.T) {
	t.Parallel()
	c := load(t)
	if got := len(c.Categories()); got != 195 {
		t.Errorf("%d categories, want 195", got)
	}
	fields, official := 0, 0
	for _, category := range c.Categories() {
		fields += len(category.Fields)
		if category.CodeOfficial {
			official++
		}
		if got, ok := c.Category(category.ID); !ok || got != category {
			t.Errorf("Category(%s) = %v, %v", category.ID, got, ok)
		}
	}
	if fields != 1333 {
		t.Errorf("%d fields, want 1333", fields)
	}
	if official != 19 {
		t.Errorf("%d official type codes, want 19", official)
	}
	if _, ok := c.Category(196); ok {
		t.Error("category 196 exists")
	}
	if _, ok := c.Category(0); ok {
		t.Error("category 0 exists")
	}
}

// TestFaults breaks one thing at a time in the real files.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		inFields        bool
		old, new, fault string
	}{
		{"header", false, "id,code,", "no,code,", "categories.csv line 1: header row"},
		{"gap in the ids", false, "\n002,", "\n003,", "categories.csv line 3: id 003, want 002"},
		{"type code of another agency", false, "11100000000013127D001", "11100000000013338W001", "categories.csv line 2: code"},
		{"agency code with a wrong check", false, "公安部,11100000000013127D", "公安部,11100000000013127E", "defining_agency_uscc"},
		{"level", false, "official,county,公安", "official,village,公安", "issuing_level \"village\""},
		{"validity", false, ",P6Y/P10Y/long-term,", ",P6Y/P10W/long-term,", "validity \"P10W\""},
		{"age gap", false, "16-25 P10Y", "17-25 P10Y", "leaves a gap"},
		{"pattern without anchor", false, `"^\d{9,12}$"`, `"\d{9,12}$"`, "not anchored"},
		{"pattern against its example", false, `"^\d{9,12}$"`, `"^\d{10,12}$"`, "number_example does not match"},
		{"alias of two categories", false, ",暂住证;", ",户口本;", "already belongs to category 002"},
		{"missing column", false, ",户口本,", ",", "wrong number of fields"},
		{"quote that is not closed", false, `"^\d{9,12}$"`, `"^\d{9,12}$`, "categories.csv line"},
		{"quote in the first row", true, "\n001,1,", "\n\"\"x,1,", "fields.csv line 2: extraneous or missing \" in quoted-field"},
		{"field of no category", true, "\n002,1,", "\n999,1,", "id \"999\" is not a category"},
		{"field out of sequence", true, "\n001,2,", "\n001,5,", "fields.csv line 3: seq \"5\", want 2"},
		{"field twice", true, "\n001,2,ethnicity", "\n001,2,gender", "field_code \"gender\""},
		{"type", true, "Gender,enum", "Gender,colour", "type \"colour\""},
		{"example of another form", true, "1900-01-01,", "1900-13-01,", "example is not a date"},
		{"example outside the enum", true, "男|女,yes,no,男,", "男|女,yes,no,其他,", "example is not one of"},
		{"sensitive in the code", true, "男|女,yes,no,男,", "男|女,yes,yes,男,", "may not be in the code"},
		{"mapping", true, "yes,no,男,\n", "yes,no,男,colour\n", "maps_to \"colour\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			categories, fields := categoriesCSV, fieldsCSV
			broken := &categories
			if tt.inFields {
				broken = &fields
			}
			if !bytes.Contains(*broken, []byte(tt.old)) {
				t.Fatalf("the files do not hold %q", tt.old)
			}
			*broken = bytes.Replace(*broken, []byte(tt.old), []byte(tt.new), 1)
			_, err := Parse(bytes.NewReader(categories), bytes.NewReader(fields))
			if !errors.Is(err, ErrFaulty) || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("Parse = %v, want ErrFaulty with %q", err, tt.fault)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	categories := bytes.Replace(categoriesCSV, []byte("official,county,公安"), []byte("official,village,公安"), 1)
	fields := bytes.Replace(fieldsCSV, []byte("Gender,enum"), []byte("Gender,colour"), 1)
	_, err := Parse(bytes.NewReader(categories), bytes.NewReader(fields))
	for _, want := range []string{"village", "colour"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse = %v, want %q in it", err, want)
		}
	}
}

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestLastDay(t *testing.T) {
	t.Parallel()
	const perAge = "per-age:<16 P5Y;16-25 P10Y;26-45 P20Y;>=46 long-term"
	for _, tt := range []struct{ name, rule, from, birth, want string }{
		{"one year", "P1Y", "2024-03-01", "", "2025-02-28"},
		{"leap day", "P1Y", "2024-02-29", "", "2025-02-28"},
		{"five years", "P5Y", "2024-01-01", "", "2028-12-31"},
		{"months", "P6M", "2024-01-15", "", "2024-07-14"},
		{"one day", "P1D", "2024-01-15", "", "2024-01-15"},
		{"shortest of several", "P6Y/P10Y/long-term", "2024-01-01", "", "2029-12-31"},
		{"long-term", "long-term", "2024-01-01", "", ""},
		{"as printed", "variable", "2024-01-01", "", ""},
		{"child", perAge, "2024-01-01", "2010-06-01", "2028-12-31"},
		{"day before the 16th birthday", perAge, "2026-05-31", "2010-06-01", "2031-05-30"},
		{"16th birthday", perAge, "2026-06-01", "2010-06-01", "2036-05-31"},
		{"adult", perAge, "2024-01-01", "1990-01-01", "2043-12-31"},
		{"46", perAge, "2024-01-01", "1970-01-01", ""},
		{"unknown age", perAge, "2024-01-01", "", "2028-12-31"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := parseValidity(tt.rule)
			if err != nil {
				t.Fatal(err)
			}
			var birth time.Time
			if tt.birth != "" {
				birth = day(tt.birth)
			}
			got := ""
			if last := v.LastDay(day(tt.from), birth); !last.IsZero() {
				got = last.Format(time.DateOnly)
			}
			if got != tt.want {
				t.Errorf("LastDay(%s, %s) under %q = %q, want %q", tt.from, tt.birth, tt.rule, got, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field Field
		good  []string
		bad   []string
	}{
		{Field{Type: String, MaxLen: 4}, []string{"张样例", "龘䶮"}, []string{"", "一二三四五", "a\nb", " a", "a\u200bb"}},
		{Field{Type: Text, MaxLen: 10}, []string{"一\n二"}, []string{"", "a\tb", "01234567890"}},
		{Field{Type: Date, MaxLen: 10}, []string{"2024-02-29", "1900-01-01"}, []string{"2023-02-29", "2024-2-9", "20240209", "1849-12-31"}},
		{Field{Type: Integer, MaxLen: 3}, []string{"0", "-12", "120"}, []string{"01", "+1", "1.0", "1e3", "1234", "\uff11\uff12"}},
		{Field{Type: Decimal, MaxLen: 8}, []string{"0.10", "-3", "12.3456"}, []string{".5", "5.", "1,000", "NaN"}},
		{Field{Type: Money, MaxLen: 20}, []string{"1000000.00", "5"}, []string{"1.005", "¥5"}},
		{Field{Type: Enum, Enum: []string{"男", "女"}}, []string{"男"}, []string{"男|女", "M"}},
		{Field{Type: Region, MaxLen: 6}, []string{"340100"}, []string{"34010", "034010"}},
		{Field{Type: IDNumber, MaxLen: 18}, []string{"11010519491231002X"}, []string{"110105194912310021"}},
		{Field{Type: USCC, MaxLen: 18}, []string{"11100000000013338W"}, []string{"11100000000013338X"}},
	} {
		for _, v := range tt.good {
			if err := tt.field.Check(v); err != nil {
				t.Errorf("%s: Check(%q) = %v, want nil", tt.field.Type, v, err)
			}
		}
		for _, v := range tt.bad {
			err := tt.field.Check(v)
			if !errors.Is(err, ErrBadValue) {
				t.Errorf("%s: Check(%q) = %v, want ErrBadValue", tt.field.Type, v, err)
			}
			if len(v) > 5 && tt.field.Type != Enum && err != nil && strings.Contains(err.Error(), v) {
				t.Errorf("%s: the error repeats the value: %v", tt.field.Type, err)
			}
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]ID{"001": 1, "195": 195} {
		if got, err := ParseID(s); err != nil || got != want {
			t.Errorf("ParseID(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "1", "0001", "000", "-01", "+12", "1 2", "abc"} {
		if id, err := ParseID(s); err == nil {
			t.Errorf("ParseID(%q) = %v, want an error", s, id)
		}
	}
}

func FuzzParse(f *testing.F) {
	head := func(b []byte, lines int) string {
		return strings.Join(strings.SplitAfter(string(b), "\n")[:lines], "")
	}
	f.Add(head(categoriesCSV, 3), head(fieldsCSV, 6))
	f.Add(head(categoriesCSV, 2), "")
	f.Add("", "id\n")
	f.Add("id,code\n\"", "\xff")
	f.Fuzz(func(t *testing.T, categories, fields string) {
		c, err := Parse(strings.NewReader(categories), strings.NewReader(fields))
		if err != nil {
			if !errors.Is(err, ErrFaulty) {
				t.Errorf("error %v does not wrap ErrFaulty", err)
			}
			return
		}
		for _, category := range c.Categories() {
			if !category.MatchesNumber(category.NumberExample) {
				t.Errorf("category %s is accepted with an example its pattern refuses", category.ID)
			}
		}
	})
}
