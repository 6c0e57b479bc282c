// Package pagetext finds where words stand on the pages of a PDF, so that a seal can be
// put over 「（盖章）」.
//
// Reading the text of foreign files is left to PDFium, the reader inside Chromium. It
// runs as WebAssembly: it sees the bytes of the one file, no other file, no network and
// no clock, has at most 256 MiB, and cannot touch the memory of this program. What it
// answers decides where a seal is shown and nothing else: whether a file may be sealed,
// and what is signed, is for package seal/pdf alone.
//
// White space makes no difference, full-width and half-width forms neither: words that
// the file sets in several runs, with gaps, or over the end of a line are found too.
// Words that are drawn as outlines or pictures are not text and are not found.
//
// It finds as well where nothing stands, so that what is printed on a page covers nothing.
package pagetext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"golang.org/x/text/unicode/norm"
)

// ErrTooLarge says that a file is larger than [MaxFile].
var ErrTooLarge = errors.New("of a file of more than 128 MiB the words are not looked for")

// MaxFile is the largest file that is searched, in bytes.
const MaxFile = 128 << 20

// Limits of what is looked for and found.
const (
	maxWords  = 100               // characters
	maxOnPage = 1 << 20           // characters of a page that are read
	memory    = 256 << 20 / 65536 // WebAssembly pages
)

// Hit is one place where the words stand.
type Hit struct {
	Page int // 1 is the first
	// First is the box of what stands on the first line, Last of what stands on the
	// last one; the same where the words are on one line. Left, bottom, right, top in
	// the page's own coordinates (ISO 32000-1, 8.3.2.3).
	First, Last [4]float64
}

// Finder searches files. It is safe for concurrent use and searches one file at a time.
type Finder struct {
	cache string

	mu   sync.Mutex
	pool pdfium.Pool // nil before the first search
}

// New returns a finder that keeps PDFium as it was compiled for this machine in a
// folder, which is made if it is missing: compiling takes seconds. Whoever can write to
// the folder can run code as this program, so it must be as closed as the program itself.
func New(cache string) *Finder { return &Finder{cache: cache} }

// Close gives back what the finder holds.
func (f *Finder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pool == nil {
		return nil
	}
	pool := f.pool
	f.pool = nil
	return pool.Close()
}

// Find returns where words stand on the given pages, in the order of the pages and of
// their text. ctx is looked at before each page.
func (f *Finder) Find(ctx context.Context, file io.ReaderAt, size int64, words string, pages []int) ([]Hit, error) {
	wanted := []rune(fold(words))
	if len(wanted) == 0 || len(wanted) > maxWords {
		return nil, fmt.Errorf("words to look for are not 1 to %d characters", maxWords)
	}
	return f.search(ctx, file, size, pages, func(page []glyph) []Hit { return find(wanted, page) })
}

// FindDates returns where dates stand as they are written under documents, such as
// 2026年11月26日 and 二〇二六年十一月二十六日, as Find does.
func (f *Finder) FindDates(ctx context.Context, file io.ReaderAt, size int64, pages []int) ([]Hit, error) {
	return f.search(ctx, file, size, pages, findDates)
}

// search asks on each page where what is wanted stands.
func (f *Finder) search(ctx context.Context, file io.ReaderAt, size int64, pages []int, on func(page []glyph) []Hit) ([]Hit, error) {
	var hits []Hit
	err := f.read(file, size, func(reader pdfium.Pdfium, doc references.FPDF_DOCUMENT) error {
		for _, n := range pages {
			if err := ctx.Err(); err != nil {
				return err
			}
			text, err := reader.GetPageTextStructured(&requests.GetPageTextStructured{
				Page: requests.Page{ByIndex: &requests.PageByIndex{Document: doc, Index: n - 1}},
				Mode: requests.GetPageTextStructuredModeChars,
			})
			if err != nil {
				return fmt.Errorf("reading the text of page %d: %w", n, err)
			}
			for _, h := range on(glyphs(text.Chars)) {
				h.Page = n
				hits = append(hits, h)
			}
		}
		return nil
	})
	return hits, err
}

// locked is a file that may be encrypted, and knows the password that opened it.
type locked interface{ Password() string }

// read opens a file for one reader and gives back what that held.
func (f *Finder) read(file io.ReaderAt, size int64, with func(pdfium.Pdfium, references.FPDF_DOCUMENT) error) error {
	if size > MaxFile {
		return ErrTooLarge
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.start(); err != nil {
		return err
	}
	reader, err := f.pool.GetInstance(time.Minute)
	if err != nil {
		return fmt.Errorf("starting the reader of page texts: %w", err)
	}
	open := &requests.OpenDocument{FileReader: io.NewSectionReader(file, 0, size), FileReaderSize: size}
	if f, ok := file.(locked); ok && f.Password() != "" {
		password := f.Password()
		open.Password = &password
	}
	doc, err := reader.OpenDocument(open)
	if err != nil {
		err = fmt.Errorf("reading the text of the pages: %w", err)
	} else {
		err = with(reader, doc.Document)
	}
	return errors.Join(err, reader.Close())
}

// start compiles PDFium, or takes it from the cache.
func (f *Finder) start() error {
	if f.pool != nil {
		return nil
	}
	if err := os.MkdirAll(f.cache, 0o700); err != nil {
		return fmt.Errorf("starting the reader of page texts: %w", err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Clean(f.cache))
	if err != nil {
		return fmt.Errorf("starting the reader of page texts: %w", err)
	}
	f.pool, err = webassembly.Init(webassembly.Config{
		MaxTotal: 1, MaxIdle: 1, Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfig().WithMemoryLimitPages(memory).WithCompilationCache(cache),
		// Without one the library would let PDFium see every file of the machine.
		FSConfig: wazero.NewFSConfig(),
	})
	if err != nil {
		return fmt.Errorf("starting the reader of page texts: %w", err)
	}
	return nil
}

// glyph is a visible character with its box.
type glyph struct {
	rune rune
	box  [4]float64
}

// glyphs returns the visible characters of a page. One that stands for several, such as
// a ligature or ⑴, is each of them in the same place.
func glyphs(chars []*responses.GetPageTextStructuredChar) []glyph {
	var out []glyph
	for _, c := range chars {
		for _, r := range fold(c.Text) {
			p := c.PointPosition
			out = append(out, glyph{r, [4]float64{p.Left, p.Bottom, p.Right, p.Top}})
		}
		if len(out) > maxOnPage {
			break
		}
	}
	return out
}

// fold takes away what makes no difference.
func fold(s string) string {
	var out []rune
	for _, r := range norm.NFKC.String(s) {
		if !unicode.IsSpace(r) && !unicode.IsControl(r) {
			out = append(out, r)
		}
	}
	return string(out)
}

// find returns where the words stand among the glyphs of a page.
func find(words []rune, page []glyph) []Hit {
	var hits []Hit
	for at := 0; at+len(words) <= len(page); at++ {
		if !begins(page[at:], words) {
			continue
		}
		hits = append(hits, hit(page[at:at+len(words)]))
		at += len(words) - 1
	}
	return hits
}

// dates finds dates in folded text. Years, months and days that there cannot be are left
// to people: whatever stands there, the seal goes over it.
const dates = `(?:[0-9]{4}|[〇○零一二三四五六七八九]{4})年(?:[0-9]{1,2}|[一二三四五六七八九十]{1,2})月(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})日`

// findDates returns where dates stand among the glyphs of a page.
func findDates(page []glyph) []Hit {
	var text strings.Builder
	starts := make([]int, 0, len(page)+1) // of each glyph in text
	for _, g := range page {
		starts = append(starts, text.Len())
		text.WriteRune(g.rune)
	}
	starts = append(starts, text.Len())
	var hits []Hit
	for _, at := range regexp.MustCompile(dates).FindAllStringIndex(text.String(), -1) {
		from, _ := slices.BinarySearch(starts, at[0])
		to, _ := slices.BinarySearch(starts, at[1])
		hits = append(hits, hit(page[from:to]))
	}
	return hits
}

func begins(page []glyph, words []rune) bool {
	for i, r := range words {
		if page[i].rune != r {
			return false
		}
	}
	return true
}

// hit gathers the boxes of glyphs by line.
func hit(found []glyph) Hit {
	h := Hit{First: found[0].box, Last: found[0].box}
	lines := 1
	for i, g := range found[1:] {
		if !sameLine(found[i].box, g.box) {
			lines++
			h.Last = g.box
		}
		h.Last = union(h.Last, g.box)
		if lines == 1 {
			h.First = union(h.First, g.box)
		}
	}
	return h
}

// sameLine reports whether a glyph goes on where another one ended, in any direction of
// writing: their boxes share a band, and no more than a few characters lie between them.
func sameLine(a, b [4]float64) bool {
	size := max(a[2]-a[0], a[3]-a[1], b[2]-b[0], b[3]-b[1])
	across := min(a[3], b[3]) - max(a[1], b[1])
	upright := min(a[2], b[2]) - max(a[0], b[0])
	const gap = 6 // characters
	switch {
	case across > 0:
		return -upright < gap*size
	case upright > 0:
		return -across < size
	default: // marks such as 「 and 、 lie low or high in their place
		return -across < size/2 && -upright < gap*size
	}
}

func union(a, b [4]float64) [4]float64 {
	return [4]float64{min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])}
}
