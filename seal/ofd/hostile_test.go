package ofd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// replaced is files with one of them changed; it must be there.
func replaced(tb testing.TB, files []file, name string, change func(string) string) []file {
	tb.Helper()
	out := slices.Clone(files)
	at := slices.IndexFunc(out, func(f file) bool { return f.name == name })
	if at < 0 {
		tb.Fatalf("there is no %s", name)
	}
	out[at].content = change(out[at].content)
	return out
}

// TestFilesOfAPerson: only a seal brings a file of its own beside the signature, which is held
// to what signed. What a person's signature calls its seal is a file like any other: it must be
// covered, and shows a seal that has signed nothing.
func TestFilesOfAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const place, page = `<ofd:StampAnnot ID="1" PageRef="1" Boundary="50 60 42 42"/>`, "Doc_0/Pages/Page_0/Content.xml"
	beside := func(name string) string {
		return `<ofd:Seal><ofd:BaseLoc>` + name + `</ofd:BaseLoc></ofd:Seal>`
	}
	image := `<ofd:Seal><ofd:BaseLoc>Seal.esl</ofd:BaseLoc><ofd:ImageLoc>/` + page + `</ofd:ImageLoc></ofd:Seal>`
	for name, tt := range map[string]struct {
		info    string
		without []string
		err     error
	}{
		"nothing beside it":      {"", nil, nil},
		"a place without a seal": {place, nil, nil},
		"a seal that is covered": {beside("Seal.esl"), nil, nil},
		"a seal that is not":     {beside("Seal.esl"), []string{sealFile}, ErrPartial},
		"a page as its seal":     {beside("/" + page), []string{page}, ErrPartial},
		"a seal that is shown":   {place + beside("Seal.esl"), nil, ErrPicture},
		"a picture that is":      {place + image, nil, ErrPicture},
	} {
		report := verify(t, pack(t, d.sign(KindSign, d.signable(), tt.info, tt.without...)), d.trust)
		if !errors.Is(report.Err(), tt.err) || (tt.err == nil) != report.Valid() {
			t.Errorf("%s: %v, want %v", name, report.Err(), tt.err)
		}
	}
	report := verify(t, pack(t, d.sign(KindSeal, d.signable(), beside("Seal.esl"), sealFile)), d.trust)
	if !report.Valid() {
		t.Errorf("a seal beside its signature need not be covered: %v", report.Err())
	}
}

// TestSecondSignature: what a later signature does not cover breaks nothing but itself, what it
// brings along is a file of the document unless it is its own, and no list names one twice.
func TestSecondSignature(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.sign(KindSeal, d.signable(), "")
	list := func(entries string) func(string) string {
		return func(s string) string { return strings.Replace(s, "</ofd:Signatures>", entries+"</ofd:Signatures>", 1) }
	}
	const own, value = "Doc_0/Signs/Sign_1/Signature.xml", "Doc_0/Signs/Sign_1/SignedValue.dat"
	// second signs as a person, covering these files, with more in its Signature.xml.
	second := func(covers []string, inside string, more ...file) []file {
		files := append(slices.Clone(first), more...)
		var covered []file
		for _, f := range files {
			if slices.Contains(covers, f.name) {
				covered = append(covered, f)
			}
		}
		signed := d.sign(KindSign, covered, "")
		xml := strings.Replace(signed[len(signed)-2].content, "<ofd:SignedValue>", inside+"<ofd:SignedValue>", 1)
		entry := `<ofd:Signature ID="2" Type="Sign" BaseLoc="/` + own + `"/>`
		return append(replaced(t, files, listFile, list(entry)), file{own, xml}, file{value, string(d.value(KindSign, []byte(xml)))})
	}
	var all []string
	for _, f := range first {
		all = append(all, f.name)
	}
	all = slices.DeleteFunc(all, func(name string) bool { return name == listFile })
	added := file{"Doc_0/Annots/Annotations.xml", "<x/>"}
	for name, tt := range map[string]struct {
		files  []file
		errors []error // of each signature
	}{
		"all":                      {second(all, ""), []error{nil, nil}},
		"less":                     {second(all[:2], ""), []error{nil, ErrPartial}},
		"a file more, and covered": {second(append(all, added.name), "", added), []error{ErrPartial, nil}},
		"a file more":              {second(all, "", added), []error{ErrPartial, ErrPartial}},
		"a page in its own file":   {second(all, "<ofd:Content><ofd:Layer/></ofd:Content>"), []error{ErrPartial, ErrMalformed}},
		"a copy of the first": {append(replaced(t, first, listFile, list(`<ofd:Signature ID="2" BaseLoc="/`+own+`"/>`)),
			file{own, first[len(first)-2].content}, file{value, first[len(first)-1].content}), []error{ErrPartial, ErrProperty}},
	} {
		report := verify(t, pack(t, tt.files), d.trust)
		if len(report.Signatures) != len(tt.errors) {
			t.Errorf("%s: %d signatures", name, len(report.Signatures))
			continue
		}
		for i, want := range tt.errors {
			if err := report.Signatures[i].Err(); !errors.Is(err, want) {
				t.Errorf("%s: signature %d: %v, want %v", name, i+1, err, want)
			}
		}
	}
	twice := replaced(t, first, listFile, list(`<ofd:Signature ID="2" BaseLoc="/`+ownFile+`"/>`))
	if _, err := judge(pack(t, twice), d.trust); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a signature that is listed twice: %v", err)
	}
	other := replaced(t, first, listFile, func(s string) string { return strings.Replace(s, `Type="Seal"`, `Type="Sign"`, 1) })
	if report := verify(t, pack(t, other), d.trust); report.Valid() {
		t.Error("a seal that is listed as a person's signature is valid")
	}
	numbered := replaced(t, first, listFile, func(s string) string {
		return strings.Replace(s, "<ofd:Signature ", "<ofd:MaxSignId>77</ofd:MaxSignId><ofd:Signature ", 1)
	})
	if report := verify(t, pack(t, numbered), d.trust); !report.Valid() {
		t.Errorf("another highest number: %v", report.Err())
	}
}

// TestSeveralDocuments: each document of a package has signatures of its own, and each of them
// covers the whole package.
func TestSeveralDocuments(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	body := `<ofd:DocBody><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot></ofd:DocBody>`
	if _, err := judge(pack(t, replaced(t, plainFiles(), entryName, func(s string) string {
		return strings.Replace(s, "</ofd:OFD>", strings.Replace(body, "Doc_1", "Doc_0", 1)+"</ofd:OFD>", 1)
	})), d.trust); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "two documents") {
		t.Errorf("one document twice: %v", err)
	}
	for name, entry := range map[string]string{"one list": listFile, "one signature": "Doc_1/Signatures.xml"} {
		second := strings.Replace(body, "</ofd:DocRoot>", "</ofd:DocRoot><ofd:Signatures>"+entry+"</ofd:Signatures>", 1)
		files := replaced(t, d.sign(KindSeal, d.signable(), ""), entryName, func(s string) string { return strings.Replace(s, "</ofd:OFD>", second+"</ofd:OFD>", 1) })
		files = append(files, file{"Doc_1/Document.xml", documentXML}, file{"Doc_1/Signatures.xml", files[len(files)-3].content})
		if _, err := judge(pack(t, files), d.trust); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "tw") {
			t.Errorf("%s of two documents: %v", name, err)
		}
	}
	another := file{"Doc_1/Document.xml", `<ofd:Document` + space + `><ofd:Pages/></ofd:Document>`}
	with := func(old, replacement string, more ...file) []file {
		return replaced(t, d.signable(more...), entryName, func(s string) string { return strings.Replace(s, old, replacement, 1) })
	}
	for name, tt := range map[string]struct {
		files   []file
		without []string
		err     error
		caution string
	}{
		"two":                  {with("</ofd:OFD>", body+"</ofd:OFD>", another), nil, nil, "2 documents"},
		"one that is left out": {with("</ofd:OFD>", body+"</ofd:OFD>", another), []string{another.name}, ErrPartial, "2 documents"},
		"versions": {with("</ofd:DocRoot>", `</ofd:DocRoot><ofd:Versions><ofd:Version ID="1" Index="1" Current="true" BaseLoc="Doc_0/V.xml"/></ofd:Versions>`, file{"Doc_0/V.xml", "<x/>"}),
			nil, nil, "has versions"},
		"a version that is left out": {with("</ofd:DocRoot>", `</ofd:DocRoot><ofd:Versions><ofd:Version ID="1" Index="1" Current="true" BaseLoc="Doc_0/V.xml"/></ofd:Versions>`, file{"Doc_0/V.xml", "<x/>"}),
			[]string{"Doc_0/V.xml"}, ErrPartial, "has versions"},
		"attachments, tags and extensions": {replaced(t, d.signable(), "Doc_0/Document.xml", func(s string) string {
			return strings.Replace(s, "</ofd:Document>", "<ofd:Attachments>Attachments.xml</ofd:Attachments><ofd:CustomTags>a.xml</ofd:CustomTags><ofd:Extensions>b.xml</ofd:Extensions></ofd:Document>", 1)
		}), nil, nil, "files travel"},
		"an action": {replaced(t, d.signable(), "Doc_0/Document.xml", func(s string) string {
			return strings.Replace(s, "</ofd:Document>", `<ofd:Actions><ofd:Action Event="DO"/></ofd:Actions></ofd:Document>`, 1)
		}), nil, nil, "acts when it is opened"},
	} {
		report := verify(t, pack(t, d.sign(KindSeal, tt.files, "", tt.without...)), d.trust)
		if !errors.Is(report.Err(), tt.err) || (tt.err == nil) != report.Valid() || !strings.Contains(fmt.Sprint(report.Cautions), tt.caution) {
			t.Errorf("%s: %v, cautions %v, want %v, %q", name, report.Err(), report.Cautions, tt.err, tt.caution)
		}
	}
}

// TestManyPages: the pages of all documents are bounded together.
func TestManyPages(t *testing.T) {
	t.Parallel()
	var pages strings.Builder
	for i := range maxPages/2 + 1 {
		fmt.Fprintf(&pages, `<Page ID="%d"/>`, i)
	}
	document := `<Document><Pages>` + pages.String() + `</Pages></Document>`
	files := []file{
		{entryName, `<OFD><DocBody><DocRoot>a.xml</DocRoot></DocBody><DocBody><DocRoot>b.xml</DocRoot></DocBody></OFD>`}, {"a.xml", document}, {"b.xml", document},
	}
	if _, err := judge(pack(t, files), Trust{}); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "pages") {
		t.Errorf("%v", err)
	}
}

// TestCautionsOfEachKind: many of one kind leave room for those of another.
func TestCautionsOfEachKind(t *testing.T) {
	t.Parallel()
	var r Report
	for i := range 10 * maxCautions {
		r.note(CautionVersion, "%d", i)
	}
	r.note(CautionSeal, "a seal")
	r.note(CautionSeal, "a seal")
	if n := len(r.Cautions); n != maxCautions+1 || r.Cautions[maxCautions].Kind != CautionSeal {
		t.Errorf("%d cautions, the last one is %+v", n, r.Cautions[n-1])
	}
}

// TestNamesAndText: a place leads to one file for every reader, and a file is one text.
func TestNamesAndText(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	files := d.signable()
	signed := d.sign(KindSeal, files, "")
	wide := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	sure := func(change func(string) string) []file {
		return d.sign(KindSeal, replaced(t, files, entryName, change), "")
	}
	for name, tt := range map[string]struct {
		files []file
		err   error // nil: it is valid
	}{
		"as it is":                {signed, nil},
		"a mark of byte order":    {sure(func(s string) string { return "\ufeff" + s }), nil},
		"two of them":             {sure(func(s string) string { return "\ufeff\ufeff" + s }), ErrMalformed},
		"UTF-16":                  {sure(wide), ErrMalformed},
		"the older namespace":     {sure(func(s string) string { return strings.ReplaceAll(s, "/2016", "") }), nil},
		"a namespace of its own":  {sure(func(s string) string { return strings.ReplaceAll(s, "/2016", "/2031") }), ErrMalformed},
		"a prefix of nothing":     {sure(func(s string) string { return strings.ReplaceAll(s, "ofd:", "o:") }), ErrMalformed},
		"another case in a place": {sure(func(s string) string { return strings.Replace(s, "Doc_0/Document.xml", "doc_0/Document.xml", 1) }), ErrMalformed},
		"a place from the root":   {sure(func(s string) string { return strings.Replace(s, ">Doc_0/Document.xml", ">/Doc_0/Document.xml", 1) }), nil},
		"a place that climbs": {sure(func(s string) string {
			return strings.Replace(s, ">Doc_0/Document.xml", ">Doc_0/../Doc_0/Document.xml", 1)
		}), ErrMalformed},
		"a place in percent":                     {sure(func(s string) string { return strings.Replace(s, ">Doc_0/Document.xml", ">Doc%5F0/Document.xml", 1) }), ErrMalformed},
		"a file in another case":                 {append(slices.Clone(signed), file{"doc_0/document.XML", ""}), ErrMalformed},
		"a long s for an s":                      {append(slices.Clone(signed), file{"Doc_0/\u017figns/Signatures.xml", ""}), ErrMalformed},
		"a dot at the end":                       {append(slices.Clone(signed), file{"Doc_0/Document.xml.", ""}), ErrMalformed},
		"a space at the end":                     {append(slices.Clone(signed), file{"Doc_0 /Document.xml", ""}), ErrMalformed},
		"a file below a file":                    {append(slices.Clone(signed), file{"Doc_0/Document.xml/a", ""}), ErrMalformed},
		"a signature of the same name beside it": {append(slices.Clone(signed), file{"Sign_0/Signature.xml", signed[len(signed)-2].content}), ErrPartial},
		"a list from its folder":                 {replaced(t, signed, listFile, func(s string) string { return strings.Replace(s, "/"+ownFile, "Sign_0/Signature.xml", 1) }), nil},
	} {
		report, err := judge(pack(t, tt.files), d.trust)
		if err == nil {
			err = report.Err()
		}
		if !errors.Is(err, tt.err) || (tt.err == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
	// Composed or not, a name is one for some file systems.
	twice := append(slices.Clone(signed), file{"Doc_0/\u00e9.xml", ""}, file{"Doc_0/e\u0301.xml", ""})
	if _, err := judge(pack(t, twice), d.trust); !errors.Is(err, archive.ErrMalformed) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a name in two compositions: %v", err)
	}
}
