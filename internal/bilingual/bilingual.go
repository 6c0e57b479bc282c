// Package bilingual makes errors that are sentences to the officer who meets them: their text
// is English as that of any error, and they bring the same in Chinese, which people read first.
//
//	var ErrNotFound = bilingual.New("没有该证照", "no such licence")
//
// It translates nothing: what has no Chinese sentence is told in English alone.
package bilingual

import "errors"

// New returns an error of which every other is different, with its Chinese sentence.
func New(zh, en string) error { return &sentence{zh: zh, en: en} }

// sentence is what [New] returns.
type sentence struct{ zh, en string }

// Error implements error.
func (s *sentence) Error() string { return s.en }

// TextZH returns the Chinese sentence.
func (s *sentence) TextZH() string { return s.zh }

// Wrap gives an error a Chinese sentence that says more than those it wraps.
func Wrap(zh string, err error) error { return &wrapped{error: err, zh: zh} }

// wrapped is what [Wrap] returns.
type wrapped struct {
	error
	zh string
}

// Unwrap returns the error without its Chinese sentence.
func (w *wrapped) Unwrap() error { return w.error }

// TextZH returns the Chinese sentence.
func (w *wrapped) TextZH() string { return w.zh }

// TextZH returns the Chinese sentence of an error, or of the first in its tree that has one;
// empty: none has.
func TextZH(err error) string {
	var s interface {
		error
		TextZH() string
	}
	if !errors.As(err, &s) {
		return ""
	}
	return s.TextZH()
}

// Text is an error as it is shown to people: its text, behind the Chinese sentence if there
// is one.
func Text(err error) string {
	if zh := TextZH(err); zh != "" {
		return zh + " " + err.Error()
	}
	return err.Error()
}
