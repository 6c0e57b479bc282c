// Package strictjson reads JSON that people and programs send in one accepted form: UTF-8,
// known names only, each once in an object, at most eight levels deep, and nothing behind
// the value. encoding/json alone takes the last of two members with one name, and puts
// U+FFFD for every character of a file in GBK.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Unmarshal reads the only value of b into a pointer. The caller bounds the size of b.
func Unmarshal(b []byte, into any) error {
	if !utf8.Valid(b) {
		return errors.New("it is not in UTF-8")
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return errors.New("it is empty")
	}
	if err := refuseRepeatedNames(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return describe(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// describe rewords the JSON errors that name Go types.
func describe(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		where := wrongType.Field
		if where == "" {
			where = "it"
		}
		return fmt.Errorf("%s is of the wrong JSON type: %s", where, wrongType.Value)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends before the JSON value does")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// maxDepth bounds the nesting of objects and arrays.
const maxDepth = 8

// refuseRepeatedNames finds a name that stands twice in one object, of which
// encoding/json would silently take the last. To it names that differ in their case are
// the same where they are fields of a struct.
func refuseRepeatedNames(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	type scope struct {
		names  map[string]bool // nil for an array
		isName bool            // the next string is a name
	}
	var open []scope
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) { // but the value has not ended
			return describe(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return describe(err)
		}
		var top *scope
		if len(open) > 0 {
			top = &open[len(open)-1]
		}
		if name, ok := token.(string); ok && top != nil && top.names != nil && top.isName {
			if top.names[strings.ToLower(name)] {
				return fmt.Errorf("the name %q stands twice in one object", name)
			}
			top.names[strings.ToLower(name)] = true
			top.isName = false
			continue
		}
		if top != nil {
			top.isName = top.names != nil
		}
		switch token {
		case json.Delim('{'):
			open = append(open, scope{names: make(map[string]bool), isName: true})
		case json.Delim('['):
			open = append(open, scope{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > maxDepth {
			return fmt.Errorf("nested more than %d deep", maxDepth)
		}
		if len(open) == 0 { // the value is whole
			return nil
		}
	}
}
