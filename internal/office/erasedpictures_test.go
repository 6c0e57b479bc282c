package office_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/keystore"
)

// issueOwnPicture issues a licence whose picture no other licence shows.
func issueOwnPicture(t *testing.T, f *officetest.Fixture, category string) licence.Record {
	t.Helper()
	c, a := f.Application(t, category)
	for _, field := range c.Fields {
		if field.Type != catalogue.Image {
			continue
		}
		picture, err := base64.StdEncoding.DecodeString(a.Fields[field.Code].Text)
		if err != nil {
			t.Fatal(err)
		}
		picture = append(picture, "a face of its own"...) // behind the end of the picture
		a.Fields[field.Code] = licence.ApplicationValue{Text: base64.StdEncoding.EncodeToString(picture)}
	}
	r, err := f.Office.Issue(ctx, "test", c.ID, a, office.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// photo is the SM3 of a licence's picture.
func photo(t *testing.T, r licence.Record) [sm3.Size]byte {
	t.Helper()
	for _, v := range r.Licence.Fields {
		if image, is := v.Image(); is {
			return image.SM3
		}
	}
	t.Fatalf("licence %s shows no picture", r.Licence.Identifier)
	return [sm3.Size]byte{}
}

func erase(t *testing.T, o *office.Office, r licence.Record) {
	t.Helper()
	id := r.Licence.Identifier
	if _, err := o.Step(ctx, "test", id, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ApplyErasure(ctx, "甲", id, false, "本人申请"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ApproveErasure(ctx, "乙", id); err != nil {
		t.Fatal(err)
	}
}

// documentsIn opens the documents of a data folder as somebody does who has the folder
// and what opens its keys.
func documentsIn(t *testing.T, dir string) *documents.Store {
	t.Helper()
	keys, err := keystore.Config{}.Open(filepath.Join(dir, "keys"), keystore.Unlock{File: filepath.Join(dir, "kek")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := documents.Open(filepath.Join(dir, "documents"), keys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tells reports which of the named contents hold a digest in the clear, as bytes or in
// one of the usual writings.
func tells(contents map[string][]byte, sum [sm3.Size]byte) []string {
	writings := [][]byte{sum[:]}
	for _, text := range []string{hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])[:42], base64.RawURLEncoding.EncodeToString(sum[:])} {
		writings = append(writings, []byte(text), []byte(strings.ToUpper(text)))
	}
	var found []string
	for name, content := range contents {
		for _, w := range writings {
			if bytes.Contains(content, w) || bytes.Contains([]byte(name), w) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}

// filesIn reads every file below a folder.
func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// logOf is the audit log with the details beside it, as far as they can be read.
func logOf(t *testing.T, o *office.Office) []byte {
	t.Helper()
	var b bytes.Buffer
	err := o.AuditLog().Entries(ctx, func(e auditlog.Entry) error { return json.NewEncoder(&b).Encode(e) })
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestErasedPictures: when a licence is erased nothing that is left tells how its picture is
// read, in the data folder, in a backup of before or in what is restored from that with the
// record keys of now. Another licence with the same picture still shows it.
func TestErasedPictures(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	alone, gone, kept := issueOwnPicture(t, f, "008"), f.Issue(t, "004"), f.Issue(t, "001")
	if photo(t, gone) != photo(t, kept) || photo(t, alone) == photo(t, kept) {
		t.Fatal("the pictures are not as this test wants them")
	}
	// What a licence leaves behind in its life: renditions, looks, a copy, evidence, exports.
	for _, r := range []licence.Record{alone, gone} {
		if _, err := f.Office.PDF(ctx, "test", r); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.Licence(ctx, "test", r.Licence.Identifier); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.Code(ctx, "test", r); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.Copy(ctx, "test", r, office.CopyRequest{Recipient: "某银行", Purpose: "开户", Until: civil.Of(c.at) + 30}); err != nil {
			t.Fatal(err)
		}
	}
	content, oldKeys := f.Backup(t), f.RecordKeys(t)
	before, err := atrest.Check(ctx, f.Office, true)
	if err != nil {
		t.Fatal(err)
	}
	erase(t, f.Office, alone)
	erase(t, f.Office, gone)
	officetest.Whole(t, f.Office)
	if _, err := f.Office.PDF(ctx, "test", kept); err != nil {
		t.Errorf("the other licence is not printed: %v", err)
	}
	left := map[string][]byte{"backup": content, "log": logOf(t, f.Office)}
	sum := photo(t, alone)
	own, _ := documentsIn(t, f.Dir).NamesOf(sum)
	if found := tells(left, own.ID()); len(found) != 1 || found[0] != "backup" {
		t.Fatalf("the name of the picture's object is found in %q: a search that finds too little", found)
	}
	c.at = c.at.Add(time.Hour)
	for what, test := range map[string]struct {
		keys   io.Reader
		erased bool
	}{"record keys of before": {oldKeys, false}, "record keys of now": {f.RecordKeys(t), true}} {
		dir := filepath.Join(t.TempDir(), "restored")
		if _, err := atrest.Restore(ctx, dir, bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, test.keys)); err != nil {
			t.Fatal(err)
		}
		r := officetest.Open(t, dir, c.now)
		officetest.Whole(t, r.Office)
		if report, err := atrest.Check(ctx, r.Office, true); err != nil || report.Documents != before.Documents {
			t.Errorf("%s: %d documents, %v, want %d", what, report.Documents, err, before.Documents)
		}
		if _, err := r.Office.PDF(ctx, "test", kept); err != nil {
			t.Errorf("%s: the other licence is not printed: %v", what, err)
		}
		shown, err := r.Office.Licence(ctx, "test", alone.Licence.Identifier)
		if test.erased != errors.Is(err, licence.ErrErased) || !test.erased && photo(t, shown) != sum {
			t.Errorf("%s: the erased licence: %v", what, err)
		}
		if !test.erased {
			continue
		}
		left["log of the restored"] = logOf(t, r.Office)
		if err := r.Office.Close(); err != nil {
			t.Fatal(err)
		}
		for name, b := range filesIn(t, dir) {
			left[name] = b
		}
		// Whoever has everything tries every object with every digest that is left.
		s := documentsIn(t, dir)
		known := [][sm3.Size]byte{photo(t, kept)}
		for name, err := range s.Names(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			known = append(known, name.ID())
		}
		read := 0
		for _, k := range known {
			data, err := s.Get(ctx, k)
			if err == nil && sm3.Sum(data) == sum {
				t.Errorf("the erased licence's picture is read by %x", k)
			}
			if err == nil {
				read++
			}
		}
		if read == 0 || len(known) < 3 {
			t.Errorf("%d of %d documents are read: the other licence's is not", read, len(known))
		}
		r.Reopen(t) // for the fixture to close
	}
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range filesIn(t, f.Dir) {
		left[name] = b
	}
	if found := tells(left, sum); len(found) > 0 {
		t.Errorf("the digest of the erased licence's picture is told by %q", found)
	}
	f.Reopen(t)
}

// TestPicturesTakenOver: pictures of a folder of before are read as they are, rekeying puts
// each under a key of its own, and then an erasure reaches them.
func TestPicturesTakenOver(t *testing.T) {
	t.Parallel()
	h, dir := unpacked(t, "v0.1-format2")
	c := &clock{h.Made.Add(time.Minute)}
	f := officetest.Open(t, dir, c.now)
	shared := func() int {
		t.Helper()
		n := 0
		for name := range filesIn(t, filepath.Join(dir, "documents")) {
			if !strings.HasSuffix(name, "-own") {
				n++
			}
		}
		return n
	}
	id, err := licence.ParseIdentifier(h.Licences[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	printed := func() licence.Record {
		t.Helper()
		r, err := f.Office.Licence(ctx, "test", id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.PDF(ctx, "test", r); err != nil {
			t.Errorf("the licence is not printed: %v", err)
		}
		return r
	}
	r, old := printed(), shared()
	if old == 0 {
		t.Fatal("the folder has no pictures of before")
	}
	content := f.Backup(t)
	for _, want := range []int{old, 0} { // the second time nothing is left to do
		done, err := atrest.Rekey(ctx, f.Office.Folder(), "test", atrest.RekeyOptions{})
		if err != nil || done.Documents != want || done.Unreadable+done.Kept > 0 {
			t.Fatalf("rekeyed %+v, %v, want %d documents", done, err, want)
		}
		if n := shared(); n > 0 {
			t.Errorf("%d objects are still under the shared key", n)
		}
		printed()
		officetest.Whole(t, f.Office)
	}
	// A backup of before is restored with its pictures as they were.
	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := atrest.Restore(ctx, restored, bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, nil)); err != nil {
		t.Fatal(err)
	}
	sum := photo(t, r)
	if _, err := documentsIn(t, restored).Get(ctx, sum); err != nil {
		t.Errorf("the picture from a backup of before: %v", err)
	}
	erase(t, f.Office, r)
	officetest.Whole(t, f.Office)
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	for name := range filesIn(t, filepath.Join(dir, "documents")) {
		if strings.Contains(name, hex.EncodeToString(sum[:])) {
			t.Errorf("%s tells the digest of a picture", name)
		}
	}
	f.Reopen(t)
}
