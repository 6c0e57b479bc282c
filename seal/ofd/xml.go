package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of an XML file.
const (
	maxXML   = 16 << 20 // bytes
	maxDepth = 64
	maxNodes = 500_000
)

// namespaces are those of OFD; the second is the older one.
var namespaces = []string{"http://www.ofdspec.org/2016", "http://www.ofdspec.org"}

// node is an element.
type node struct {
	name     string // without its namespace
	attrs    map[string]string
	children []*node
	text     string
}

// parseXML reads a whole file.
func parseXML(b []byte) (*node, error) {
	root, err := readXML(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return root, nil
}

func readXML(b []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	var root *node
	var open []*node
	for count := 0; ; {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && root != nil && len(open) == 0:
			return root, nil
		case err != nil:
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(open) == maxDepth {
				return nil, fmt.Errorf("more than %d elements or %d levels", maxNodes, maxDepth)
			}
			if t.Name.Space != "" && !slices.Contains(namespaces, t.Name.Space) {
				return nil, fmt.Errorf("element %s is of another namespace", t.Name.Local)
			}
			n := &node{name: t.Name.Local}
			if n.attrs, err = attributes(t.Attr); err != nil {
				return nil, fmt.Errorf("element %s: %w", t.Name.Local, err)
			}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, n)
			case root == nil:
				root = n
			default:
				return nil, errors.New("a second root element")
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("text outside of the root element")
			}
		case xml.Directive:
			return nil, errors.New("a document type, which OFD has not")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, errors.New("a processing instruction, which OFD has not")
			}
		}
	}
}

func attributes(all []xml.Attr) (map[string]string, error) {
	attrs := make(map[string]string, len(all))
	for _, a := range all {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		if _, twice := attrs[a.Name.Local]; twice {
			return nil, fmt.Errorf("attribute %s stands twice", a.Name.Local)
		}
		attrs[a.Name.Local] = a.Value
	}
	return attrs, nil
}

// all returns the children of a name.
func (n *node) all(name string) []*node {
	var found []*node
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// one returns the only child of a name. A child that is not there is nil, one that
// stands twice an error.
func (n *node) one(name string) (*node, error) {
	found := n.all(name)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("%s stands %d times in %s: %w", name, len(found), n.name, ErrMalformed)
	}
}

// need is [node.one] for what must be there.
func (n *node) need(name string) (*node, error) {
	child, err := n.one(name)
	if err == nil && child == nil {
		err = fmt.Errorf("%s has no %s: %w", n.name, name, ErrMalformed)
	}
	return child, err
}

// value is the text of an element without the white space around it.
func (n *node) value() string { return strings.TrimSpace(n.text) }
