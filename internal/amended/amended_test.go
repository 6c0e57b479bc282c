package amended_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/amended"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// drone is a change of category 196, which the embedded catalogue does not have, with one field.
func drone(t *testing.T, field string) catalogue.Change {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"category": map[string]string{
			"id": "196", "code": "11100000000019713DZ91", "code_source": "derived", "name_zh": "无人驾驶航空器飞行许可证", "name_en": "Unmanned Aircraft Flight Permit",
			"short_name_zh": "无人机证", "holder_type": "legal_person", "defining_agency_zh": "交通运输部", "defining_agency_uscc": "11100000000019713D", "uscc_source": "derived",
			"issuing_level": "province", "domain": "交通", "domain_en": "Transport", "validity": "P2Y", "kind": "许可证", "assurance": "B", "renewals": "no",
			"number_rule": "WRJ 后 8 位", "number_regex": `^WRJ\d{8}$`, "number_example": "WRJ20260001", "number_rule_basis": "published", "source": "test",
		},
		"fields": []map[string]string{{
			"field_code": field, "name_zh": "字段" + field, "name_en": field, "type": "string", "required": "yes", "max_len_or_enum": "50", "qr": "yes", "sensitive": "no", "example": "样例",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.ParseChange(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func made(t *testing.T) *datafolder.Folder {
	t.Helper()
	f, err := datafolder.Create(t.Context(), t.TempDir(), datafolder.CreateOptions{
		Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, Actor: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// node is another folder on the records of one, as another node of a service has it.
func node(t *testing.T, f *datafolder.Folder) *datafolder.Folder {
	t.Helper()
	return &datafolder.Folder{Dir: t.TempDir(), Records: f.Records, Now: f.Now}
}

func opened(t *testing.T, f *datafolder.Folder) *amended.Catalogue {
	t.Helper()
	c, err := amended.Open(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// schema is the number of the schema of category 196; 0: there is none.
func schema(c *catalogue.Catalogue) int {
	category, known := c.Category(196)
	if !known {
		return 0
	}
	return category.Schema
}

func logSize(t *testing.T, f *datafolder.Folder) uint64 {
	t.Helper()
	var n uint64
	err := f.ReadLog(t.Context(), func(_ audit.Storage, size uint64) error {
		n = size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestChange: a category is added once, changed when it is there, tried without a trace, and in force after the next
// start, in the folder and on the other node.
func TestChange(t *testing.T) {
	t.Parallel()
	f := made(t)
	c := opened(t, f)
	other := opened(t, node(t, f))
	before := logSize(t, f)
	for what, refused := range map[string]struct {
		change amended.Change
		want   error
	}{
		"a new schema of what is not there": {amended.Change{Change: drone(t, "model")}, catalogue.ErrNoCategory},
		"tried, of what is not there":       {amended.Change{Change: drone(t, "model"), DryRun: true}, catalogue.ErrNoCategory},
	} {
		if _, err := c.Change(t.Context(), "test", refused.change); !errors.Is(err, refused.want) {
			t.Errorf("%s: %v, want %v", what, err, refused.want)
		}
	}
	tried, err := c.Change(t.Context(), "test", amended.Change{Change: drone(t, "model"), New: true, DryRun: true})
	if err != nil || schema(tried) != 1 || schema(c.Current()) != 0 || logSize(t, f) != before {
		t.Errorf("tried: schema %d, %v; in force %d, %d new entries", schema(tried), err, schema(c.Current()), logSize(t, f)-before)
	}
	added, err := c.Change(t.Context(), "test", amended.Change{Change: drone(t, "model"), New: true})
	if err != nil || schema(added) != 1 || schema(c.Current()) != 1 || logSize(t, f) != before+1 {
		t.Fatalf("added: schema %d, %v; in force %d, %d new entries", schema(added), err, schema(c.Current()), logSize(t, f)-before)
	}
	// The other node has not looked, and takes it for new no more than this one.
	for _, c := range []*amended.Catalogue{c, other} {
		if _, err := c.Change(t.Context(), "test", amended.Change{Change: drone(t, "model"), New: true}); !errors.Is(err, amended.ErrExists) {
			t.Errorf("added twice: %v, want ErrExists", err)
		}
	}
	changed, err := other.Change(t.Context(), "test", amended.Change{Change: drone(t, "range")})
	if err != nil || schema(changed) != 2 || schema(c.Current()) != 1 {
		t.Errorf("changed: schema %d, %v; here %d before it is followed", schema(changed), err, schema(c.Current()))
	}
	if err := c.Follow(t.Context()); err != nil || schema(c.Current()) != 2 {
		t.Errorf("followed: schema %d, %v", schema(c.Current()), err)
	}
	read, err := amended.ReadFolder(f.Dir)
	if err != nil || schema(read) != 2 || schema(opened(t, f).Current()) != 2 {
		t.Errorf("in the folder: schema %d, %v", schema(read), err)
	}
	if read, err := amended.ReadFolder(t.TempDir()); err != nil || schema(read) != 0 {
		t.Errorf("of no folder: schema %d, %v", schema(read), err)
	}
}

// TestChangesAtOnce: changes that come together, at one node and at two, are all in force, one after the other.
func TestChangesAtOnce(t *testing.T) {
	t.Parallel()
	f := made(t)
	here, there := opened(t, f), opened(t, node(t, f))
	if _, err := here.Change(t.Context(), "test", amended.Change{Change: drone(t, "model"), New: true}); err != nil {
		t.Fatal(err)
	}
	work := new(errgroup.Group)
	for field, c := range map[string]*amended.Catalogue{"a": here, "b": here, "c": there, "d": there} {
		work.Go(func() error {
			_, err := c.Change(t.Context(), "test", amended.Change{Change: drone(t, field)})
			return err
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*amended.Catalogue{here, there} {
		if err := c.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		fields := make(map[string]bool)
		for n := range schema(c.Current()) {
			version, known := c.Current().Version(196, n+1)
			if !known {
				t.Fatalf("schema %d is lost", n+1)
			}
			fields[version.Fields[len(version.Fields)-1].Code] = true
		}
		if len(fields) != 5 {
			t.Errorf("the schemas have %v, want five of them", fields)
		}
	}
}

// TestFolder: what lies in the folder counts if it is what was recorded; what is missing is written from the records.
func TestFolder(t *testing.T) {
	t.Parallel()
	f := made(t)
	c := opened(t, f)
	if _, err := c.Change(t.Context(), "test", amended.Change{Change: drone(t, "model"), New: true}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(f.Dir, datafolder.CatalogueName)
	fields := filepath.Join(dir, "0001", "fields.csv")
	recorded, err := os.ReadFile(fields)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := schema(opened(t, f).Current()); got != 1 {
		t.Errorf("without the folder: schema %d", got)
	}
	if written, err := os.ReadFile(fields); err != nil || string(written) != string(recorded) {
		t.Errorf("written anew otherwise than it was: %v", err)
	}

	for what, content := range map[string]string{
		"changed": strings.Replace(string(recorded), "model", "other", 1), "cut off": string(recorded[:len(recorded)/2]), "too long": strings.Repeat("x", 1<<20+1),
	} {
		if err := os.WriteFile(fields, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := amended.Open(t.Context(), f); err == nil || !strings.Contains(err.Error(), "catalogue/0001") {
			t.Errorf("%s: %v, want an error that names the change", what, err)
		}
	}
	if err := os.WriteFile(fields, recorded, 0o600); err != nil {
		t.Fatal(err)
	}

	// What was cut off while it was made, behind those that are recorded, gives way.
	stray := filepath.Join(dir, "0002")
	if err := os.MkdirAll(stray, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stray, "fields.csv"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := schema(opened(t, f).Current()); got != 1 {
		t.Errorf("beside a stray one: schema %d", got)
	}
	if _, err := c.Change(t.Context(), "test", amended.Change{Change: drone(t, "range")}); err != nil {
		t.Fatal(err)
	}
	if got := schema(opened(t, f).Current()); got != 2 {
		t.Errorf("in place of the stray one: schema %d", got)
	}
}

// TestRecordDamaged: a record of the changes that cannot be read, or that names what nobody has, is an error.
func TestRecordDamaged(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]string{"no list": `{`, "another type": `{"a":1}`, "of nothing": `["` + strings.Repeat("0", 64) + `"]`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := made(t)
			if err := f.Records.PutSetting(t.Context(), "catalogue", []byte(setting)); err != nil {
				t.Fatal(err)
			}
			if _, err := amended.Open(t.Context(), f); err == nil {
				t.Error("it is opened")
			}
		})
	}
}
