package archive

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
	// MaxXML bounds a file of a document, in bytes.
	MaxXML   = 16 << 20
	maxXML   = 256 << 20 // of all that are read of one package
	maxDepth = 64
	maxNodes = 500_000
)

// namespaces are those of OFD; the second is the older one.
var namespaces = []string{"http://www.ofdspec.org/2016", "http://www.ofdspec.org"}

// Node is an element.
type Node struct {
	Name     string // without its namespace
	Attrs    map[string]string
	Children []*Node
	Text     string
}

// XML reads a file of at most so many bytes. What is read of one package is bounded.
func (p *Package) XML(name string, most int64) (*Node, error) {
	b, err := p.Read(name, most)
	if err != nil {
		return nil, err
	}
	if p.parsed += int64(len(b)); p.parsed > maxXML {
		return nil, fmt.Errorf("XML of more than %d bytes: %w", int64(maxXML), ErrMalformed)
	}
	root, err := ParseXML(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return root, nil
}

// ParseXML reads a whole file. Errors wrap [ErrMalformed].
func ParseXML(b []byte) (*Node, error) {
	root, err := readXML(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return root, nil
}

func readXML(b []byte) (*Node, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	var root *Node
	var space string // of all elements
	var open []*Node
	var texts [][]byte // of the open ones: what is joined piece by piece as a string takes time by the square
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
			// What is of no namespace among elements of OFD's is there for one reader and not for
			// another.
			if root == nil {
				space = t.Name.Space
			} else if t.Name.Space != space {
				return nil, fmt.Errorf("element %s is of another namespace than the first", t.Name.Local)
			}
			n := &Node{Name: t.Name.Local}
			if n.Attrs, err = attributes(t.Attr); err != nil {
				return nil, fmt.Errorf("element %s: %w", t.Name.Local, err)
			}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.Children = append(parent.Children, n)
			case root == nil:
				root = n
			default:
				return nil, errors.New("a second root element")
			}
			open, texts = append(open, n), append(texts, nil)
		case xml.EndElement:
			last := len(open) - 1
			open[last].Text = string(texts[last])
			open, texts = open[:last], texts[:last]
		case xml.CharData:
			if len(open) > 0 {
				texts[len(texts)-1] = append(texts[len(texts)-1], t...)
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
		if slices.Contains(namespaces, a.Name.Space) {
			return nil, fmt.Errorf("attribute %s has a prefix, which those of OFD have not", a.Name.Local)
		}
		if a.Name.Space != "" {
			continue // another namespace's says nothing here
		}
		if _, twice := attrs[a.Name.Local]; twice {
			return nil, fmt.Errorf("attribute %s stands twice", a.Name.Local)
		}
		attrs[a.Name.Local] = a.Value
	}
	return attrs, nil
}

// All returns the children of a name.
func (n *Node) All(name string) []*Node {
	var found []*Node
	for _, c := range n.Children {
		if c.Name == name {
			found = append(found, c)
		}
	}
	return found
}

// One returns the only child of a name. A child that is not there is nil, one that
// stands twice an error.
func (n *Node) One(name string) (*Node, error) {
	found := n.All(name)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("%s stands %d times in %s: %w", name, len(found), n.Name, ErrMalformed)
	}
}

// Need is [Node.One] for what must be there.
func (n *Node) Need(name string) (*Node, error) {
	child, err := n.One(name)
	if err == nil && child == nil {
		err = fmt.Errorf("%s has no %s: %w", n.Name, name, ErrMalformed)
	}
	return child, err
}

// Value is the text of an element without the white space around it.
func (n *Node) Value() string { return strings.TrimSpace(n.Text) }
