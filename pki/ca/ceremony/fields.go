package ceremony

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// Fault is what is wrong with one field of a plan.
type Fault struct {
	Field  string // its path, as intermediates.seals.life-days; empty: the file itself
	Line   int    // in the file, from 1; 0: nowhere in particular
	Reason string
}

// String returns the fault on one line.
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Reason)
	return b.String()
}

// InvalidError carries every fault of a plan.
type InvalidError struct {
	File   string
	Faults []Fault // in the order of the file's fields
}

// Error names the faults.
func (e *InvalidError) Error() string {
	all := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		all[i] = f.String()
	}
	return fmt.Sprintf("ceremony file %s: %s", e.File, strings.Join(all, "; "))
}

// reader collects faults while it reads fields. A field that is not what it must be
// reads as its zero value.
type reader struct{ faults []Fault }

func (r *reader) fault(n *yaml.Node, path, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.Line
	}
	r.faults = append(r.faults, Fault{path, line, fmt.Sprintf(format, args...)})
}

// field is a node of the file with the path to it; its node is nil where the file has
// none.
type field struct {
	*yaml.Node
	path string
}

// mapping reads the fields of a mapping, of which the required must be there. A mapping
// that is not there is a fault of its own.
func (r *reader) mapping(f field, required, optional []string) map[string]field {
	found := make(map[string]field)
	prefix := f.path
	if prefix != "" {
		prefix += "."
	}
	for _, key := range slices.Concat(required, optional) {
		found[key] = field{nil, prefix + key}
	}
	if f.Node == nil {
		return found
	}
	if !r.plain(f, yaml.MappingNode, "a mapping of fields") {
		return found
	}
	for i := 0; i+1 < len(f.Content); i += 2 {
		key, value := f.Content[i], f.Content[i+1]
		path := prefix + key.Value
		known, ok := found[key.Value]
		switch {
		case !ok:
			r.fault(key, path, "is not a field of a ceremony file here")
		case known.Node != nil:
			r.fault(key, path, "stands twice, first on line %d", known.Line)
		default:
			found[key.Value] = field{value, path}
		}
	}
	for _, key := range required {
		if found[key].Node == nil {
			r.fault(f.Node, prefix+key, "is missing")
		}
	}
	return found
}

// plain refuses nodes of another kind and those that stand for others.
func (r *reader) plain(f field, kind yaml.Kind, want string) bool {
	switch {
	case f.Kind == yaml.AliasNode || f.Anchor != "":
		r.fault(f.Node, f.path, "anchors and aliases are not read: write it out")
	case f.Kind != kind:
		r.fault(f.Node, f.path, "must be %s", want)
	default:
		return true
	}
	return false
}

func (r *reader) scalar(f field, tag, want string) (string, bool) {
	if f.Node == nil || !r.plain(f, yaml.ScalarNode, want) {
		return "", false
	}
	if f.Tag != tag {
		r.fault(f.Node, f.path, "must be %s", want)
		return "", false
	}
	return f.Value, true
}

// text reads a text on one line that says something.
func (r *reader) text(f field) (string, bool) {
	text, ok := r.scalar(f, "!!str", "text; put digits in quotes")
	if !ok {
		return "", false
	}
	if err := cleantext.Check(text); err != nil {
		r.fault(f.Node, f.path, "%v", err)
		return "", false
	}
	if strings.TrimSpace(text) != text || text == "" {
		r.fault(f.Node, f.path, "is empty or begins or ends with a space")
		return "", false
	}
	return text, true
}

func (r *reader) checked(f field, check func(string) error) string {
	text, ok := r.text(f)
	if !ok {
		return ""
	}
	if err := check(text); err != nil {
		r.fault(f.Node, f.path, "%v", err)
	}
	return text
}

func (r *reader) boolean(f field) bool {
	text, ok := r.scalar(f, "!!bool", "true or false")
	if ok && text != "true" && text != "false" {
		r.fault(f.Node, f.path, "must be true or false")
	}
	return ok && text == "true"
}

// number reads a number in decimal digits.
func (r *reader) number(f field, least, most int) int {
	text, ok := r.scalar(f, "!!int", "a number")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < least || n > most {
		r.fault(f.Node, f.path, "%s is not a number from %d to %d", text, least, most)
		return 0
	}
	return n
}

func (r *reader) days(f field, longest time.Duration) time.Duration {
	return time.Duration(r.number(f, 1, int(longest/day))) * day
}

// name reads a distinguished name as C=CN,O=…,CN=….
func (r *reader) name(f field) (cert.Name, bool) {
	text, ok := r.text(f)
	if !ok {
		return cert.Name{}, false
	}
	n, err := cert.ParseName(text)
	if err == nil {
		_, err = n.DER()
	}
	if err != nil {
		r.fault(f.Node, f.path, "%v", err)
		return cert.Name{}, false
	}
	return n, true
}

// subject reads the name of an authority or service.
func (r *reader) subject(f field) cert.Name {
	n, ok := r.name(f)
	if !ok {
		return n
	}
	switch err := n.Check(); {
	case err != nil:
		r.fault(f.Node, f.path, "%v", err)
	case n.Serial != "":
		r.fault(f.Node, f.path, "SERIALNUMBER is for persons")
	case idcode.ContainsCitizenNumber(f.Value):
		r.fault(f.Node, f.path, "holds what reads as a citizen number")
	}
	return n
}

// protection reads what opens the offline store.
func (r *reader) protection(f field) Protection {
	const want = "must be passphrase, token, or shares like: shares 2-of-3"
	text, ok := r.text(f)
	if !ok {
		return Protection{}
	}
	switch method, rest, _ := strings.Cut(text, " "); Method(method) {
	case ByPassphrase, ByToken:
		if rest != "" {
			r.fault(f.Node, f.path, want)
		}
		return Protection{Method: Method(method)}
	case ByShares:
		var p Protection
		if _, err := fmt.Sscanf(rest, "%d-of-%d", &p.Threshold, &p.Total); err != nil {
			r.fault(f.Node, f.path, want)
			return Protection{Method: ByShares}
		}
		p.Method = ByShares
		switch {
		case p.String() != text:
			r.fault(f.Node, f.path, want)
		case p.Threshold < keystore.MinThreshold || p.Threshold > p.Total || p.Total > keystore.MaxShares:
			r.fault(f.Node, f.path, "want at least %d of at most %d shares", keystore.MinThreshold, keystore.MaxShares)
		}
		return p
	}
	r.fault(f.Node, f.path, want)
	return Protection{}
}

// sequence returns the items of a sequence with their paths.
func (r *reader) sequence(f field) []field {
	if f.Node == nil || !r.plain(f, yaml.SequenceNode, "a list") {
		return nil
	}
	all := make([]field, len(f.Content))
	for i, n := range f.Content {
		all[i] = field{n, fmt.Sprintf("%s[%d]", f.path, i)}
	}
	return all
}
