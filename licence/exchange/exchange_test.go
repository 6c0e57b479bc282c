package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/exchange"
)

func category(tb testing.TB, id catalogue.ID) *catalogue.Category {
	tb.Helper()
	all, err := catalogue.Load()
	if err != nil {
		tb.Fatal(err)
	}
	c, ok := all.Category(id)
	if !ok {
		tb.Fatalf("no category %s", id)
	}
	return c
}

// read returns the rows of a text, and their applications or faults.
type read struct {
	line   int
	a      *licence.Application
	faults string
}

func rows(tb testing.TB, text string, id catalogue.ID, d exchange.Defaults) ([]read, error) {
	tb.Helper()
	var all []read
	for row, err := range exchange.CSV(strings.NewReader(text), category(tb, id), d) {
		if err != nil {
			return all, err
		}
		r := read{line: row.Line}
		r.a, err = row.Read()
		var invalid *licence.InvalidError
		if errors.As(err, &invalid) {
			r.faults = invalid.Error()
		} else if err != nil {
			tb.Fatalf("line %d: %v", row.Line, err)
		}
		all = append(all, r)
	}
	return all, nil
}

const header = "number,holder_name,holder_id_type,holder_id_number,issue_date,valid_from,valid_until,issuer,permitItem\n"

func TestCSV(t *testing.T) {
	t.Parallel()
	got, err := rows(t, header+
		"1,甲,001,A,2026-01-01,2026-01-02,长期,I,派遣\r\n"+
		" 2 ,　乙　,公民身份号码,'123,2026/1/2,,2027/12/31,,\"a,\nb \"\"c\"\"\"\n"+
		"\n,,,,,,,,\n"+
		"3,丙,,\"=\"\"007\"\"\",2026-01-01,,,,\n"+
		"4,丁\n", 38, exchange.Defaults{Issuer: "D", IDType: "111"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 {
		t.Fatalf("%d rows, want 4: %+v", len(got), got)
	}
	first, second, third := got[0].a, got[1].a, got[2].a
	if first.Number != "1" || first.Holder != (licence.ApplicationHolder{Name: "甲", IDType: "001", IDNumber: "A"}) || first.Issuer != "I" ||
		first.IssueDate != "2026-01-01" || first.ValidFrom != "2026-01-02" || first.ValidUntil != "长期" || first.Fields["permitItem"].Text != "派遣" {
		t.Errorf("first row: %+v", first)
	}
	if second.Number != "2" || second.Holder != (licence.ApplicationHolder{Name: "乙", IDType: "111", IDNumber: "123"}) || second.Issuer != "D" ||
		second.IssueDate != "2026-01-02" || second.ValidUntil != "2027-12-31" || second.Fields["permitItem"].Text != "a,\nb \"c\"" {
		t.Errorf("second row: %+v", second)
	}
	if third.Holder != (licence.ApplicationHolder{Name: "丙", IDType: "111", IDNumber: "007"}) || len(third.Fields) != 0 {
		t.Errorf("third row: %+v", third)
	}
	for i, line := range []int{2, 3, 7, 8} {
		if got[i].line != line {
			t.Errorf("row %d begins in line %d, want %d", i, got[i].line, line)
		}
	}
	if want := "has 2 values, the header has 9"; got[3].a != nil || !strings.Contains(got[3].faults, want) {
		t.Errorf("short row: %q, want %q", got[3].faults, want)
	}
}

// TestSpoilt: what a spreadsheet has spoilt is a fault, and what looks like it is none.
func TestSpoilt(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"3.40199E+17":   "its last digits are lost",
		"3E+05":         "its last digits are lost",
		"3E05":          "", // a number of some categories
		"12E4567":       "",
		"=1+1":          "begins with =",
		"=HYPERLINK(x)": "begins with =",
		"'甲":            "begins with =",
		"'":             "begins with =",
		"####":          "mark of an error",
		"#N/A":          "mark of an error",
		"#REF!":         "mark of an error",
		"#1":            "",
		"+8655100000":   "",
		"-5":            "",
	} {
		got, err := rows(t, header+"\""+value+"\",甲,001,A,2026-01-01,,,,\n", 38, exchange.Defaults{})
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v", value, err)
		}
		if want == "" && (got[0].faults != "" || got[0].a.Number != value) || !strings.Contains(got[0].faults, want) {
			t.Errorf("%s: %q %q, want %q", value, got[0].a.Number, got[0].faults, want)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, header string
		category     catalogue.ID
		want         string
	}{
		{"codes", "number,holder_name,holder_id_number,issue_date", 38, ""},
		{"Chinese", "证照编号,持证主体,持证主体代码,颁发日期,住所", 38, ""},
		{"GB/T 36903", "ZZBH,CZZT,CZZTDM,ZZBFRQ,CZZTDMLXDM,ZZBFJGDM,ZZYXQQSRQ,ZZYXQJZRQ", 38, ""},
		{"a field in the place of the common part", "number,名称,统一社会信用代码,issue_date", 66, ""},
		{"spaces", " number , holder_name,holder_id_number,issue_date ", 38, ""},
		{"unknown", "number,holder_name,holder_id_number,issue_date,工资", 38, `"工资" is no column of category 038`},
		{"another category's field", "number,holder_name,holder_id_number,issue_date,vehicleClass", 38, `"vehicleClass" is no column`},
		{"twice", "number,holder_name,holder_id_number,issue_date,ZZBH", 38, `columns "number" and "ZZBH" are the same`},
		{"field twice", "number,holder_name,holder_id_number,issue_date,permitItem,许可经营事项", 38, `columns "permitItem" and "许可经营事项" are the same`},
		{"nameless", "number,,holder_name", 38, "column 2 has no name"},
		{"missing", "number,holder_name,issue_date", 38, "持证主体代码 holder_id_number is missing"},
		{"semicolons", "number;holder_name", 38, "not divided by commas"},
		{"tabs", "number\tholder_name", 38, "not divided by commas"},
		{"nothing", "", 38, "the file is empty"},
		{"quote", `number,"holder`, 38, "not a header"},
	} {
		_, err := rows(t, tt.header+"\n", tt.category, exchange.Defaults{})
		if tt.want == "" && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.want != "" && (!errors.Is(err, exchange.ErrHeader) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestFieldStandsForCommonPart: columns of fields that repeat the common part fill it.
func TestFieldStandsForCommonPart(t *testing.T) {
	t.Parallel()
	got, err := rows(t, "number,名称,统一社会信用代码,issue_date,营业期限自\n1,样例公司,91340199XN0000012Q,2026-01-01,2026/1/5\n", 66, exchange.Defaults{IDType: "001"})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	a := got[0].a
	if a.Holder.Name != "样例公司" || a.Holder.IDNumber != "91340199XN0000012Q" || a.ValidFrom != "2026-01-05" || len(a.Fields) != 0 {
		t.Errorf("%+v", a)
	}
}

// TestOpenQuote: a quote that is never closed does not take the whole file into memory.
func TestOpenQuote(t *testing.T) {
	t.Parallel()
	text := header + "1,\"甲,001\n" + strings.Repeat("2,乙,001,A,2026-01-01,,,,\n", licence.MaxApplicationSize/20)
	_, err := rows(t, text, 38, exchange.Defaults{})
	if !errors.Is(err, exchange.ErrTooLong) || !strings.Contains(err.Error(), "behind line 1") {
		t.Errorf("%v, want ErrTooLong behind line 1", err)
	}
}

func TestJSONL(t *testing.T) {
	t.Parallel()
	text := "{\"number\":\"1\",\"holder\":{},\"issue_date\":\"\",\"fields\":{}}\r\n\n \n{\"number\":\"2\"\n{\"number\":\"3\",\"issuer\":\"I\",\"holder\":{\"id_type\":\"001\"},\"issue_date\":\"\",\"fields\":{}}"
	var got []string
	for row, err := range exchange.JSONL(strings.NewReader(text), exchange.Defaults{Issuer: "D", IDType: "111"}) {
		if err != nil {
			t.Fatal(err)
		}
		a, err := row.Read()
		switch {
		case err != nil && row.Line == 4:
			got = append(got, "fault")
		case err != nil:
			t.Fatalf("line %d: %v", row.Line, err)
		default:
			got = append(got, a.Number+a.Issuer+a.Holder.IDType)
		}
	}
	if want := "1D111 fault 3I001"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, err := range exchange.JSONL(strings.NewReader("{}\n"+strings.Repeat("x", licence.MaxApplicationSize+10)), exchange.Defaults{}) {
		if err != nil && !strings.Contains(err.Error(), "line 2: has more than") {
			t.Errorf("%v", err)
		}
	}
}

func write(tb testing.TB, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func gb18030(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "证照编号,持证主体\n1,欧阳龘䶮\n2,𬭸𠮷喆\n"
	long := strings.Repeat(text, 20000) // over several buffers
	for _, tt := range []struct {
		name    string
		content []byte
		asked   exchange.Encoding
		want    exchange.Encoding // empty: refused
		reason  string
		text    string
	}{
		{"UTF-8", []byte(text), exchange.Auto, exchange.UTF8, "", text},
		{"UTF-8 with mark", []byte("\ufeff" + text), exchange.Auto, exchange.UTF8, "", text},
		{"GB18030", gb18030(t, text), exchange.Auto, exchange.GB18030, "", text},
		{"long UTF-8", []byte(long), exchange.Auto, exchange.UTF8, "", long},
		{"long GB18030", gb18030(t, long), exchange.Auto, exchange.GB18030, "", long},
		{"ASCII", []byte("a,b\n"), exchange.Auto, exchange.UTF8, "", "a,b\n"},
		{"ASCII as GB18030", []byte("a,b\n"), exchange.GB18030, exchange.GB18030, "", "a,b\n"},
		{"empty", nil, exchange.Auto, exchange.UTF8, "", ""},
		{"UTF-8 with a broken character", []byte(strings.Replace(text, "1,欧", "1,\xe6\xac", 1)), exchange.Auto, "", "not UTF-8 in line 2", ""},
		{"UTF-8 cut off", []byte(text + "\xe6"), exchange.Auto, "", "not UTF-8 in line 4", ""},
		{"GB18030 with a broken character", append(gb18030(t, text), 0xff), exchange.Auto, "", "neither UTF-8 nor GB18030 in line 4", ""},
		{"GB18030 that shall be UTF-8", gb18030(t, text), exchange.UTF8, "", "not UTF-8 in line 1", ""},
		{"UTF-16", []byte{0xff, 0xfe, 'a', 0}, exchange.Auto, "", "it is UTF-16", ""},
		{"UTF-16, big-endian", []byte{0xfe, 0xff, 0, 'a'}, exchange.Auto, "", "it is UTF-16", ""},
	} {
		s, err := exchange.Open(context.Background(), durable.Disk{}, write(t, tt.content), tt.asked)
		if tt.want == "" {
			if !errors.Is(err, exchange.ErrEncoding) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.reason)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for range 2 { // from the beginning each time
			r, err := s.Text()
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := got.ReadFrom(r); err != nil || got.String() != tt.text || s.Encoding != tt.want {
				t.Errorf("%s: %d bytes in %s, %v; want %d in %s", tt.name, got.Len(), s.Encoding, err, len(tt.text), tt.want)
			}
		}
		if s.Read() != int64(len(tt.content)) {
			t.Errorf("%s: read %d of %d bytes", tt.name, s.Read(), len(tt.content))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := exchange.Open(context.Background(), durable.Disk{}, t.TempDir(), exchange.Auto); !errors.Is(err, exchange.ErrNotFile) {
		t.Errorf("a folder: %v", err)
	}
}

func TestUnchanged(t *testing.T) {
	t.Parallel()
	path := write(t, []byte("a\n"))
	s, err := exchange.Open(context.Background(), durable.Disk{}, path, exchange.Auto)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Unchanged(); err != nil {
		t.Error(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Unchanged(); !errors.Is(err, exchange.ErrChanged) {
		t.Errorf("touched: %v", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "faults.csv")
	open := func(size int64, want error) *exchange.FaultFile {
		t.Helper()
		f, err := exchange.OpenFaults(durable.Disk{}, path, size)
		if !errors.Is(err, want) {
			t.Fatalf("opening behind %d bytes: %v, want %v", size, err, want)
		}
		return f
	}
	check := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	f := open(0, nil)
	if size, err := f.Sync(); size != 0 || err != nil {
		t.Errorf("no faults: %d, %v", size, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file without faults: %v", err)
	}
	fault := func(f *exchange.FaultFile, line int, field, reason string) int64 {
		t.Helper()
		if err := f.Append(line, licence.Fault{Field: field, Reason: reason}); err != nil {
			t.Fatal(err)
		}
		size, err := f.Sync()
		if err != nil {
			t.Fatal(err)
		}
		return size
	}
	const head = "\ufeffline,field,reason\n"
	size := fault(f, 2, "fields.a", "is \"b\", 丙")
	fault(f, 3, "=cmd|' /c calc'!A1", "@x")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	check(head + "2,fields.a,\"is \"\"b\"\", 丙\"\n3,'=cmd|' /c calc'!A1,'@x\n")

	f = open(size, nil) // as after a kill
	fault(f, 4, "", "-x")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	check(head + "2,fields.a,\"is \"\"b\"\", 丙\"\n4,,'-x\n")

	f = open(10000, exchange.ErrFaultsLost)
	fault(f, 5, "", "y")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	check(head + "5,,y\n")
	if f := open(0, nil); f != nil {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("faults of an earlier import stay: %v", err)
		}
	}
}

// TestCatalogueColumns holds a row of the national catalogue to its columns.
func TestCatalogueColumns(t *testing.T) {
	t.Parallel()
	id, err := licence.NewIdentifier("11100000DER000048T906", "11340100XN0000012K", licence.Serial{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	last := civil.Day(20100)
	l := &licence.Licence{Category: 38, Identifier: id, Number: "N", IssuerName: "局", Holders: []licence.Holder{{Name: "甲,乙", IDType: "001", IDNumber: "C"}}, IssueDay: 20000, FirstDay: 20001, LastDay: &last}
	var out bytes.Buffer
	w := exchange.NewCatalogueWriter(&out, 20101)
	for _, r := range []licence.Record{
		{State: licence.Active}, {State: licence.Suspended}, {State: licence.Revoked}, {State: licence.Revoked, Cause: licence.Penalty},
		{State: licence.Revoked, Cause: licence.ObtainedByFraud}, {State: licence.Superseded}, {State: licence.Withdrawn}, {State: licence.Pending},
	} {
		r.Licence = l
		if err := w.Write(category(t, 38), "340100", r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, status := range []string{"05", "02", "04", "07", "03", "05", "99", "99"} {
		want := id.String() + `,N,劳务派遣经营许可证,001,劳务派遣经营许可证,11100000DER000048T906,20241004,局,11340100XN0000012K,人力资源和社会保障部,11100000DER000048T,20241005,20250112,,340100,"甲,乙",C,统一社会信用代码,001,,,,,,,,,` + status
		if lines[i+1] != want {
			t.Errorf("%s\nwant\n%s", lines[i+1], want)
		}
	}
	if n, m := strings.Count(lines[0], ","), strings.Count(strings.Replace(lines[1], "甲,", "", 1), ","); n != m {
		t.Errorf("the header has %d columns, a row %d", n+1, m+1)
	}
}

// FuzzCSV: whatever a file holds, reading it ends, names lines that grow, and takes no
// value in that a licence could not carry.
func FuzzCSV(f *testing.F) {
	f.Add([]byte(header + "1,甲,001,A,2026-01-01,,,,\n"))
	f.Add([]byte("证照编号,持证主体,持证主体代码,颁发日期\n\"1\n2\",\"a\"\"b\",'7,3E+17\n,,,\n"))
	f.Add([]byte("number\r\n\"\n"))
	f.Add(gb18030(f, "证照编号,持证主体,持证主体代码,颁发日期\n1,甲,乙,丙\n"))
	c := category(f, 38)
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := exchange.Open(context.Background(), durable.Disk{}, write(t, content), exchange.Auto)
		if err != nil {
			return
		}
		defer func() { _ = s.Close() }()
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for row, err := range exchange.CSV(text, c, exchange.Defaults{}) {
			if err != nil {
				break
			}
			if row.Line <= last {
				t.Fatalf("line %d after line %d", row.Line, last)
			}
			last = row.Line
			a, err := row.Read()
			var invalid *licence.InvalidError
			if err != nil && !errors.As(err, &invalid) || err == nil && a == nil {
				t.Fatalf("line %d: %v, %v", row.Line, a, err)
			}
		}
	})
}

// FuzzJSONL is the same for JSON Lines.
func FuzzJSONL(f *testing.F) {
	f.Add([]byte("{\"number\":\"1\",\"holder\":{},\"issue_date\":\"\",\"fields\":{\"a\":{\"file\":\"x\"}}}\n\n{"))
	f.Fuzz(func(t *testing.T, content []byte) {
		last := 0
		for row, err := range exchange.JSONL(bytes.NewReader(content), exchange.Defaults{}) {
			if err != nil {
				break
			}
			if row.Line <= last {
				t.Fatalf("line %d after line %d", row.Line, last)
			}
			last = row.Line
			if a, err := row.Read(); (a == nil) == (err == nil) {
				t.Fatalf("line %d: %v, %v", row.Line, a, err)
			}
		}
	})
}
