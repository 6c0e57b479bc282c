package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// asset is a file that pages load, in the forms in which it can be sent.
type asset struct {
	contentType string
	tag         string // of the content: its ETag, and a part of the version of the whole
	plain       []byte // nil if it was only embedded compressed
	br, gzip    []byte // nil if it was not compressed
}

// contentTypes are those of the pages' files; the system's table of them may be anything.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".wasm": "application/wasm",
	".webmanifest": "application/manifest+json",
}

// readAssets reads a folder; NAME.br and NAME.gz are forms of NAME.
func readAssets(dir fs.FS) (map[string]*asset, error) {
	assets := make(map[string]*asset)
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		form := path.Ext(name)
		if form == ".br" || form == ".gz" {
			name = strings.TrimSuffix(name, form)
		}
		contentType, known := contentTypes[path.Ext(name)]
		if !known {
			return nil // the note that keeps the folder
		}
		if assets[name] == nil {
			assets[name] = &asset{contentType: contentType}
		}
		switch a := assets[name]; form {
		case ".br":
			a.br = content
		case ".gz":
			a.gzip, a.tag = content, tagOf(content)
		default:
			a.plain, a.tag = content, tagOf(content)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("files of the pages: %w", err)
	}
	for name, a := range assets {
		if a.tag == "" {
			return nil, fmt.Errorf("files of the pages: %s is there as %s.br alone", name, name)
		}
	}
	return assets, nil
}

func tagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// ServeHTTP sends the smallest form that the browser takes. It is asked again with
// If-None-Match at every visit, so that the files of one page are of one version.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	content, form := a.plain, ""
	switch {
	case a.br != nil && accepts(r, "br"):
		content, form = a.br, "br"
	case a.gzip != nil && accepts(r, "gzip"):
		content, form = a.gzip, "gzip"
	case a.plain == nil:
		var err error
		if content, err = unzip(a.gzip); err != nil {
			http.Error(w, "the file is damaged", http.StatusInternalServerError)
			return
		}
	}
	if form != "" {
		h.Set("Content-Encoding", form)
	}
	h.Set("ETag", `"`+a.tag+form+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// accepts reports whether a request takes a content coding. A weight is not looked at:
// who can decode a coding says so, and nobody sends one with the weight of zero.
func accepts(r *http.Request, coding string) bool {
	return slices.ContainsFunc(strings.Split(r.Header.Get("Accept-Encoding"), ","), func(one string) bool {
		name, _, _ := strings.Cut(one, ";")
		return strings.TrimSpace(name) == coding
	})
}

func unzip(content []byte) ([]byte, error) {
	in, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(in)
	return plain, errors.Join(err, in.Close())
}
