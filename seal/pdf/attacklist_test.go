package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// The published attacks on signed PDF files, each on a file that is made here and with a
// seal that verifies before. Where an attack is a matter of one structure it is in the
// table of that structure:
//
//	universal signature forgery (USF), gaps, overlaps   TestFaults, TestFaultyValues
//	incremental saving (ISA)                            TestIncrement, TestBehindTheEnd
//	signature wrapping (SWA)                            TestSignatureWrapping
//	shadow: objects asleep, /Root exchanged             TestDormantObjects, TestIncrement
//	objects beside the cross-reference data             TestStrayObjects
//	objects of two roles, of other generations          TestDrawnRoles, TestGenerationAttacks
//	widget moved, hidden, dressed anew                  TestIncrement, TestSeenAttacks
//	time stamp that shows something, or is alone        TestTimeStampAttacks
//	slice moved, exchanged, removed, dressed anew       TestSeenAttacks
//	the signature of another field                      TestSignatureReused
//	what is slipped in before somebody else signs       TestSignedOver, TestFilledIn
//	another picture than the seal                       TestPictureIsTheSeal
//	slices that are not the seal                        TestStraddleIsTheSeal
//	a statement of what is seen that is not true        TestSeenIsNamedTruly
//
// The seals of the tests name what is seen of them, as those of the office do.

// attacked is a file before and after.
type attacked struct {
	name   string
	signed []byte
	change func(attacker)
	what   string // in the reason
}

// TestShadowAttacks: the signer is given a file in which something waits, and an
// increment that looks harmless wakes it (Mainka et al., 2021).
func TestShadowAttacks(t *testing.T) { eachProfile(t, testShadowAttacks) }

func testShadowAttacks(t *testing.T, s *signers) {
	covered := sample{page: "/Annots[5 0 R]", catalog: "/AcroForm 7 0 R", objects: []string{
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/Rect[60 400 300 430]/F 4/V(100)/DV(100)/DA(/Helv 12 Tf)>>",
		"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 22>>\nstream\n1 g 0 0 595 842 re f  \nendstream",
		"<</Fields[5 0 R]/DA(/Helv 0 Tf)/DR<</Font<</Helv 4 0 R>>>>>>",
		"<</Type/Pages/Kids[]/Count 0>>",
	}}
	overlay := sample{page: "/Annots[6 0 R]", objects: []string{
		"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 22>>\nstream\n1 g 0 0 595 842 re f  \nendstream",
		"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 595 842]/AP<</N 5 0 R>>>>",
	}}
	sign := func(f sample) []byte { return put(t, f.bytes(), s.stamp(120), s.sealContents) }
	for _, tt := range []attacked{
		{"hide: the overlay loses its ink", sign(overlay), func(a attacker) {
			a.PutStream(syntax.Ref{Num: 5}, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 595, 842})), []byte(" "))
		}, "object 5"},
		{"hide: the overlay is freed", sign(overlay), func(a attacker) { a.Put(syntax.Ref{Num: 5}, nil) }, "object 5"},
		{"hide: the overlay leaves the page", sign(overlay), func(a attacker) {
			w, _, _ := a.widget()
			a.set(7, "Annots", syntax.Array{syntax.Ref{Num: w}})
		}, "page 1"},
		{"replace: the font of the form", sign(covered), func(a attacker) { a.set(4, "BaseFont", syntax.Name("Symbol")) }, "object 4"},
		{"replace: the looks of a field", sign(covered), func(a attacker) {
			r := a.Fresh()
			a.PutStream(r, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 240, 30})), []byte(evil))
			a.set(5, "AP", syntax.DictOf("N", r))
		}, "/AP"},
		{"replace: the value of a field", sign(covered), func(a attacker) { a.set(5, "V", syntax.String("1000000")) }, "amount"},
		{"hide and replace: another catalog", sign(covered), func(a attacker) {
			pages, page := a.Fresh(), a.Fresh()
			contents := a.Fresh()
			a.PutStream(contents, &syntax.Dict{}, []byte(evil))
			a.Put(page, a.dict(9).With("Parent", pages).With("Contents", contents))
			a.Put(pages, syntax.DictOf("Type", syntax.Name("Pages"), "Kids", syntax.Array{page}, "Count", int64(1)))
			root := a.Fresh()
			a.Put(root, a.dict(1).With("Pages", pages))
			*a.doc.now.Trailer() = *a.doc.now.Trailer().With("Root", root)
		}, ""},
		{"hide and replace: another page tree", sign(covered), func(a attacker) {
			a.Put(syntax.Ref{Num: 8}, syntax.DictOf("Type", syntax.Name("Pages"), "Kids", syntax.Array{syntax.Ref{Num: 9}}, "Count", int64(1)))
			a.set(9, "Parent", syntax.Ref{Num: 8})
			a.set(1, "Pages", syntax.Ref{Num: 8})
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, s, tt)
		})
	}
}

// refused wants the signed file valid and the attacked one not.
func refused(t *testing.T, s *signers, tt attacked) {
	t.Helper()
	report, err := open(t, tt.signed).Verify(context.Background(), s.trust)
	if err != nil || !report.Valid() {
		t.Fatalf("before the attack: %v, %v", err, report.Err())
	}
	file := updated(t, tt.signed, tt.change)
	report, err = open(t, file).Verify(context.Background(), s.trust)
	if err != nil {
		return // the file is refused as a whole
	}
	err = report.Err()
	if report.Valid() || err == nil {
		t.Fatal("the attack goes unnoticed")
	}
	if !strings.Contains(err.Error(), tt.what) {
		t.Errorf("%v, want something about %q", err, tt.what)
	}
}

// TestCertificationAttacks: what a certifying signature allows is no room for others
// (Rohlmann et al., 2021: evil annotations, sneaky signatures). Here nothing counts that
// nobody answers for, whatever the certificate allows.
func TestCertificationAttacks(t *testing.T) { eachProfile(t, testCertificationAttacks) }

func testCertificationAttacks(t *testing.T, s *signers) {
	for level := 1; level <= 3; level++ {
		stamp := s.stamp(120)
		stamp.Certify = level
		certified := put(t, victim.bytes(), stamp, s.sealContents)
		if got := signatures(t, certified)[0].Certifies; got != level {
			t.Fatalf("certifies %d, want %d", got, level)
		}
		for _, tt := range []attacked{
			{"evil annotation", certified, func(a attacker) {
				a.add(9, "Annots", a.made("<</Type/Annot/Subtype/FreeText/Rect[60 380 300 440]/DA(/Helv 30 Tf)/Contents(1,000,000)>>"))
			}, "annotation"},
			{"evil stamp", certified, func(a attacker) {
				a.add(10, "Annots", a.made("<</Type/Annot/Subtype/Stamp/F 196/Rect[10 10 500 500]>>"))
			}, "annotation"},
			{"a field filled in", certified, func(a attacker) { a.set(5, "V", syntax.String("Wang Wei")) }, `"name"`},
			{"sneaky signature that signs nothing", certified, func(a attacker) {
				v := a.made("<</Type/Sig/Filter/F/SubFilter/adbe.pkcs7.detached/ByteRange[0 1 2 3]/Contents<3000>>>")
				w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(sneaky)/F 132/Rect[60 380 300 440]/V %d 0 R>>", v.Num))
				a.add(7, "Fields", w)
				a.add(9, "Annots", w)
			}, "sneaky"},
			{"another level of certification", certified, func(a attacker) {
				a.Put(a.sig.ref, a.dict(uint32(a.sig.Object)).With("Reference", syntax.Array{}))
			}, ""},
			{"certification taken away", certified, func(a attacker) { a.unset(1, "Perms") }, "/Perms"},
		} {
			t.Run(fmt.Sprintf("P=%d, %s", level, tt.name), func(t *testing.T) {
				t.Parallel()
				refused(t, s, tt)
			})
		}
	}
}

// TestSneakySignature: a stranger signs a certified file for real, with a picture over
// the text. The file is as good as its worst signature.
func TestSneakySignature(t *testing.T) { eachProfile(t, testSneakySignature) }

func testSneakySignature(t *testing.T, s *signers) {
	stranger := newSigners(t).in(s.profile)
	stamp := s.stamp(120)
	stamp.Certify = 2
	certified := put(t, victim.bytes(), stamp, s.sealContents)
	sneaky := stranger.stamp(20)
	sneaky.Marks[0].Y, sneaky.Marks[0].Width, sneaky.Marks[0].Height = 100, 90, 60
	report, err := open(t, put(t, certified, sneaky, stranger.sealContents)).Verify(context.Background(), s.trust)
	if err != nil {
		t.Fatal(err)
	}
	if report.Valid() || report.Signatures[0].Err() != nil || report.Signatures[1].Err() == nil {
		t.Errorf("the certified file with a stranger's signature: %v", report.Err())
	}
	// The owner of the certificate may sign again, as it allows.
	if report, err = open(t, put(t, certified, s.stamp(20), s.sealContents)).Verify(context.Background(), s.trust); err != nil || !report.Valid() {
		t.Errorf("certified and signed again: %v, %v", err, report.Err())
	}
	nothing := s.stamp(120)
	nothing.Certify = 1
	closed := put(t, victim.bytes(), nothing, s.sealContents)
	_, err = open(t, closed).Prepare(s.stamp(20))
	wantRefused(t, err, "certifies that nothing may be changed")
	_, err = open(t, certified).Prepare(stamp)
	wantRefused(t, err, "only the first signature can certify")
}

// TestSignedOver: somebody seals in good faith what was slipped in before. The new seal answers for the file as it is;
// the one before it does not count any more, though nothing follows the last signature. But a field may be filled in
// where the one before certifies that.
func TestSignedOver(t *testing.T) { eachProfile(t, testSignedOver) }

func testSignedOver(t *testing.T, s *signers) {
	for _, level := range []int{0, 2, 3} { // of certification; 0 is none
		stamp := s.stamp(120)
		stamp.Certify = level
		first := put(t, victim.bytes(), stamp, s.sealContents)
		for what, change := range map[string]func(attacker){
			"annotation": func(a attacker) {
				a.add(10, "Annots", a.made("<</Type/Annot/Subtype/Text/F 4/Rect[20 20 40 40]/Contents(paid)>>"))
			},
			"filled in": func(a attacker) { a.set(5, "V", syntax.String("Wang Wei")) },
			"/Rotate":   func(a attacker) { a.set(9, "Rotate", int64(180)) },
		} {
			t.Run(fmt.Sprintf("P=%d, %s", level, what), func(t *testing.T) {
				t.Parallel()
				file := put(t, updated(t, first, change), s.stamp(20), s.sealContents)
				report, err := open(t, file).Verify(context.Background(), s.trust)
				if err != nil {
					t.Fatal(err)
				}
				err = report.Signatures[0].Err()
				if allowed := level >= 2 && what == "filled in"; allowed && err != nil {
					t.Errorf("the first seal: %v", err)
				} else if !allowed && (!errors.Is(err, ErrModified) || !strings.Contains(err.Error(), what)) {
					t.Errorf("the first seal: %v, want something about %q", err, what)
				}
				if err := report.Signatures[1].Err(); err != nil || report.Uncovered != "" {
					t.Errorf("the second seal, which covers it: %v, %q", err, report.Uncovered)
				}
			})
		}
	}
}

// TestStampBeside: a stamp that comes with another signature is a part of that where it is locked, and a comment where
// it is not. Where there is a seal it keeps to its rectangle: one that does not turn or grow with the page would cover
// that.
func TestStampBeside(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	first := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	for flags, want := range map[int]string{4 + structure.Locked: "", 4: "annotation", 4 + 8 + structure.Locked: "rectangle", 4 + 16 + structure.Locked: "rectangle"} {
		file := updatedUnsigned(t, first, func(a attacker) {
			v := a.made(fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(D:20261123093000+08'00')/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
				SubFilterCAdES, strings.Repeat("00", tokenRoom)))
			w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(second)/F 132/Rect[0 0 0 0]/P 9 0 R/V %d 0 R>>", v.Num))
			a.add(7, "Fields", w)
			a.add(9, "Annots", w, a.made(fmt.Sprintf("<</Type/Annot/Subtype/Stamp/F %d/Rect[10 10 50 50]/P 9 0 R>>", flags)))
		})
		file = filled(t, file, func(digest [32]byte) []byte { return s.sign(t, ses.Stamp{Document: digest}) })
		report, err := open(t, file).Verify(context.Background(), s.trust)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Signatures[0].Err(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("with flags %d: %v", flags, err)
		}
	}
}

// TestFieldStaysPut: an empty field that another signature fills gets a look, and no other place,
// and none over a seal that came before.
func TestFieldStaysPut(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	for _, tt := range []struct {
		box   string
		page  string // that the field names: both list it
		flags int
		want  string
	}{
		{"20 20 140 140", "6 0 R", 4 + structure.Locked, ""}, {"20 20 140 140", "6 0 R", 4 + 8, "keep to its rectangle"}, {"20 20 140 140", "6 0 R", 4 + 16, "keep to its rectangle"},
		{"0 0 595 842", "6 0 R", 4, "over an earlier seal on page 1"}, {"0 0 595 842", "7 0 R", 4, "over an earlier seal on page 1"},
	} {
		waiting := sample{pages: 2, every: "/Annots[5 0 R]", catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</Type/Annot/Subtype/Widget/FT/Sig/T(second)/F 4/P " + tt.page + "/Rect[" + tt.box + "]>>"}}
		first := put(t, waiting.bytes(), s.stamp(120), s.sealContents)
		file := updatedUnsigned(t, first, func(a attacker) {
			v := a.made(fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(D:20261123093000+08'00')/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
				SubFilterCAdES, strings.Repeat("00", tokenRoom)))
			a.Put(syntax.Ref{Num: 5}, a.dict(5).With("V", v).With("F", int64(tt.flags)))
		})
		file = filled(t, file, func(digest [32]byte) []byte { return s.sign(t, ses.Stamp{Document: digest}) })
		report, err := open(t, file).Verify(context.Background(), s.trust)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Signatures[0].Err(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s of page %s with flags %d: %v", tt.box, tt.page, tt.flags, err)
		}
	}
}

// TestFilledIn: what was filled in as a certifying signature allows counts once a good signature
// answers for it, and is told; but not in a locked field.
func TestFilledIn(t *testing.T) { eachProfile(t, testFilledIn) }

func testFilledIn(t *testing.T, s *signers) {
	lock := func(action LockAction, fields ...string) *Lock { return &Lock{Action: action, Fields: fields} }
	fill := func(a attacker) { a.set(5, "V", syntax.String("Wang Wei")) }
	sealed := func(t *testing.T, file []byte) []byte {
		t.Helper()
		return put(t, file, s.stamp(20), s.sealContents)
	}
	stranger := newSigners(t).in(s.profile)
	stamper := newStamper(t)
	trust := s.trust
	trust.Seals.Stamps = stamper.verifier
	stamped := func(a attacker) {
		fill(a)
		w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(time)/F 132/Rect[0 0 0 0]/P 9 0 R/V %d 0 R>>", a.madeStamp("/Type/DocTimeStamp", SubFilterStamp).Num))
		a.add(7, "Fields", w)
		a.add(9, "Annots", w)
	}
	for _, tt := range []struct {
		name    string
		certify int
		lock    *Lock
		after   func(*testing.T, []byte) []byte // what happens to the certified file
		want    string                          // in the reason; empty: in order
	}{
		{"filled in, then sealed", 2, nil, func(t *testing.T, f []byte) []byte { return sealed(t, updated(t, f, fill)) }, ""},
		{"another field is locked", 2, lock(LockInclude, "other"), func(t *testing.T, f []byte) []byte { return sealed(t, updated(t, f, fill)) }, ""},
		{"the field is locked", 2, lock(LockInclude, "name"), func(t *testing.T, f []byte) []byte { return sealed(t, updated(t, f, fill)) }, "locked"},
		{"all others are locked", 3, lock(LockExclude, "Seal2"), func(t *testing.T, f []byte) []byte { return sealed(t, updated(t, f, fill)) }, "locked"},
		{"nobody signs it", 2, nil, func(t *testing.T, f []byte) []byte { return updated(t, f, fill) }, "filled in"},
		{"filled in behind the last seal", 3, nil, func(t *testing.T, f []byte) []byte { return updated(t, sealed(t, f), fill) }, "filled in"},
		{"only its time is proven", 2, nil, func(t *testing.T, f []byte) []byte { return stamper.onto(t, f, stamped) }, "filled in"},
		{"nobody knows who sealed it", 2, nil, func(t *testing.T, f []byte) []byte {
			return put(t, updated(t, f, fill), stranger.stamp(20), stranger.sealContents)
		}, "filled in"},
		{"it lies over the seal", 2, nil, func(t *testing.T, f []byte) []byte {
			return sealed(t, updated(t, f, fill))
		}, "over an earlier seal"},
		{"the later seal is broken", 2, nil, func(t *testing.T, f []byte) []byte {
			file := sealed(t, updated(t, f, fill))
			copy(file[bytes.LastIndex(file, []byte("Wang Wei")):], "Wang Wen")
			return file
		}, "filled in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stamp := s.stamp(120)
			stamp.Certify, stamp.Lock = tt.certify, tt.lock
			form := victim.bytes()
			if strings.Contains(tt.want, "over") {
				form = bytes.Replace(form, []byte("[10 10 90 30]"), []byte("[0 0 595 842]"), 1) // as long
			}
			file := tt.after(t, put(t, form, stamp, s.sealContents))
			report, err := open(t, file).Verify(context.Background(), trust)
			if err != nil {
				t.Fatal(err)
			}
			first := report.Signatures[0]
			if !slices.ContainsFunc(first.Changes, func(c revision.Change) bool { return c.Kind == revision.FormFill && c.Field == "name" }) {
				t.Errorf("the changes are %+v", first.Changes)
			}
			if err := first.Err(); tt.want == "" && (err != nil || report.Err() != nil) {
				t.Errorf("the first seal: %v; the file: %v", err, report.Err())
			} else if tt.want != "" && (!errors.Is(err, ErrModified) || !strings.Contains(err.Error(), tt.want) || report.Err() == nil) {
				t.Errorf("the first seal: %v, want %q; the file: %v", err, tt.want, report.Err())
			}
		})
	}
}

// TestUncovered: what nobody signed is told by what matters of it, whatever harmless changes
// stand around that.
func TestUncovered(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	file := updated(t, put(t, victim.bytes(), s.stamp(120), s.sealContents), func(a attacker) {
		a.set(1, "Version", syntax.Name("2.0"))
		a.set(9, "Rotate", int64(180))
	})
	report, err := open(t, file).Verify(context.Background(), s.trust)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Signatures[0].Changes) < 2 || !strings.Contains(report.Uncovered, "/Rotate") {
		t.Errorf("uncovered: %q; changes %+v", report.Uncovered, report.Signatures[0].Changes)
	}
}

// TestLocks: a lock of fields is written, that of an existing field is taken over, and a
// signature in a locked field is a change.
func TestLocks(t *testing.T) { eachProfile(t, testLocks) }

func testLocks(t *testing.T, s *signers) {
	for _, tt := range []struct {
		lock   Lock
		second string // the field that is signed later
		locked bool
	}{
		{Lock{Action: LockAll}, "Seal2", true},
		{Lock{Action: LockInclude, Fields: []string{"Seal2"}}, "Seal2", true},
		{Lock{Action: LockInclude, Fields: []string{"name"}}, "Seal2", false},
		{Lock{Action: LockExclude, Fields: []string{"Seal2"}}, "Seal2", false},
		{Lock{Action: LockExclude, Fields: []string{"name"}}, "Seal2", true},
	} {
		stamp := s.stamp(120)
		stamp.Lock = &tt.lock
		file := put(t, victim.bytes(), stamp, s.sealContents)
		if _, err := open(t, file).Prepare(s.stamp(20)); (err != nil) != tt.locked {
			t.Errorf("%+v: signing %s: %v", tt.lock, tt.second, err)
		}
		// A program that does not care signs all the same.
		report := &Signed{Signature: signatures(t, file)[0]}
		report.Changes = []revision.Change{{Kind: revision.SignatureAdded, Field: tt.second, What: "a signature"}}
		if err := report.laterChanges(0, nil); errors.Is(err, ErrModified) != tt.locked {
			t.Errorf("%+v: a signature in %s: %v", tt.lock, tt.second, err)
		}
	}
	asks := sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[5 0 R]", objects: []string{
		"<</Type/Annot/Subtype/Widget/T(f)/FT/Sig/Rect[100 100 250 250]/F 4/Lock<</Type/SigFieldLock/Action/Include/Fields[(a)(b)]>>>>"}}
	stamp := s.stamp(0)
	stamp.Field, stamp.Marks[0].Page, stamp.Marks[0].X, stamp.Marks[0].Y = "f", 0, 0, 0
	got := signatures(t, put(t, asks.bytes(), stamp, s.sealContents))[0].locks
	if got.action != syntax.Name("Include") || strings.Join(got.fields, ",") != "a,b" {
		t.Errorf("the field's lock came out as %+v", got)
	}
	for _, l := range []Lock{{}, {Action: "Some"}, {Action: LockAll, Fields: []string{"a"}}, {Action: LockInclude}, {Action: LockExclude, Fields: []string{"\x00"}}} {
		stamp := s.stamp(120)
		stamp.Lock = &l
		if _, err := open(t, victim.bytes()).Prepare(stamp); err == nil {
			t.Errorf("a lock of %+v is written", l)
		}
	}
}

// TestHybridDifferential: an increment with one table for old readers and one for new
// ones is a change, and tables that disagree are refused.
func TestHybridDifferential(t *testing.T) { eachProfile(t, testHybridDifferential) }

func testHybridDifferential(t *testing.T, s *signers) {
	hybrid := sample{hybrid: true}.bytes()
	file := put(t, hybrid, s.stamp(120), s.sealContents)
	report, err := open(t, file).Verify(context.Background(), s.trust)
	if err != nil || !report.Valid() {
		t.Fatalf("a hybrid file that was signed as such: %v, %v", err, report.Err())
	}
	wantCaution(t, file, CautionHybrid, "old readers")

	plain := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	doc := open(t, plain)
	w, err := doc.file.NewIncrement()
	if err != nil {
		t.Fatal(err)
	}
	contents := w.Fresh()
	w.PutStream(contents, &syntax.Dict{}, []byte(evil))
	page, err := doc.now.Dict(syntax.Ref{Num: 9})
	if err != nil {
		t.Fatal(err)
	}
	evilPage := w.Offset()
	w.Put(syntax.Ref{Num: 9}, page.With("Contents", contents))
	at := w.Offset()
	self := w.Fresh()
	row := func(kind byte, n int64) []byte {
		return []byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 0}
	}
	w.PutStream(self, syntax.DictOf("Type", syntax.Name("XRef"), "Size", int64(w.Next), "W", syntax.Array{int64(1), int64(4), int64(2)},
		"Index", syntax.Array{int64(9), int64(1)}, "Root", syntax.Ref{Num: 1}), row(1, evilPage))
	old := fmt.Appendf(nil, "xref\n0 0\ntrailer\n<</Size %d/Root 1 0 R/Prev %d/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n", w.Next, startxref(plain), at, w.Offset())
	attackedFile := append(append(bytes.Clone(plain), w.Out...), old...)
	d, err := Open(bytes.NewReader(attackedFile), int64(len(attackedFile)))
	if err != nil {
		return // refused as a whole
	}
	if report, err = d.Verify(context.Background(), s.trust); err == nil && report.Valid() {
		t.Error("new readers see another page, and it goes unnoticed")
	}
}

func wantCaution(t *testing.T, file []byte, kind CautionKind, what string) {
	t.Helper()
	list, err := open(t, file).Cautions()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Kind == kind && strings.Contains(c.What, what) {
			if strings.Contains(c.What, "page 1") != (c.Page == 1) {
				t.Errorf("the caution %+v is of another page", c)
			}
			return
		}
	}
	t.Errorf("cautions: %+v, want %s about %q", list, kind, what)
}

// TestCautions: what can look otherwise without a byte changed is named, whether or not
// the file is signed.
func TestCautions(t *testing.T) {
	t.Parallel()
	js := "<</S/JavaScript/JS(app.alert(1))>>"
	for _, tt := range []struct {
		name string
		file sample
		kind CautionKind // "" for none
		what string
	}{
		{"nothing", victim, "", ""},
		{"going to a page", sample{catalog: "/OpenAction[9 0 R/Fit]"}, "", ""},
		{"script at the beginning", sample{catalog: "/OpenAction" + js}, CautionScript, "the document"},
		{"script in a chain", sample{catalog: "/OpenAction<</S/GoTo/D[5 0 R/Fit]/Next[5 0 R]>>", objects: []string{js}}, CautionScript, "the document"},
		{"a circle of actions", sample{catalog: "/OpenAction 5 0 R", objects: []string{"<</S/GoTo/Next 5 0 R>>"}}, "", ""},
		{"script before printing", sample{catalog: "/AA<</WP" + js + ">>"}, CautionScript, "the document"},
		{"scripts by name", sample{catalog: "/Names<</JavaScript<</Names[(a)5 0 R]>>>>", objects: []string{js}}, CautionScript, "/Names"},
		{"script of a page", sample{page: "/AA<</O" + js + ">>"}, CautionScript, "page 1"},
		{"script of an annotation", sample{page: "/Annots[<</Subtype/Link/Rect[0 0 1 1]/A" + js + ">>]"}, CautionScript, "page 1"},
		{"script of a field", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{"<</T(x)/FT/Tx/AA<</K" + js + ">>>>"}}, CautionScript, `"x"`},
		{"a program", sample{catalog: "/OpenAction<</S/Launch/F(x.exe)>>"}, CautionAction, "Launch"},
		{"sending the form", sample{page: "/AA<</C<</S/SubmitForm/F(http://x)>>>>"}, CautionAction, "SubmitForm"},
		{"hiding", sample{page: "/AA<</O<</S/Hide/T(x)>>>>"}, CautionLayer, "Hide"},
		{"layers", sample{catalog: "/OCProperties<</OCGs[5 0 R]/D<</OFF[5 0 R]>>>>", objects: []string{"<</Type/OCG/Name(x)>>"}}, CautionLayer, "1 are off"},
		{"layers for the printer", sample{catalog: "/OCProperties<</OCGs[5 0 R]/D<</AS[<</Event/Print>>]>>>>", objects: []string{"<</Type/OCG/Name(x)>>"}}, CautionLayer, "printed"},
		{"an annotation on conditions", sample{page: "/Annots[<</Subtype/Stamp/Rect[0 0 1 1]/OC 5 0 R>>]", objects: []string{"<</Type/OCG/Name(x)>>"}}, CautionLayer, "page 1"},
		{"XFA", sample{catalog: "/AcroForm<</Fields[]/XFA[]>>"}, CautionXFA, "XFA"},
		{"attachments", sample{catalog: "/Names<</EmbeddedFiles<</Names[]>>>>"}, CautionAttachment, "inside"},
		{"portfolio", sample{catalog: "/Collection<<>>"}, CautionAttachment, "portfolio"},
		{"hybrid", sample{hybrid: true}, CautionHybrid, "old readers"},
		{"something before its header", sample{junk: "<html><!-- "}, CautionHybrid, "before the header"},
		{"an archive inside", sample{objects: []string{"<</Length 22>>\nstream\nPK\x05\x06" + strings.Repeat("\x00", 18) + "\nendstream"}}, CautionHybrid, "ZIP"},
		{"a film", sample{page: "/Annots[<</Subtype/RichMedia/Rect[0 0 1 1]>>]"}, CautionAction, "RichMedia"},
		{"a file on a page", sample{page: "/Annots[<</Subtype/FileAttachment/Rect[0 0 1 1]>>]"}, CautionAttachment, "page 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.kind != "" {
				wantCaution(t, tt.file.bytes(), tt.kind, tt.what)
				return
			}
			if list, err := open(t, tt.file.bytes()).Cautions(); err != nil || len(list) > 0 {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}
