package office_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/amended"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/qr/trust"
)

// business is a new schema of the business licence (066), with one field more.
func business(t *testing.T, field string) amended.Change {
	t.Helper()
	return amended.Change{Change: changeOf(t, map[string]string{
		"id": "066", "code": "11100000MB0143028R001", "code_source": "official", "name_zh": "营业执照", "name_en": "Business Licence", "short_name_zh": "执照",
		"holder_type": "legal_person", "defining_agency_zh": "市场监管总局", "defining_agency_uscc": "11100000MB0143028R", "uscc_source": "official",
		"issuing_level": "county", "domain": "市场监管", "domain_en": "Market regulation", "validity": "long-term", "kind": "执照", "assurance": "C", "renewals": "no",
		"number_rule": "统一社会信用代码", "number_regex": "^[0-9A-Z]{18}$", "number_example": "91340199XN0000012Q", "number_rule_basis": "published", "source": "test",
	}, "legalRepresentative", field)}
}

// drone is a category that there was none of.
func drone(t *testing.T) amended.Change {
	t.Helper()
	return amended.Change{New: true, Change: changeOf(t, map[string]string{
		"id": "196", "code": "11100000000019713DZ91", "code_source": "derived", "name_zh": "无人驾驶航空器飞行许可证", "name_en": "Unmanned Aircraft Flight Permit",
		"short_name_zh": "无人机证", "holder_type": "legal_person", "defining_agency_zh": "交通运输部", "defining_agency_uscc": "11100000000019713D", "uscc_source": "derived",
		"issuing_level": "province", "domain": "交通", "domain_en": "Transport", "validity": "P2Y", "kind": "许可证", "assurance": "B", "renewals": "no",
		"number_rule": "WRJ 后 8 位", "number_regex": `^WRJ\d{8}$`, "number_example": "WRJ20260001", "number_rule_basis": "published", "source": "test",
	}, "aircraftModel")}
}

func changeOf(t *testing.T, category map[string]string, fields ...string) catalogue.Change {
	t.Helper()
	file := map[string]any{"category": category}
	var rows []map[string]string
	for _, code := range fields {
		rows = append(rows, map[string]string{
			"field_code": code, "name_zh": "字段" + code, "name_en": code, "type": "string", "required": "yes", "max_len_or_enum": "50", "qr": "yes", "sensitive": "no", "example": "样例",
		})
	}
	file["fields"] = rows
	b, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.ParseChange(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCatalogueOnTwoNodes: what one node changes in the catalogue another one, with a folder
// of its own, knows without a new start. Before it does, nothing is issued or published by
// what was.
func TestCatalogueOnTwoNodes(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	f := officetest.On(t, address)
	opened := func(dir string) *office.Office {
		t.Helper()
		o, err := office.Open(dir, office.Options{Options: datafolder.Options{Store: address}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
		return o
	}
	schema := func(o *office.Office, id catalogue.ID) int {
		t.Helper()
		c, ok := o.Catalogue().Category(id)
		if !ok {
			return 0
		}
		return c.Schema
	}
	dir := officetest.CopyOf(t, f.Dir)
	other, late := opened(dir), opened(officetest.CopyOf(t, f.Dir))
	first, err := f.Office.Issue(ctx, "test", 66, onlyApplication(f.Company(t)), office.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}

	_, a := f.Company(t) // by the schema that there is now
	old := onlyApplication(f.Company(t))
	old.Number, old.Holder.IDNumber = first.Licence.Number, first.Licence.Holders[0].IDNumber

	// A schema: the other node issues nothing by the one before, single, as a new version, as a
	// dry run or in bulk.
	if _, err := f.Office.ChangeCatalogue(ctx, "test", business(t, "onlineShop")); err != nil {
		t.Fatal(err)
	}
	if schema(other, 66) != 1 || schema(f.Office, 66) != 2 {
		t.Fatalf("schemas %d and %d before the other node has looked", schema(other, 66), schema(f.Office, 66))
	}
	numbers := func() int {
		t.Helper()
		all, err := f.Office.Licences(ctx, "test", 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := numbers()
	once := func(yield func(office.BulkItem, error) bool) {
		yield(office.BulkItem{Line: 2, Category: 66, Read: func() (*licence.Application, error) { return a, nil }}, nil)
	}
	if err := other.IssueAll(ctx, "test", iter.Seq2[office.BulkItem, error](once), office.BulkOptions{}); !errors.Is(err, licence.ErrSchema) {
		t.Errorf("in bulk by the schema of before: %v, want ErrSchema", err)
	}
	var invalid *licence.InvalidError
	if _, err := other.Issue(ctx, "test", 66, a, office.IssueOptions{}); !errors.As(err, &invalid) {
		t.Errorf("by the schema of before: %v, want the faults by the new one", err)
	}
	if schema(other, 66) != 2 {
		t.Errorf("the other node has schema %d after a refusal", schema(other, 66))
	}
	if _, err := late.Reissue(ctx, "test", first.Licence.Identifier, old, office.NewVersion{Reason: "变更", DryRun: true}); !errors.As(err, &invalid) {
		t.Errorf("a new version by the schema of before: %v, want the faults by the new one", err)
	}
	if got := numbers(); got != before {
		t.Errorf("%d licences by the schema of before", got-before)
	}
	a.Fields = map[string]licence.ApplicationValue{"legalRepresentative": {Text: "王示例"}, "onlineShop": {Text: "有"}}
	if r, err := other.Issue(ctx, "test", 66, a, office.IssueOptions{}); err != nil || r.Licence.Schema != 2 {
		t.Errorf("by the new schema: %+v, %v", r.Licence, err)
	}

	// A category, which a node takes over when it looks what others did, and a command at its
	// folder sees; and one that was off when it starts.
	if _, err := f.Office.ChangeCatalogue(ctx, "test", drone(t)); err != nil {
		t.Fatal(err)
	}
	if err := other.FollowOthers(ctx); err != nil {
		t.Fatal(err)
	}
	offline, err := amended.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := offline.Category(196); schema(other, 196) != 1 || !ok {
		t.Errorf("the other node has schema %d, its folder the category: %t", schema(other, 196), ok)
	}
	for _, name := range []string{"0001", "0002"} {
		ours, err := os.ReadFile(filepath.Join(f.Dir, "catalogue", name, "fields.csv"))
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err := os.ReadFile(filepath.Join(dir, "catalogue", name, "fields.csv")); err != nil || string(theirs) != string(ours) {
			t.Errorf("%s differs, %v", name, err)
		}
	}

	// A node that has not looked yet does not take what is there for new.
	if _, err := late.ChangeCatalogue(ctx, "test", drone(t)); !errors.Is(err, amended.ErrExists) {
		t.Errorf("added twice: %v, want ErrCategoryExists", err)
	}

	// Whoever publishes gives out the newest catalogue.
	if _, err := late.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	state, err := trust.OpenState(t.TempDir(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	cache := publishedIn(t, other, time.Now(), state)
	if _, there := cache.Category(196, 1); !there {
		t.Error("a node of before has published a catalogue without the new category")
	}

	// Two at once are both in force, one after the other.
	work := new(errgroup.Group)
	for o, field := range map[*office.Office]string{f.Office: "branch", other: "outlet"} {
		work.Go(func() error {
			_, err := o.ChangeCatalogue(context.WithoutCancel(ctx), "test", business(t, field))
			return err
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	fields := make(map[string]bool)
	for _, o := range []*office.Office{f.Office, other, late} {
		if err := o.FollowOthers(ctx); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{3, 4} {
			c, ok := o.Catalogue().Version(66, n)
			if !ok {
				t.Fatalf("schema %d is lost", n)
			}
			fields[c.Fields[1].Code] = true
		}
	}
	if len(fields) != 2 || !fields["branch"] || !fields["outlet"] {
		t.Errorf("the nodes have %v", fields)
	}
	if schema(opened(officetest.CopyOf(t, dir)), 66) != 4 || schema(opened(f.Dir), 196) != 1 {
		t.Error("what was started later does not have the newest")
	}
}

func onlyApplication(_ *catalogue.Category, a *licence.Application) *licence.Application { return a }
