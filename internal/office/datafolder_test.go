package office_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/placement"
)

// dataFolders has a data folder of every release, for ever (see its README).
const dataFolders = "../../testdata/data"

var makeDataFolder = flag.String("make-data", "", "make testdata/data/`NAME` with the program as it is")

// holdings is what a kept data folder holds: the file holds.json beside its archive.
type holdings struct {
	Made       time.Time      `json:"made"` // the clock stands a minute later when it is opened
	Licences   []heldLicence  `json:"licences"`
	Seals      []heldSeal     `json:"seals"`
	Enrolments []string       `json:"enrolments"`
	Devices    []heldDevice   `json:"devices"`
	Checkpoint string         `json:"checkpoint"` // of the audit log, signed, in hexadecimal
	Versions   map[string]int `json:"versions"`   // of the trust files in the archive's trust/
}

type heldLicence struct {
	ID     string         `json:"id"`
	Number string         `json:"number"`
	State  licence.State  `json:"state"`
	Code   string         `json:"code"`
	Reads  verify.Verdict `json:"reads"`  // what a terminal says of the code
	Place  [2]uint32      `json:"place"`  // list and index
	Signed string         `json:"signed"` // SM3 of the signed form, in hexadecimal
}

type heldSeal struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

type heldDevice struct {
	Licence string `json:"licence"`
	Device  string `json:"device"`
	Bound   bool   `json:"bound"`
}

// TestMakeDataFolder makes the folder of a release. It does nothing without -make-data.
func TestMakeDataFolder(t *testing.T) {
	if *makeDataFolder == "" {
		t.Skip("only with -make-data NAME")
	}
	out := filepath.Join(dataFolders, *makeDataFolder)
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	h := holdings{Versions: make(map[string]int)}
	var all []licence.Record
	issue := func(category string, steps ...licence.Step) licence.Record {
		t.Helper()
		r := f.Issue(t, category)
		for _, step := range steps {
			var err error
			if r, err = f.Office.Step(ctx, "officer", r.Licence.Identifier, step, "测试事由"); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, r)
		return r
	}
	person := issue("004")
	issue("001")
	issue("066", licence.Suspend)
	issue("029", licence.Revoke)
	issue("100", licence.Suspend, licence.Resume)
	issue("121", licence.Suspend, licence.Revoke)
	f.Issue(t, "195")

	stays, goes := newWallet(t, licence.AlgorithmSM2), newWallet(t, licence.AlgorithmP256)
	stays.bind(t, f, person, disclose.Profiles()...)
	goes.bind(t, f, person)
	if err := f.Office.UnbindDevice(ctx, "officer", person.Licence.Identifier, goes.held.Device); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*wallet{stays, goes} {
		h.Devices = append(h.Devices, heldDevice{person.Licence.Identifier.String(), w.held.Device.String(), w == stays})
	}
	suspended, err := f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: f.Authority.USCC, Design: impression.Government(impression.Department, "安徽省测试局")})
	if err == nil {
		suspended, err = f.Office.ApproveSeal(ctx, officetest.Approver, suspended.ID)
	}
	if err == nil {
		_, err = f.Office.SuspendSeal(ctx, "officer", suspended.ID, "测试事由")
	}
	if err == nil {
		_, err = f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: f.Authority.USCC, Design: impression.Government(impression.Department, "安徽省测试局")})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.Stamp(ctx, officetest.Clerk, blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}); err != nil {
		t.Fatal(err)
	}
	h.Enrolments = append(h.Enrolments, enrol(t, f, "王芳", "123456").id)
	if err := f.Office.RotateKey(ctx, "officer", "checkpoint", 0, nil); err != nil {
		t.Fatal(err)
	}
	seals, err := f.Office.Seals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seals {
		h.Seals = append(h.Seals, heldSeal{s.ID, sealState(t, f, s)})
	}
	for _, r := range all {
		held := heldLicence{ID: r.Licence.Identifier.String(), Number: r.Licence.Number, State: r.State, Place: placeOf(r), Signed: sumOf(r)}
		if r.State == licence.Active {
			code, err := f.Office.Code(ctx, "officer", r)
			if err != nil {
				t.Fatal(err)
			}
			held.Code, held.Reads = code.Digits, verify.Valid
		}
		h.Licences = append(h.Licences, held)
	}
	if err := f.Office.ExportTrust(ctx, "officer", filepath.Join(f.Dir, "trust")); err != nil {
		t.Fatal(err)
	}
	cache, err := trust.Load(os.DirFS(filepath.Join(f.Dir, "trust")), trust.Options{Second: second.Opinion{}, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	h.Versions = versionsOf(cache)
	checkpoint, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.Made, h.Checkpoint = c.at, hex.EncodeToString(checkpoint.Signed)
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(out, "holds.json"), append(b, '\n'), 0o644), pack(f.Dir, filepath.Join(out, "data.tar.gz"))); err != nil {
		t.Fatal(err)
	}
	f.Reopen(t) // for the fixture to close
}

// TestOldDataFolders opens the data folder of every release with the program of today:
// all that it holds is there and verifies, terminals that have its trust files take
// today's, and it goes on working.
func TestOldDataFolders(t *testing.T) {
	t.Parallel()
	kept, err := os.ReadDir(dataFolders)
	if err != nil {
		t.Fatal(err)
	}
	folders := 0
	for _, e := range kept {
		if !e.IsDir() {
			continue
		}
		folders++
		for _, rekeyed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, rekeyed %t", e.Name(), rekeyed), func(t *testing.T) {
				t.Parallel()
				h, dir := unpacked(t, e.Name())
				c := &clock{h.Made.Add(time.Minute)}
				f := officetest.Open(t, dir, c.now)
				h.check(t, f, c)
				if rekeyed {
					done, err := atrest.Rekey(ctx, f.Office.Folder(), "officer", atrest.RekeyOptions{})
					if err != nil || int(done.Done.Licences) < len(h.Licences) {
						t.Fatalf("rekeyed %+v, %v", done, err)
					}
					ended, err := atrest.Rekey(ctx, f.Office.Folder(), "officer", atrest.RekeyOptions{EndOld: true})
					if err != nil || len(ended.Ended) != 1 {
						t.Fatalf("ended %+v, %v", ended, err)
					}
					for generation := 2; generation <= 3; generation++ {
						renewed, err := atrest.RenewLookups(ctx, f.Office.Folder(), "officer", atrest.RenewalOptions{})
						if err != nil || renewed.Generation != generation || int(renewed.Entries) < 2*len(h.Licences) {
							t.Fatalf("renewed %+v, %v", renewed, err)
						}
					}
					f.Reopen(t)
					h.check(t, f, c)
				}
				h.goesOn(t, f, c)
				officetest.Whole(t, f.Office)
			})
		}
	}
	if folders == 0 {
		t.Error("no data folder is kept")
	}
}

// TestRestoreOfShared: a backup of a store whose records share their keys needs no others,
// and the restored one goes on as it was and can be rekeyed.
func TestRestoreOfShared(t *testing.T) {
	t.Parallel()
	h, dir := unpacked(t, "v0.1-format2")
	c := &clock{h.Made.Add(time.Minute)}
	f := officetest.Open(t, dir, c.now)
	content := f.Backup(t)
	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := atrest.Restore(ctx, restored, bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, nil)); err != nil {
		t.Fatal(err)
	}
	r := officetest.Open(t, restored, c.now)
	officetest.Whole(t, r.Office)
	if _, err := atrest.Rekey(ctx, r.Office.Folder(), "test", atrest.RekeyOptions{}); err != nil {
		t.Fatal(err)
	}
	officetest.Whole(t, r.Office)
	// From here on a backup wants the record keys.
	content = r.Backup(t)
	if _, err := atrest.Restore(ctx, filepath.Join(t.TempDir(), "x"), bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, nil)); !errors.Is(err, atrest.ErrNoRecordKeys) {
		t.Errorf("rekeyed, without the record keys: %v, want ErrNoRecordKeys", err)
	}
}

// unpacked is the data folder of a release, and what it holds.
func unpacked(t *testing.T, release string) (holdings, string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dataFolders, release, "holds.json"))
	if err != nil {
		t.Fatal(err)
	}
	var h holdings
	if err := json.Unmarshal(b, &h); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := unpack(filepath.Join(dataFolders, release, "data.tar.gz"), dir); err != nil {
		t.Fatal(err)
	}
	return h, dir
}

// check compares a data folder with what it must hold.
func (h holdings) check(t *testing.T, f *officetest.Fixture, c *clock) {
	t.Helper()
	keys, err := f.Office.AuditLog().Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := hex.DecodeString(h.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	witnessed, err := auditlog.OpenWitness("holds.json", checkpoint, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx, witnessed); err != nil {
		t.Error(err)
	}
	for _, want := range h.Licences {
		id, err := licence.ParseIdentifier(want.ID)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Office.Licence(ctx, "officer", id)
		if err != nil {
			t.Error(err)
			continue
		}
		if r.State != want.State || r.Licence.Number != want.Number || placeOf(r) != want.Place || sumOf(r) != want.Signed {
			t.Errorf("licence %s is %s with number %s at %v, its signed form %s, want %+v", want.ID, r.State, r.Licence.Number, placeOf(r), sumOf(r), want)
		}
		if _, err := f.Office.PDF(ctx, "officer", r); err != nil && r.State == licence.Active {
			t.Errorf("licence %s with its picture: %v", want.ID, err)
		}
		if want.Code == "" {
			continue
		}
		if code, err := f.Office.Code(ctx, "officer", r); err != nil || code.Digits != want.Code {
			t.Errorf("licence %s has another code: %v", want.ID, err)
		}
	}
	seals, err := f.Office.Seals(ctx)
	if err != nil || len(seals) != len(h.Seals) {
		t.Errorf("%d seals, %v, want %d", len(seals), err, len(h.Seals))
	}
	for _, s := range seals {
		if got := (heldSeal{s.ID, sealState(t, f, s)}); !slices.Contains(h.Seals, got) {
			t.Errorf("a seal is %+v, want one of %+v", got, h.Seals)
		}
	}
	for _, d := range h.Devices {
		id, err := licence.ParseIdentifier(d.Licence)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Office.Licence(ctx, "officer", id)
		if err != nil {
			t.Fatal(err)
		}
		devices, err := f.Office.Devices(ctx, r)
		if err != nil || !slices.ContainsFunc(devices, func(s office.DeviceState) bool { return s.ID().String() == d.Device && s.UnboundAt.IsZero() == d.Bound }) {
			t.Errorf("device %+v is not among %d: %v", d, len(devices), err)
		}
	}
	for _, id := range h.Enrolments {
		if _, err := f.Office.BeginSigning(ctx, "officer", id, blank(t, 1), placement.Place{}, "同意"); err != nil {
			t.Errorf("enrolment %s: %v", id, err)
		}
	}
	// A terminal that was there takes today's files after those of then.
	state, err := trust.NewState(nil, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	options := trust.Options{Second: second.Opinion{}, Now: c.now, State: state}
	before, err := trust.Load(os.DirFS(filepath.Join(f.Dir, "trust")), options)
	if err != nil {
		t.Fatal(err)
	}
	if got := versionsOf(before); !maps.Equal(got, h.Versions) {
		t.Errorf("the kept trust files are of %v, want %v", got, h.Versions)
	}
	now := filepath.Join(t.TempDir(), "trust")
	if err := f.Office.ExportTrust(ctx, "officer", now); err != nil {
		t.Fatal(err)
	}
	options.Previous = before
	after, err := trust.Load(os.DirFS(now), options)
	if err != nil {
		t.Fatal(err)
	}
	hall := verify.New(after, verify.Options{Second: second.Opinion{}, Now: c.now, Replays: verify.NewMemory(10)})
	for _, l := range h.Licences {
		if l.Code != "" {
			wantVerdict(t, hall, "the code of "+l.ID, l.Code, l.Reads)
		}
	}
}

// goesOn issues and revokes in a data folder that was made before.
func (h holdings) goesOn(t *testing.T, f *officetest.Fixture, c *clock) {
	t.Helper()
	r := f.Issue(t, "110")
	for _, l := range h.Licences {
		if l.Place == placeOf(r) {
			t.Errorf("the place of %s is given out again", l.ID)
		}
	}
	code, err := f.Office.Code(ctx, "officer", r)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, terminal(t, f, c), "a new licence", code.Digits, verify.Valid)
	if _, err := f.Office.Step(ctx, "officer", r.Licence.Identifier, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Minute)
	wantVerdict(t, terminal(t, f, c), "a revoked licence", code.Digits, verify.Revoked)
	if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}

func placeOf(r licence.Record) [2]uint32 {
	return [2]uint32{r.Licence.Status.List, r.Licence.Status.Index}
}

func sumOf(r licence.Record) string {
	sum := sm3.Sum(r.Signed)
	return hex.EncodeToString(sum[:])
}

func sealState(t *testing.T, f *officetest.Fixture, s seal.Record) string {
	t.Helper()
	if !s.Made() {
		return "applied"
	}
	status, err := f.Office.SealStatus(ctx, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	return status.State
}

func versionsOf(c *trust.Cache) map[string]int {
	return map[string]int{
		"root": int(c.Root.Version), "trust": int(c.Trust.Version), "catalogue": int(c.Catalogue.Version), "status": int(c.Status.Version), "time": int(c.Time.Version),
	}
}

// pack writes a data folder without its offline keys and what is made anew as an archive.
func pack(dir, file string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !e.Type().IsRegular() || strings.HasPrefix(name, "cache") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(content)), Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

func unpack(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return f.Close()
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
		content, err := io.ReadAll(r)
		place := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(place), 0o700)); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := os.WriteFile(place, content, 0o600); err != nil {
			return errors.Join(err, f.Close())
		}
	}
}
