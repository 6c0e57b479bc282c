package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/typeset"
)

// counter is an officer's end of a service in this process.
type counter struct{ service desk.Service }

func newCounter(t *testing.T, f *officetest.Fixture) counter {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	s := &settings{data: f.Dir}
	commands := desk.NewCommands(ctx, slog.New(slog.DiscardHandler), s.carryOut(f.Office))
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: commands, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		end()
		_ = server.Close()
		commands.Wait()
	})
	service, running := desk.Find(t.Context(), socket)
	if !running {
		t.Fatal("no service")
	}
	return counter{service}
}

// run carries a command out and returns what it prints, and its exit code.
func (c counter) run(t *testing.T, actor, in string, args ...string) (string, string, int) {
	t.Helper()
	var out, errs strings.Builder
	code, err := c.service.Run(t.Context(), desk.Request{Args: args, Actor: actor}, desk.Terminal{Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs, Files: durable.Disk{}, Passwords: console{}})
	if err != nil {
		t.Errorf("%q: %v", args, err)
	}
	return out.String(), errs.String(), code
}

// TestSideBySideAtDesk has many officers work at one service at once, each with commands
// of their own: every one gets the answer to theirs. Run it with -race.
func TestSideBySideAtDesk(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	c := newCounter(t, f)
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 6 {
		officer := fmt.Sprintf("officer %d", i)
		number := fmt.Sprintf("3401002026%04d", i)
		application := fmt.Sprintf(`{"number": %q, "holder": {"name": "样例人力有限公司", "id_type": "001", "id_number": "91340199XN0000012Q"}, "issue_date": "2026-01-01",
			"fields": {"legalRepresentative": "王示例", "registeredAddress": "安徽省合肥市测试区样例路%d号", "registeredCapital": "1000000", "permitItem": "劳务派遣"}}`, number, i)
		all.Go(func() {
			out, errs, code := c.run(t, officer, application, "licence", "issue", "--category", "038", "--file", "-", "--request-id", officer, "--json")
			var v licenceView
			if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitYes || v.Number != number {
				t.Errorf("%s: exit %d: %s%s", officer, code, out, errs)
				return
			}
			again, _, _ := c.run(t, officer, application, "licence", "issue", "--category", "038", "--file", "-", "--request-id", officer, "--json")
			if again != out {
				t.Errorf("%s: the same request gives %s, first %s", officer, again, out)
			}
			for step, state := range map[string]string{"suspend": "suspended", "revoke": "revoked"} {
				dry, errs, code := c.run(t, officer, "", "licence", step, v.ID, "--reason", officer, "--dry-run")
				if code != exitYes || !strings.Contains(dry, state) {
					t.Errorf("%s: %s: exit %d: %s%s", officer, step, code, dry, errs)
				}
			}
			if _, errs, code := c.run(t, officer, "", "licence", "suspend", v.ID, "--reason", officer, "--if-revision", "1000000"); code != exitNo || !strings.Contains(errs, "changed meanwhile") {
				t.Errorf("%s: exit %d: %s", officer, code, errs)
			}
			file := filepath.Join(dir, officer+".jsonl")
			if _, errs, code := c.run(t, officer, "", "licence", "export", "--category", "038", "-o", file); code != exitYes {
				t.Errorf("%s: export: exit %d: %s", officer, code, errs)
			} else if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), number) {
				t.Errorf("%s: the export does not hold %s: %v", officer, number, err)
			}
			// Every change gives the category another schema while others read the catalogue.
			if out, errs, code := c.run(t, officer, aircraft(i), "category", "add", "--file", "-"); code != exitYes && !strings.Contains(errs, "exists: use category change") && !strings.Contains(errs, "ids run from 001") {
				t.Errorf("%s: category add: exit %d: %s%s", officer, code, out, errs)
			}
			if out, errs, code := c.run(t, officer, "", "audit", "show", "--subject", v.ID); code != exitYes || strings.Count(out, "licence.issue") != 1 || !strings.Contains(out, officer) {
				t.Errorf("%s: audit: exit %d: %s%s", officer, code, out, errs)
			}
		})
	}
	all.Wait()
	if _, ok := f.Office.Catalogue().Category(196); !ok {
		t.Error("the new category is not in force")
	}
	if _, _, err := f.Office.AuditLog().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSealSideBySideAtDesk has officers use one seal at once, on documents of their own and
// on one: each gets their own, sealed once, and every use is counted. Run it with -race.
func TestSealSideBySideAtDesk(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	c := newCounter(t, f)
	dir := t.TempDir()
	doc := typeset.New(typeset.Info{Title: "一页 a page"})
	doc.Page(210, 297)
	page, err := doc.PDF()
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(dir, "in.pdf")
	if err := os.WriteFile(in, page, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := f.Office.Seal(t.Context(), f.Seal.ID)
	if err != nil {
		t.Fatal(err)
	}
	const officers, times = 4, 5
	var all sync.WaitGroup
	for i := range officers {
		officer := fmt.Sprintf("officer %d", i)
		all.Go(func() {
			from := in
			for n := range times {
				to := filepath.Join(dir, fmt.Sprintf("%d-%d.pdf", i, n))
				if out, errs, code := c.run(t, officer, "", "seal", "stamp", "--seal", f.Seal.ID, "--reason", officer, "--at", fmt.Sprintf("%d,%d", 40+50*(n%3), 60+60*(n/3)), from, to); code != exitYes {
					t.Errorf("%s: exit %d: %s%s", officer, code, out, errs)
					return
				}
				from = to
			}
			out, errs, code := c.run(t, officer, "", "verify", from, "--json")
			if code != exitYes || strings.Count(out, `"kind": "seal"`) != times {
				t.Errorf("%s: exit %d: %s%s", officer, code, out, errs)
			}
		})
	}
	all.Wait()
	after, err := f.Office.Seal(t.Context(), f.Seal.ID)
	if err != nil {
		t.Fatal(err)
	}
	if after.Uses != before.Uses+officers*times {
		t.Errorf("%d uses, %d before: want %d more", after.Uses, before.Uses, officers*times)
	}
	for i := range officers {
		if out, _, _ := c.run(t, "", "", "audit", "show", "--subject", f.Seal.ID, "--actor", "x"); strings.Count(out, fmt.Sprintf("officer %d", i)) != times {
			t.Errorf("the audit log names officer %d otherwise than %d times:\n%s", i, times, out)
		}
	}
	if _, _, err := f.Office.AuditLog().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNotForADesk: the service carries out only what is meant for it, and takes neither
// its own words nor its folder from the terminal.
func TestNotForADesk(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	c := newCounter(t, f)
	for _, args := range [][]string{
		{}, {"serve"}, {"init", "--data", "x"}, {"storage", "move"}, {"key", "list"}, {"key", "rewrap"}, {"restore", "x"}, {"backup", "x"}, {"ca", "rotate", "x"}, {"licence"},
		{"verify", "x", "--trust", "t"}, {"verify", "x", "--root-sm3", strings.Repeat("00", 32)}, {"document", "archive", "--due", "x"}, {"document", "archive", "--renew", "x"}, {"document", "repair", "x", "y"},
	} {
		out, errs, code := c.run(t, "officer", "", args...)
		if code != exitCouldNot || out != "" || !strings.HasPrefix(errs, "elicence") {
			t.Errorf("%q: exit %d: %q %q", args, code, out, errs)
		}
	}
	for _, actor := range []string{"", "two\nlines", strings.Repeat("x", 1<<10)} {
		if _, errs, code := c.run(t, actor, "", "licence", "list"); code != exitCouldNot || !strings.Contains(errs, "--actor") {
			t.Errorf("%q: exit %d: %s", actor, code, errs)
		}
	}
	if out, _, code := c.run(t, "officer", "", "licence", "list", "--data", "nowhere", "--json"); code != exitYes || out != "[]\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	if _, errs, code := c.run(t, "officer", "", "licence", "evidence", "1.2.156.3005.2.11100000000013127D903.11340100XN0000012K.DC40RKG3TEVVGSQOI2A.001.3", "-o", "x", "--clock-error", "100ms"); code != exitCouldNot || !strings.Contains(errs, "give it to serve") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// aircraft is a new category, of whom it depends on how many others there are.
func aircraft(i int) string {
	return fmt.Sprintf(`{"category": {"id": "%03d", "code": "11100000000019713DZ%02d", "code_source": "derived", "name_zh": "无人驾驶航空器飞行许可证%c", "name_en": "Drone permit",
		"short_name_zh": "无人机许可%c", "holder_type": "legal_person", "defining_agency_zh": "交通运输部", "defining_agency_uscc": "11100000000019713D", "uscc_source": "official",
		"issuing_level": "province", "domain": "交通", "domain_en": "Transport", "validity": "P1Y", "kind": "许可证", "assurance": "C", "renewals": "no", "number_rule": "WRJ 与 8 位",
		"number_regex": "^WRJ[0-9]{8}$", "number_example": "WRJ20260001", "number_rule_basis": "typical", "source": "test"},
		"fields": [{"field_code": "aircraftModel", "name_zh": "机型", "name_en": "Model", "type": "string", "required": "yes", "max_len_or_enum": "30", "qr": "yes", "sensitive": "no", "example": "样例一号"}]}`,
		196+i, 90+i, 'A'+i, 'A'+i)
}
