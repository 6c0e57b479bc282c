package licence_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

var authority = licence.Authority{
	USCC: "11340000XN0000012E", Name: "安徽省测试局", Region: "340000", Level: catalogue.Province, Categories: []catalogue.ID{1, 4, 66, 178},
}

func load(tb testing.TB) *catalogue.Catalogue {
	tb.Helper()
	c, err := catalogue.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// application returns a category and a valid application for it.
func application(tb testing.TB, id catalogue.ID) (*catalogue.Category, *licence.Application) {
	tb.Helper()
	c, ok := load(tb).Category(id)
	if !ok {
		tb.Fatalf("no category %s", id)
	}
	pictures, err := sample.Draw()
	if err != nil {
		tb.Fatal(err)
	}
	return c, sample.Application(c, pictures, 20000)
}

func valid(tb testing.TB, id catalogue.ID) *licence.Valid {
	tb.Helper()
	c, a := application(tb, id)
	v, err := licence.Validate(a, c, &authority, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func identifier(tb testing.TB) licence.Identifier {
	tb.Helper()
	id, err := licence.NewIdentifier("11100000000013127D903", authority.USCC, licence.Serial{Bucket: 0xABC, Random: [licence.RandomSize]byte{1, 2, 3}}, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func TestIdentifier(t *testing.T) {
	t.Parallel()
	id := identifier(t)
	const want = "1.2.156.3005.2.11100000000013127D903.11340000XN0000012E.ABC04106000000000000.001."
	text := id.String()
	if !strings.HasPrefix(text, "1.2.156.3005.2.11100000000013127D903.11340000XN0000012E.ABC0410") || len(text) != len("1.2.156.3005.2.")+21+1+18+1+19+1+3+1+1 {
		t.Errorf("String = %s, want like %s", text, want)
	}
	back, err := licence.ParseIdentifier(text)
	if err != nil || back != id {
		t.Errorf("ParseIdentifier = %+v, %v, want %+v", back, err, id)
	}
	for i := range text {
		for _, c := range []byte("07AZ.") {
			if c == text[i] {
				continue
			}
			if got, err := licence.ParseIdentifier(text[:i] + string(c) + text[i+1:]); err == nil && got == id {
				t.Errorf("character %d changed to %c is the same identifier", i, c)
			}
		}
	}
	for name, bad := range map[string]string{
		"empty":                "",
		"another root":         strings.Replace(text, "3005.2", "3005.3", 1),
		"wrong check":          text[:len(text)-1] + string('0'+(text[len(text)-1]-'0'+1)%10),
		"version 0":            strings.Replace(text, ".001.", ".000.", 1),
		"version of two":       strings.Replace(text, ".001.", ".01.", 1),
		"lower case":           strings.ToLower(text),
		"a part too many":      text + ".X",
		"a foreign serial":     "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
		"issuer that is none":  strings.Replace(text, authority.USCC, "11340000XN0000012F", 1),
		"serial out of base32": strings.Replace(text, "ABC0", "ABCZ", 1),
	} {
		if got, err := licence.ParseIdentifier(bad); !errors.Is(err, licence.ErrBadIdentifier) {
			t.Errorf("%s: ParseIdentifier(%s) = %+v, %v, want ErrBadIdentifier", name, bad, got, err)
		}
	}
}

// TestEveryCategoryValidates: the catalogue's examples pass the checks in all 195.
func TestEveryCategoryValidates(t *testing.T) {
	t.Parallel()
	all := authority
	all.Categories = nil
	for _, c := range load(t).Categories() {
		all.Categories = append(all.Categories, c.ID)
	}
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range load(t).Categories() {
		if _, err := licence.Validate(sample.Application(c, pictures, 20000), c, &all, nil); err != nil {
			t.Errorf("category %s %s: %v", c.ID, c.NameZH, err)
		}
	}
}

func text(s string) licence.ApplicationValue { return licence.ApplicationValue{Text: s} }

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		category catalogue.ID
		change   func(*licence.Application)
		field    string
		reason   string
	}{
		{"issuer", 4, func(a *licence.Application) { a.Issuer = "11100000000013338W" }, "issuer", "is not"},
		{"no name", 4, func(a *licence.Application) { a.Holder.Name = "" }, "holder.name", "is missing"},
		{"long name", 4, func(a *licence.Application) { a.Holder.Name = strings.Repeat("长", 301) }, "holder.name", "301 characters"},
		{"hidden character", 4, func(a *licence.Application) { a.Holder.Name = "张\u202e三" }, "holder.name", "U+202E"},
		{"no id type", 4, func(a *licence.Application) { a.Holder.IDType = "" }, "holder.id_type", "is missing"},
		{"unknown id type", 4, func(a *licence.Application) { a.Holder.IDType = "112" }, "holder.id_type", "not a code of GB/T 36903"},
		{"a company drives", 4, func(a *licence.Application) { a.Holder.IDType, a.Holder.IDNumber = "001", sample.USCC }, "holder.id_type", "is not held by a legal person"},
		{"citizen number", 4, func(a *licence.Application) { a.Holder.IDNumber = "340199190001010013" }, "holder.id_number", "check character"},
		{"passport", 4, func(a *licence.Application) { a.Holder.IDType, a.Holder.IDNumber = "414", "E 123" }, "holder.id_number", "1 to 50"},
		{"company code", 66, func(a *licence.Application) { a.Holder.IDNumber = "91340199XN0000012R" }, "holder.id_number", "check character"},
		{"no number", 4, func(a *licence.Application) { a.Number = "" }, "number", "is missing"},
		{"number of another form", 4, func(a *licence.Application) { a.Number = "123" }, "number", "is not a number of"},
		{"somebody else's number", 4, func(a *licence.Application) { a.Number = "340199190002010022" }, "number", "holder's citizen number"},
		{"no issue date", 4, func(a *licence.Application) { a.IssueDate = "" }, "issue_date", "is missing"},
		{"no such day", 4, func(a *licence.Application) { a.IssueDate = "2023-02-29" }, "issue_date", "is not a date"},
		{"ends before it begins", 4, func(a *licence.Application) { a.ValidUntil = "2000-01-01" }, "valid_until", "before valid_from"},
		{"odd end", 4, func(a *licence.Application) { a.ValidUntil = "forever" }, "valid_until", "is not a date"},
		{"field missing", 4, func(a *licence.Application) { delete(a.Fields, "vehicleClass") }, "fields.vehicleClass", "is missing"},
		{"field unknown", 4, func(a *licence.Application) { a.Fields["colour"] = text("red") }, "fields.colour", "is not a field of category 004"},
		{"field of another form", 4, func(a *licence.Application) { a.Fields["birthDate"] = text("1900-13-01") }, "fields.birthDate", "is not a date"},
		{"number out of range", 4, func(a *licence.Application) { a.Fields["accumulatedPoints"] = text("123") }, "fields.accumulatedPoints", "3 characters"},
		{"enum", 4, func(a *licence.Application) { a.Fields["vehicleClass"] = text("Z9") }, "fields.vehicleClass", "is not one of"},
		{"mapped field that differs", 66, func(a *licence.Application) { a.Fields["enterpriseName"] = text("另一家") }, "fields.enterpriseName", "differs from"},
		{"picture that is none", 4, func(a *licence.Application) { a.Fields["photo"] = text("aGVsbG8=") }, "fields.photo", "is not a JPEG or PNG"},
		{"picture not in base64", 4, func(a *licence.Application) { a.Fields["photo"] = text("!") }, "fields.photo", "is not base64"},
		{"picture as a file over the API", 4, func(a *licence.Application) {
			a.Fields["photo"] = licence.ApplicationValue{File: "/etc/passwd"}
		}, "fields.photo", "must be given as base64"},
		{"no picture", 4, func(a *licence.Application) { delete(a.Fields, "photo") }, "fields.photo", "is missing"},
		{"a file where text belongs", 4, func(a *licence.Application) {
			a.Fields["vehicleClass"] = licence.ApplicationValue{File: "x"}
		}, "fields.vehicleClass", "is not an image"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, a := application(t, tt.category)
			tt.change(a)
			_, err := licence.Validate(a, c, &authority, nil)
			var invalid *licence.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("Validate = %v, want an InvalidError", err)
			}
			for _, f := range invalid.Faults {
				if f.Field == tt.field && strings.Contains(f.Reason, tt.reason) {
					return
				}
			}
			t.Errorf("faults %v, want %s %s", invalid.Faults, tt.field, tt.reason)
		})
	}
}

// TestAllFaultsAtOnce: every fault is reported, and no value is repeated.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	c, a := application(t, 4)
	a.Holder = licence.ApplicationHolder{Name: "秘密\n姓名", IDType: "111", IDNumber: "340199199003070000"}
	a.Number, a.IssueDate = "秘密编号", "昨天"
	a.Fields = map[string]licence.ApplicationValue{"gender": text("秘密性别"), "x": text("1"), "y": text("2")}
	_, err := licence.Validate(a, c, &authority, nil)
	var invalid *licence.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Faults) < 12 {
		t.Fatalf("Validate = %v, want at least 12 faults", err)
	}
	for _, secret := range []string{"秘密", "340199199003070000", "昨天"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats %s: %v", secret, err)
		}
	}
	other := authority
	other.Categories = []catalogue.ID{1}
	if _, err := licence.Validate(a, c, &other, nil); err == nil || !strings.Contains(err.Error(), "may not issue category 004") {
		t.Errorf("an authority that does not issue the category: %v", err)
	}
}

func TestCommonParts(t *testing.T) {
	t.Parallel()
	c, a := application(t, 66)
	a.IssueDate, a.ValidFrom, a.ValidUntil = "2024-01-05", "2024-02-01", "长期"
	v, err := licence.Validate(a, c, &authority, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := v.Licence(identifier(t), licence.StatusRef{}, time.Unix(1, 0))
	for code, want := range map[string]string{
		"enterpriseName": sample.Company, "unifiedSocialCreditCode": sample.USCC, "businessTermFrom": "2024-02-01", "businessTermTo": "长期",
		"registrationAuthority": authority.Name,
	} {
		f, ok := c.Field(code)
		if !ok {
			t.Fatalf("category 066 has no field %s", code)
		}
		if got := l.Fields[code].Text(f); got != want {
			t.Errorf("%s = %q, want %q", code, got, want)
		}
	}
}

func TestLastDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, until, want string
	}{
		{"by the rule", "", "2029-12-31"}, // P6Y is the shortest
		{"given", "2027-01-01", "2027-01-01"},
		{"long-term in Chinese", "长期", ""},
		{"long-term", "long-term", ""},
	} {
		c, a := application(t, 4)
		a.IssueDate, a.ValidFrom, a.ValidUntil = "2024-01-01", "", tt.until
		v, err := licence.Validate(a, c, &authority, nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got := ""
		if last := v.Licence(identifier(t), licence.StatusRef{}, time.Unix(1, 0)).LastDay; last != nil {
			got = last.String()
		}
		if got != tt.want {
			t.Errorf("%s: last day %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSignedForm(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	l := valid(t, 4).Licence(identifier(t), licence.StatusRef{List: 3, Index: 77}, time.Date(2024, 5, 1, 8, 0, 0, 999, time.UTC))
	signed, err := licence.Sign(l, key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := licence.Open(signed, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if got.Number != l.Number || got.Holders[0] != l.Holders[0] || got.Status != l.Status || !got.SignedAt.Equal(l.SignedAt) || got.Identifier != l.Identifier ||
		*got.LastDay != *l.LastDay || len(got.Fields) != len(l.Fields) {
		t.Errorf("read back %+v, want %+v", got, l)
	}
	for code, want := range l.Fields {
		if got.Fields[code] != want {
			t.Errorf("field %s is read back as %+v, want %+v", code, got.Fields[code], want)
		}
	}
	if m, err := cose.Parse(signed); err != nil || !bytes.Equal(m.Payload, got.Payload()) {
		t.Error("the payload is not encoded in one way")
	}
	if _, err := licence.Open(signed, pkitest.NewKey(t).Public()); !errors.Is(err, licence.ErrNotSigned) {
		t.Errorf("under another key: %v, want ErrNotSigned", err)
	}
	if kid, err := licence.KeyHint(signed); err != nil || kid != key.Public().KID() {
		t.Errorf("KeyHint = %s, %v", kid, err)
	}
	for i := 0; i < len(signed); i += 7 {
		wrong := bytes.Clone(signed)
		wrong[i] ^= 0x04
		if _, err := licence.Open(wrong, key.Public()); err == nil {
			t.Errorf("byte %d can be changed", i)
		}
	}
	// A code's signature is not a licence's.
	code, err := cose.Sign(pki.ObjectCodeLicence, key, got.Payload())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := licence.Open(code, key.Public()); !errors.Is(err, licence.ErrNotSigned) {
		t.Errorf("signed as a code: %v, want ErrNotSigned", err)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		category catalogue.ID
		number   string
		holder   licence.Holder
		want     string
		id       string
	}{
		{"is the citizen number", 1, "340199190001010012", licence.Holder{IDType: "111", IDNumber: "340199190001010012"}, "34************0012", "34************0012"},
		{"contains it", 50, "201034110340199190001010012", licence.Holder{IDType: "111", IDNumber: "340199190001010012"}, "20103411034************0012", "34************0012"},
		{"with a prefix", 110, "T340199190001010012", licence.Holder{IDType: "111", IDNumber: "340199190001010012"}, "T34************0012", "34************0012"},
		{"under another document", 4, "340199190001010012", licence.Holder{IDType: "414", IDNumber: "E12345678"}, "34************0012", "E1***5678"},
		{"a company's", 66, "91340199XN0000012Q", licence.Holder{IDType: "001", IDNumber: "91340199XN0000012Q"}, "91340199XN0000012Q", "91340199XN0000012Q"},
		{"without a citizen number", 79, "皖DA9990001", licence.Holder{IDType: "001", IDNumber: "91340199XN0000012Q"}, "皖DA9990001", "91340199XN0000012Q"},
		{"the holder's number in any category", 79, "皖340199190001010012号", licence.Holder{IDType: "111", IDNumber: "340199190001010012"}, "皖34************0012号", "34************0012"},
	} {
		l := &licence.Licence{Category: tt.category, Number: tt.number, Holders: []licence.Holder{tt.holder}}
		if got := l.MaskedNumber(); got != tt.want {
			t.Errorf("%s: MaskedNumber = %q, want %q", tt.name, got, tt.want)
		}
		if got := tt.holder.MaskedID(); got != tt.id {
			t.Errorf("%s: MaskedID = %q, want %q", tt.name, got, tt.id)
		}
	}
}

func TestParseApplication(t *testing.T) {
	t.Parallel()
	a, err := licence.ParseApplication([]byte(`{"number":"N","holder":{"name":"张","id_type":"111","id_number":"1"},"issue_date":"2024-01-01",
		"fields":{"a":"text","b":12,"c":1.50,"d":{"file":"x.jpg"},"e":"北\u4eac"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]licence.ApplicationValue{"a": text("text"), "b": text("12"), "c": text("1.50"), "d": {File: "x.jpg"}, "e": text("北京")} {
		if a.Fields[code] != want {
			t.Errorf("%s = %+v, want %+v", code, a.Fields[code], want)
		}
	}
	deep := strings.Repeat(`{"fields":`, 20) + "1" + strings.Repeat("}", 20)
	for name, bad := range map[string]string{
		"empty":                  "",
		"not an object":          `[]`,
		"an unknown name":        `{"colour":1}`,
		"a name twice":           `{"number":"1","number":"2"}`,
		"a field twice":          `{"fields":{"a":"1","a":"2"}}`,
		"number of another type": `{"number":1}`,
		"another encoding":       "{\"number\":\"\xcd\xee\"}",
		"something behind":       `{} {}`,
		"cut off":                `{"number":"1"`,
		"too deep":               deep,
		"too large":              `{"number":"` + strings.Repeat("1", licence.MaxApplicationSize) + `"}`,
	} {
		if a, err := licence.ParseApplication([]byte(bad)); err == nil {
			t.Errorf("%s: ParseApplication = %+v, want an error", name, a)
		}
	}
}

func TestAuthority(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*licence.Authority){
		"code":                func(a *licence.Authority) { a.USCC = "11340000XN0000012F" },
		"no name":             func(a *licence.Authority) { a.Name = "" },
		"odd name":            func(a *licence.Authority) { a.Name = "a\u200bb" },
		"region":              func(a *licence.Authority) { a.Region = "34" },
		"level":               func(a *licence.Authority) { a.Level = "village" },
		"no categories":       func(a *licence.Authority) { a.Categories = nil },
		"categories unsorted": func(a *licence.Authority) { a.Categories = []catalogue.ID{4, 1} },
	} {
		a := authority
		change(&a)
		if err := a.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := authority.Check(); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if !authority.MayIssue(66) || authority.MayIssue(67) {
		t.Error("MayIssue is wrong about 066 or 067")
	}
}

// TestWrongJSONTypesAreFaultsOfTheirFields: one value of a wrong type does not hide
// the faults of all others.
func TestWrongJSONTypesAreFaultsOfTheirFields(t *testing.T) {
	t.Parallel()
	c, _ := application(t, 4)
	for name, value := range map[string]string{
		"true": `true`, "null": `null`, "a list": `[1]`, "a file with more": `{"file":"x","y":1}`, "a file without a name": `{}`,
	} {
		a, err := licence.ParseApplication([]byte(`{"number":"","fields":{"vehicleClass":` + value + `,"photo":` + value + `}}`))
		if err != nil {
			t.Errorf("%s: %v, want it among the faults", name, err)
			continue
		}
		_, err = licence.Validate(a, c, &authority, nil)
		var invalid *licence.InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v, want an InvalidError", name, err)
			continue
		}
		reasons := make(map[string]string)
		for _, f := range invalid.Faults {
			reasons[f.Field] = fmt.Sprint(f.Reason)
		}
		for _, field := range []string{"fields.vehicleClass", "fields.photo"} {
			if !strings.Contains(reasons[field], `{"file": path}`) {
				t.Errorf("%s: %s: %q does not say what a value may be", name, field, reasons[field])
			}
		}
		if reasons["number"] == "" {
			t.Errorf("%s: the fault of the number is missing", name)
		}
	}
}

func FuzzParseApplication(f *testing.F) {
	key := pkitest.NewKey(f)
	f.Add([]byte(`{"number":"N","holder":{"name":"张","id_type":"111","id_number":"1"},"issue_date":"2024-01-01","fields":{"a":"text","b":12,"d":{"file":"x"}}}`))
	f.Add([]byte(`{"fields":{"a":{"file":1}}}`))
	c, ok := load(f).Category(4)
	if !ok {
		f.Fatal("no category 004")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := licence.ParseApplication(b)
		if err != nil {
			return
		}
		if v, err := licence.Validate(a, c, &authority, nil); err == nil {
			signed, err := licence.SignUnchecked(v.Licence(identifier(t), licence.StatusRef{}, time.Unix(1, 0)), key)
			if err != nil {
				t.Fatal(err)
			}
			// What is written item by item is read, and compared with itself, by a library.
			if _, err := licence.Open(signed, key.Public()); err != nil {
				t.Errorf("the signed form of a valid application is not read: %v", err)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	key := pkitest.NewKey(f)
	signed, err := licence.Sign(valid(f, 66).Licence(identifier(f), licence.StatusRef{List: 1}, time.Unix(1700000000, 0)), key)
	if err != nil {
		f.Fatal(err)
	}
	m, err := cose.Parse(signed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Payload)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		signed, err := cose.Sign(pki.ObjectLicence, key, payload)
		if err != nil {
			t.Fatal(err)
		}
		l, err := licence.Open(signed, key.Public())
		if err != nil {
			return
		}
		if again := l.Payload(); !bytes.Equal(again, payload) {
			t.Errorf("accepted %x, which is not the one encoding %x", payload, again)
		}
	})
}
