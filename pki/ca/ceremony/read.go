package ceremony

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/emmansun/gmsm/sm3"
	"go.yaml.in/yaml/v3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// maxFile bounds a ceremony file, in bytes.
const maxFile = 64 << 10

// maxRootCRLLife bounds how long the root's CRL counts: what it does not name is not
// revoked for so long.
const maxRootCRLLife = 366 * day

// maxWitnesses and maxRecognitions bound lists.
const maxWitnesses, maxRecognitions = 32, 64

// Load reads a ceremony file and everything that it names. Paths in it are relative to
// its folder. Nothing is written. What is wrong is an [InvalidError]; other errors are of
// reading the file itself.
func Load(path string) (*Plan, error) {
	b, err := readBounded(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading the ceremony file: %w", err)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("reading the ceremony file: %w", err)
	}
	return parse(filepath.Base(path), folder, b)
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return b, nil
}

func parse(file, folder string, b []byte) (*Plan, error) {
	invalid := func(faults ...Fault) error { return &InvalidError{file, faults} }
	var document yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, invalid(Fault{Reason: "is empty"})
		}
		return nil, invalid(Fault{Reason: strings.TrimPrefix(err.Error(), "yaml: ")})
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, invalid(Fault{Reason: "holds more than one document"})
	}
	profiles, err := ca.DefaultProfiles()
	if err != nil {
		return nil, err
	}
	l := loader{folder: folder, profiles: profiles}
	p, err := l.plan(field{document.Content[0], ""})
	if err != nil {
		return nil, err
	}
	if len(l.faults) > 0 {
		return nil, invalid(l.faults...)
	}
	p.File, p.Digest = file, sm3.Sum(b)
	return p, nil
}

// loader reads a plan and looks at what it names.
type loader struct {
	reader
	folder   string
	profiles *ca.Profiles
}

func (l *loader) plan(f field) (*Plan, error) {
	top := l.mapping(f,
		[]string{"domain", "region", "host", "root", "intermediates", "root-ocsp", "root-crl", "witnesses", "output"}, []string{"gm-only", "cross"})
	p := &Plan{
		Domain: l.checked(top["domain"], CheckDomain), Region: l.checked(top["region"], CheckRegion),
		Host: l.checked(top["host"], CheckHost), GMOnly: l.boolean(top["gm-only"]),
	}
	root := l.mapping(top["root"], []string{"subject", "life-days", "protection"}, nil)
	var err error
	if p.Root, err = l.certificate(root, ca.ProfileRoot); err != nil {
		return nil, err
	}
	p.Protection = l.protection(root["protection"])
	intermediates := l.mapping(top["intermediates"], Intermediates(), nil)
	for _, name := range Intermediates() {
		fields := l.mapping(intermediates[name], []string{"subject", "life-days"}, nil)
		c, err := l.certificate(fields, ca.ProfileIntermediate)
		if err != nil {
			return nil, err
		}
		if c.Life > p.Root.Life && p.Root.Life > 0 {
			l.fault(fields["life-days"].Node, fields["life-days"].path, "is longer than the root's life")
		}
		p.Intermediates = append(p.Intermediates, Intermediate{name, c})
	}
	responder := l.mapping(top["root-ocsp"], []string{"subject", "life-days"}, nil)
	if p.RootOCSP, err = l.certificate(responder, ca.ProfileOCSP); err != nil {
		return nil, err
	}
	p.RootCRLLife = l.days(l.mapping(top["root-crl"], []string{"life-days"}, nil)["life-days"], maxRootCRLLife)
	l.distinct(p, root, intermediates, responder)
	if p.Recognitions, err = l.recognitions(top["cross"]); err != nil {
		return nil, err
	}
	p.Witnesses = l.witnesses(top["witnesses"])
	p.Output = l.output(top["output"], p.Protection.Method)
	return p, nil
}

func (l *loader) certificate(fields map[string]field, profile ca.ProfileName) (Certificate, error) {
	found, err := l.profiles.Profile(profile)
	if err != nil {
		return Certificate{}, fmt.Errorf("profile %w", err)
	}
	return Certificate{l.subject(fields["subject"]), l.days(fields["life-days"], found.Longest())}, nil
}

// distinct refuses two authorities of one name: nobody could tell their lists apart.
func (l *loader) distinct(p *Plan, root, intermediates, responder map[string]field) {
	seen := map[cert.Name]string{{}: ""}
	add := func(f field, n cert.Name) {
		if other, taken := seen[n]; taken && other != "" {
			l.fault(f.Node, f.path, "is the name of %s too", other)
		} else if !taken {
			seen[n] = f.path
		}
	}
	add(root["subject"], p.Root.Subject)
	for _, i := range p.Intermediates {
		add(field{intermediates[i.Name].Node, intermediates[i.Name].path + ".subject"}, i.Subject)
	}
	add(responder["subject"], p.RootOCSP.Subject)
}

func (l *loader) recognitions(f field) ([]Recognition, error) {
	items := l.sequence(f)
	if len(items) > maxRecognitions {
		l.fault(f.Node, f.path, "has more than %d items", maxRecognitions)
		return nil, nil
	}
	profile, err := l.profiles.Profile(ca.ProfileCross)
	if err != nil {
		return nil, fmt.Errorf("profile %w", err)
	}
	var all []Recognition
	for _, item := range items {
		fields := l.mapping(item, []string{"certificate", "sm3", "permit", "path-length", "life-days"}, []string{"exclude"})
		r := Recognition{PathLen: l.number(fields["path-length"], 0, 1), Life: l.days(fields["life-days"], profile.Longest())}
		r.Permit, r.Exclude = l.names(fields["permit"]), l.names(fields["exclude"])
		r.File, r.Root = l.foreignRoot(fields["certificate"], fields["sm3"])
		for i, other := range all {
			if r.Root != nil && other.Root != nil && r.Root.Key.Equal(other.Root.Key) {
				l.fault(item.Node, item.path, "has the key of cross[%d]", i)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

func (l *loader) names(f field) []cert.Name {
	items := l.sequence(f)
	if f.Node != nil && len(items) == 0 {
		l.fault(f.Node, f.path, "names nothing")
	}
	var all []cert.Name
	for _, item := range items {
		if n, ok := l.name(item); ok {
			all = append(all, n)
		}
	}
	return all
}

// foreignRoot reads another domain's root and compares it with the fingerprint that was
// reviewed.
func (l *loader) foreignRoot(file, digest field) (string, *cert.Certificate) {
	name, ok := l.text(file)
	reviewed, hasDigest := l.text(digest)
	if !ok {
		return "", nil
	}
	b, err := readBounded(l.resolve(name), 2*cert.MaxSize)
	if err != nil {
		l.fault(file.Node, file.path, "%v", err)
		return name, nil
	}
	root, err := cert.ParsePEM(b)
	if err != nil {
		l.fault(file.Node, file.path, "%s: %v", name, err)
		return name, nil
	}
	if !hasDigest {
		return name, root
	}
	if err := CheckFingerprint(root, reviewed); err != nil {
		l.fault(digest.Node, digest.path, "%v", err)
	}
	return name, root
}

// ErrFingerprint: a certificate is another than the one that was reviewed.
var ErrFingerprint = bilingual.New("不是已核对过的那张证书", "is not the certificate that was reviewed")

// CheckFingerprint compares the SM3 of a certificate's DER with one in hexadecimal, which
// may be written in groups.
func CheckFingerprint(c *cert.Certificate, reviewed string) error {
	want, err := hex.DecodeString(strings.ReplaceAll(reviewed, " ", ""))
	if err != nil || len(want) != sm3.Size {
		return fmt.Errorf("%q is not an SM3 of %d hexadecimal digits", reviewed, 2*sm3.Size)
	}
	if got := sm3.Sum(c.DER); !bytes.Equal(got[:], want) {
		return fmt.Errorf("%s: its SM3 is %x: %w", c.Subject, got, ErrFingerprint)
	}
	return nil
}

func (l *loader) witnesses(f field) []string {
	items := l.sequence(f)
	if f.Node != nil && (len(items) == 0 || len(items) > maxWitnesses) {
		l.fault(f.Node, f.path, "wants 1 to %d names", maxWitnesses)
	}
	seen := make(map[string]bool)
	var all []string
	for _, item := range items {
		name, ok := l.text(item)
		if !ok {
			continue
		}
		if seen[name] {
			l.fault(item.Node, item.path, "%s stands twice", name)
		}
		seen[name] = true
		all = append(all, name)
	}
	return all
}

func (l *loader) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(l.folder, path)
}

// output reads the folders: new ones, none within another.
func (l *loader) output(f field, method Method) Output {
	required, optional := []string{"data", "offline", "record"}, []string{"shares"}
	if method == ByShares {
		required, optional = append(required, "shares"), nil
	}
	fields := l.mapping(f, required, optional)
	var o Output
	var all []field
	for _, folder := range []struct {
		name string
		into *string
	}{{"data", &o.Data}, {"offline", &o.Offline}, {"record", &o.Record}, {"shares", &o.Shares}} {
		at := fields[folder.name]
		text, ok := l.text(at)
		if !ok {
			continue
		}
		if folder.name == "shares" && (method == ByPassphrase || method == ByToken) {
			l.fault(at.Node, at.path, "there are no shares: see root.protection")
			continue
		}
		*folder.into = l.resolve(text)
		if err := durable.CheckEmpty(*folder.into); err != nil {
			l.fault(at.Node, at.path, "%v", err)
		}
		for _, other := range all {
			if within(*folder.into, l.resolve(other.Value)) || within(l.resolve(other.Value), *folder.into) {
				l.fault(at.Node, at.path, "lies within %s or the other way round", other.path)
			}
		}
		all = append(all, at)
	}
	return o
}

// within reports whether a path is a folder or lies in it.
func within(path, folder string) bool {
	rest, err := filepath.Rel(folder, path)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, ".."+string(filepath.Separator))
}
