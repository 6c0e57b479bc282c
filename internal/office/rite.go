package office

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

// rite carries a plan out, step by step, while the offline keys are open.
type rite struct {
	*Office
	plan    *ceremony.Plan
	record  *ceremony.Record
	offline *keystore.Store
	actor   string

	root   *ca.Authority
	public []publicFile // what the record's folder gets
}

// publicFile is a certificate or a list in the record's folder.
type publicFile struct {
	name    string
	content []byte
}

func (r *rite) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		r.selfTest, r.stores, r.makeRoot, r.makeIntermediates, r.makeRootResponder, r.makeServiceKeys, r.recognize, r.listRevoked, r.makeTrustRoot,
	} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *rite) selfTest(context.Context) error {
	if err := errors.Join(pki.SelfTest(), second.SelfTest()); err != nil {
		return err
	}
	return r.record.Did(ceremony.StepSelfTest,
		ceremony.Made{Kind: ceremony.KindCheck, Name: "SM2, SM3, SM4: github.com/emmansun/gmsm"},
		ceremony.Made{Kind: ceremony.KindCheck, Name: "SM2, SM3: github.com/tjfoc/gmsm"})
}

// stores were made before, as everything else is written into them.
func (r *rite) stores(context.Context) error {
	return r.record.Did(ceremony.StepOffline,
		ceremony.Made{Kind: ceremony.KindKeyStore, Name: "offline " + r.offline.ID().String()},
		ceremony.Made{Kind: ceremony.KindKeyStore, Name: "service " + r.keys.ID().String()})
}

func (r *rite) makeRoot(ctx context.Context) error {
	key, err := r.offline.GenerateSigner(keystore.PurposeCA, rootKey)
	if err != nil {
		return err
	}
	r.root, err = ca.NewRootFor(ctx, r.plan.Root.Life, r.plan.Root.Subject, key, r.actor, r.environment(rootKey, 0))
	if err != nil {
		return fmt.Errorf("making the root: %w", err)
	}
	c := r.root.Certificate()
	if err := r.store.PutSetting(ctx, rootSetting, c.DER); err != nil {
		return err
	}
	r.record.Root(c)
	r.public = append(r.public, publicFile{"root.pem", c.PEM()})
	return r.record.Did(ceremony.StepRoot, ceremony.Certified(rootKey, rootKey, c))
}

func (r *rite) makeIntermediates(ctx context.Context) error {
	for _, i := range r.plan.Intermediates {
		key, err := r.keys.GenerateSigner(keystore.PurposeCA, i.Name)
		if err != nil {
			return err
		}
		c, err := certify(ctx, r.root, ca.Request{Profile: ca.ProfileIntermediate, Subject: i.Subject, Key: key.Public(), Life: i.Life}, r.actor)
		if err != nil {
			return err
		}
		r.public = append(r.public, publicFile{i.Name + ".pem", c.PEM()})
		if err := r.record.Did(ceremony.StepIntermediate.Of(i.Name), ceremony.Certified(i.Name, rootKey, c)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rite) makeRootResponder(ctx context.Context) error {
	key, err := r.keys.GenerateSigner(keystore.PurposeOCSP, rootResponder)
	if err != nil {
		return err
	}
	request := ca.Request{Profile: ca.ProfileOCSP, Subject: r.plan.RootOCSP.Subject, Key: key.Public(), Life: r.plan.RootOCSP.Life}
	c, err := certify(ctx, r.root, request, r.actor)
	if err != nil {
		return err
	}
	return r.record.Did(ceremony.StepRootOCSP, ceremony.Certified(rootResponder, rootKey, c))
}

// makeServiceKeys makes the keys that the service signs with, and their certificates.
func (r *rite) makeServiceKeys(ctx context.Context) error {
	var made []ceremony.Made
	for _, s := range serviceKeys() {
		_, c, err := r.certified(ctx, r.actor, s.purpose, s.name, s.authority, r.serviceRequest(s))
		if err != nil {
			return err
		}
		made = append(made, ceremony.Certified(s.name, s.authority, c))
	}
	for _, name := range Intermediates() {
		_, c, err := r.certified(ctx, r.actor, keystore.PurposeOCSP, responderKey(name), name, r.responderRequest(name))
		if err != nil {
			return err
		}
		made = append(made, ceremony.Certified(responderKey(name), name, c))
	}
	return r.record.Did(ceremony.StepServiceKeys, made...)
}

func (r *rite) recognize(ctx context.Context) error {
	for n, recognition := range r.plan.Recognitions {
		constraints, err := recognition.Constraints()
		if err != nil {
			return err
		}
		cross := ca.Cross{Root: recognition.Root, Constraints: constraints, PathLen: recognition.PathLen}
		c, err := r.crossCertify(ctx, r.actor, r.root, cross, recognition.Life)
		if err != nil {
			return fmt.Errorf("cross[%d]: %w", n, err)
		}
		r.public = append(r.public, publicFile{fmt.Sprintf("cross-%d.pem", n+1), c.PEM()})
		if err := r.record.Did(ceremony.StepCross.Of(n+1), ceremony.Certified(c.Subject.CommonName, rootKey, c)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rite) listRevoked(ctx context.Context) error {
	key, err := r.offline.Signer(keystore.PurposeCA, rootKey)
	if err != nil {
		return err
	}
	list, err := r.signRootCRL(ctx, r.actor, rootKey, r.root.Certificate(), key, r.plan.RootCRLLife)
	if err != nil {
		return err
	}
	r.public = append(r.public, publicFile{"root.crl", list.DER})
	return r.record.Did(ceremony.StepRootCRL, ceremony.Listed("root.crl", rootKey, list))
}

// makeTrustRoot makes the first root of the trust files with a key that stays offline,
// and publishes the first of them.
func (r *rite) makeTrustRoot(ctx context.Context) error {
	key, err := r.offline.GenerateSigner(keystore.PurposeTrust, string(trust.RoleRoot))
	if err != nil {
		return err
	}
	signed, err := r.signTrustRoot(key)
	if err != nil {
		return err
	}
	first := &publication{office: r.Office, files: map[string][]byte{"1.root": signed}}
	if err := first.release(ctx, r.actor, nil); err != nil {
		return err
	}
	if _, err := r.Publish(ctx, r.actor); err != nil {
		return err
	}
	digest := sm3.Sum(signed)
	return r.record.Did(ceremony.StepTrust, ceremony.Made{
		Kind: ceremony.KindTrustFile, Name: "1.root", Number: 1, SignedBy: "offline trust/" + string(trust.RoleRoot), Point: key.Public().Point().String(),
		SM3: hex.EncodeToString(digest[:]),
	})
}

func (r *rite) signTrustRoot(key *pki.Key) ([]byte, error) {
	now := r.now().UTC()
	root := &trust.Root{
		Head:   trust.Head{Version: 1, Issued: now.Unix(), Expires: now.Add(rootLife).Unix()},
		Domain: trust.Domain{Region: r.config.Region, Name: r.config.Domain},
	}
	for _, role := range trust.Roles() {
		roleKey := key
		if role != trust.RoleRoot {
			var err error
			if roleKey, err = r.keys.Signer(keystore.PurposeTrust, string(role)); err != nil {
				return nil, err
			}
		}
		root.Roles = append(root.Roles, trust.RoleKeys{Role: role, Threshold: 1, Points: []pki.Point{roleKey.Public().Point()}})
	}
	return trust.Sign(trust.RoleRoot, root, r.second, key)
}

// write closes the record and writes it beside the certificates. The audit log commits to
// it before anybody can see it.
func (r *rite) write(ctx context.Context, dir string) error {
	t, err := r.record.Transcript()
	if err != nil {
		return err
	}
	digest := t.Digest()
	entry, err := audit.NewRecord(audit.Entry{Time: r.now().Unix(), Actor: r.actor, Act: audit.ActCeremony, Subject: r.config.Region, Digest: digest[:]}, nil)
	if err != nil {
		return err
	}
	if _, err := r.store.Append(ctx, entry); err != nil {
		return err
	}
	for _, f := range append(r.public, publicFile{"transcript.txt", t.Text}, publicFile{"transcript.json", t.JSON}) {
		if err := durable.CreateFile(filepath.Join(dir, f.name), f.content, 0o644); err != nil {
			return fmt.Errorf("writing the record of the ceremony: %w", err)
		}
	}
	return nil
}

// rootResponder is the key that answers for the root by OCSP.
const rootResponder = "ocsp-" + rootKey
