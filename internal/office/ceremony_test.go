package office_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
)

// held holds a ceremony with a passphrase and folders apart.
func held(t *testing.T) (*office.Office, ceremony.Output) {
	t.Helper()
	dir := t.TempDir()
	p := ceremony.BuiltIn("安徽省(测试)", "340000", "localhost", ceremony.Protection{Method: ceremony.ByPassphrase})
	p.Output = ceremony.Output{Data: filepath.Join(dir, "data"), Offline: filepath.Join(dir, "offline"), Record: filepath.Join(dir, "record")}
	o, err := office.Create(ctx, p.Output.Data, office.CreateOptions{Plan: p, RootPassphrase: []byte("test"), Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o, p.Output
}

// scalar takes the private scalar out of a key, which no interface does.
func scalar(t *testing.T, key *pki.Key) *big.Int {
	t.Helper()
	field := reflect.ValueOf(key).Elem().FieldByName("signer")
	private, ok := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(*sm2.PrivateKey)
	if !ok {
		t.Fatal("the key is not an SM2 key in memory")
	}
	return private.D
}

// TestRootKeyStaysOffline: no file of a ceremony but those of the offline store could
// give the root's key, and not even those hold it in clear.
func TestRootKeyStaysOffline(t *testing.T) {
	t.Parallel()
	_, out := held(t)
	offline, err := keystore.Open(out.Offline, keystore.Unlock{Passphrase: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	key, err := offline.Signer(keystore.PurposeCA, "root")
	if err != nil {
		t.Fatal(err)
	}
	raw := scalar(t, key).FillBytes(make([]byte, 32))
	point := key.Public().Point()
	reversed := bytes.Clone(raw)
	for i, j := 0, 31; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	forms := map[string][]byte{
		"raw": raw, "little endian": reversed, "hex": []byte(hex.EncodeToString(raw)), "HEX": bytes.ToUpper([]byte(hex.EncodeToString(raw))),
		"decimal": []byte(new(big.Int).SetBytes(raw).String()),
	}
	seen, files := false, 0
	for _, dir := range []string{out.Data, out.Offline, out.Record} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for form, secret := range forms { // DER holds the raw bytes
				if bytes.Contains(b, secret) {
					t.Errorf("%s holds the root's private key, %s", path, form)
				}
			}
			seen = seen || bytes.Contains(b, point[1:])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// The control: the search finds the public half of the key.
	if !seen || files < 20 {
		t.Errorf("public point found: %v, in %d files", seen, files)
	}
	if _, err := os.Stat(filepath.Join(out.Data, "keys", "ca", "root.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the service's store has a root key: %v", err)
	}
}

// TestTranscriptTells: the transcript names every certificate of the ledger, the audit log
// commits to it, and nothing is in one and not in the other.
func TestTranscriptTells(t *testing.T) {
	t.Parallel()
	o, out := held(t)
	var told struct {
		Steps []ceremony.Done `json:"steps"`
	}
	b, err := os.ReadFile(filepath.Join(out.Record, "transcript.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &told); err != nil {
		t.Fatal(err)
	}
	bySerial := make(map[string]ceremony.Made)
	for _, s := range told.Steps {
		for _, m := range s.Made {
			if m.Kind == ceremony.KindCertificate {
				bySerial[m.Serial] = m
			}
		}
	}
	profiles := make(map[ca.ProfileName]int)
	err = o.Certificates(ctx, func(r office.CertificateRecord) error {
		profiles[r.Profile]++
		digest := sm3.Sum(r.DER)
		if m := bySerial[r.Certificate.Serial()]; m.SM3 != hex.EncodeToString(digest[:]) || m.Subject != r.Certificate.Subject.String() {
			t.Errorf("certificate %s is told as %+v", r.Certificate.Subject, m)
		}
		delete(bySerial, r.Certificate.Serial())
		return nil
	})
	if err != nil || len(bySerial) != 0 {
		t.Errorf("%v; told and not issued: %v", err, bySerial)
	}
	if profiles[ca.ProfileOCSP] != 5 || profiles[ca.ProfileTSA] != 1 || profiles[ca.ProfileIntermediate] != 4 || profiles[ca.ProfileRoot] != 1 {
		t.Errorf("certificates by profile: %v", profiles)
	}
	text, err := os.ReadFile(filepath.Join(out.Record, "transcript.txt"))
	if err != nil {
		t.Fatal(err)
	}
	digest, twin, logged := sm3.Sum(text), sm3.Sum(b), false
	if !bytes.Contains(text, []byte(ceremony.Groups(twin))) {
		t.Error("the text does not commit to its JSON twin")
	}
	err = o.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		logged = logged || e.Act == audit.ActCeremony && bytes.Equal(e.Digest, digest[:])
		return nil
	})
	if err != nil || !logged {
		t.Errorf("the audit log does not commit to the transcript: %v", err)
	}
}

// TestRootList: the root's list names what it revoked, under rising numbers, and its
// responder is certified anew for the same key.
func TestRootList(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	offline := offlineOf(t, f)
	root, err := f.Office.RootCertificate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.Office.RootCRL(ctx)
	if err != nil || first.Number.Uint64() != 1 || first.Len() != 0 {
		t.Fatalf("first list %v: %v", first, err)
	}
	authorities, err := f.Office.AuthorityCertificates(ctx)
	if err != nil {
		t.Fatal(err)
	}
	persons := authorities["persons"]
	serial, _ := cert.SerialOf(persons.SerialNumber())
	if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.CACompromise}); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Hour)
	for number := uint64(2); number <= 3; number++ {
		list, err := f.Office.PublishRootCRL(ctx, "test", offline, 0)
		if err != nil {
			t.Fatal(err)
		}
		if r, found := list.Find(persons.SerialNumber()); !found || r.Reason != cert.CACompromise || list.Number.Uint64() != number {
			t.Errorf("list %d: %v, found: %v", list.Number, r, found)
		}
		if err := list.Verify(root, second.Opinion{}); err != nil {
			t.Error(err)
		}
		if list.NextUpdate.Sub(list.ThisUpdate) != first.NextUpdate.Sub(first.ThisUpdate) {
			t.Errorf("the list lives from %v to %v", list.ThisUpdate, list.NextUpdate)
		}
	}
	for name, life := range map[string]time.Duration{"short": time.Hour, "long": 367 * 24 * time.Hour, "negative": -time.Hour} {
		if _, err := f.Office.PublishRootCRL(ctx, "test", offline, life); !errors.Is(err, office.ErrOutOfRange) {
			t.Errorf("%s life: %v", name, err)
		}
	}
	if _, err := f.Office.PublishRootCRL(ctx, "test", nil, 0); !errors.Is(err, office.ErrNeedsOffline) {
		t.Errorf("without the root's key: %v", err)
	}
	responder, err := f.Office.RenewRootResponder(ctx, "test", offline, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := responder.SignedBy(root.Key, second.Opinion{}); err != nil || responder.NotAfter().Before(c.at.Add(89*24*time.Hour)) {
		t.Errorf("responder until %v: %v", responder.NotAfter(), err)
	}
	c.at = c.at.Add(-3 * time.Hour)
	if _, err := f.Office.PublishRootCRL(ctx, "test", offline, 0); !errors.Is(err, crl.ErrClock) {
		t.Errorf("with the clock set back: %v", err)
	}
}

// TestRecognition: another province's service is accepted through our root within the
// names, refused outside of them, and refused when the recognition is revoked.
func TestRecognition(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	offline := offlineOf(t, f)
	env := ca.Environment{Ledger: pkitest.NewLedger(), Site: ca.Site{Host: "zj.example", Name: "root"}, Now: time.Now}
	foreign, err := ca.NewRoot(ctx, cert.Name{Country: "CN", Organization: "浙江省", CommonName: "根"}, pkitest.NewKey(t), "test", env)
	if err != nil {
		t.Fatal(err)
	}
	r := ceremony.Recognition{
		Permit:  []cert.Name{{Country: "CN", Organization: "浙江省"}},
		Exclude: []cert.Name{{Country: "CN", Organization: "浙江省", Unit: "测试"}},
	}
	constraints, err := r.Constraints()
	if err != nil {
		t.Fatal(err)
	}
	cross, err := f.Office.CrossCertify(ctx, "test", offline, ca.Cross{Root: foreign.Certificate(), Constraints: constraints, PathLen: 0}, 30*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if life := cross.NotAfter().Sub(cross.NotBefore()); life > 30*24*time.Hour {
		t.Errorf("the cross-certificate lives %v", life)
	}
	root, err := f.Office.RootCertificate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(organization, unit string, lists ...*crl.List) error {
		t.Helper()
		draft, err := foreign.Prepare(ctx, ca.Request{
			Profile: ca.ProfileService, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", Organization: organization, Unit: unit, CommonName: "某服务"},
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := foreign.Issue(ctx, draft, "test")
		if err != nil {
			t.Fatal(err)
		}
		options := path.Options{Anchors: []*cert.Certificate{root}, Second: second.Opinion{}}
		if len(lists) > 0 {
			options.Revocation = onlyAbout{cross, path.NewCRL(path.ListsAtHand(lists), path.CRLOptions{KeepsExpired: true, Now: time.Now})}
		}
		v, err := path.New(options)
		if err != nil {
			t.Fatal(err)
		}
		result := v.Verify(ctx, path.Request{Certificate: c, Purpose: path.PurposeLicence, When: path.Claimed(time.Now()), Further: []*cert.Certificate{cross}})
		return result.Err()
	}
	current, err := f.Office.RootCRL(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		organization, unit string
		want               error
	}{
		"permitted": {"浙江省", "政务", nil},
		"outside":   {"安徽省", "政务", path.ErrName},
		"excluded":  {"浙江省", "测试", path.ErrName},
	} {
		if err := verify(tt.organization, tt.unit, current); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	serial, _ := cert.SerialOf(cross.SerialNumber())
	if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.CessationOfOperation}); err != nil {
		t.Fatal(err)
	}
	list, err := f.Office.PublishRootCRL(ctx, "test", offline, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify("浙江省", "政务", list); !errors.Is(err, path.ErrRevoked) {
		t.Errorf("through a revoked recognition: %v", err)
	}
}

// onlyAbout asks a source about one certificate and takes the others as good: the other
// province's lists are not at hand here.
type onlyAbout struct {
	certificate *cert.Certificate
	source      path.Revocation
}

func (o onlyAbout) Status(ctx context.Context, c, issuer *cert.Certificate, when path.Moment) (path.Answer, error) {
	if c == o.certificate {
		return o.source.Status(ctx, c, issuer, when)
	}
	return path.Answer{Source: "test"}, nil
}
