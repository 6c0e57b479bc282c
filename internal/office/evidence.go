package office

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/docs"
	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/evidence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/tsa"
)

// maxWitnesses bounds the cosigned checkpoints of one bundle.
const maxWitnesses = 64

// Evidence makes the evidence bundle of a licence ([evidence.Bundle]): what it says, how
// it stands now by trust files of this moment, its entries in the audit log, and a time
// stamp over all of it. Witnesses are cosigned checkpoints of the log that the caller
// has from elsewhere. The entry of the log is on the disk before the bundle is returned.
//
// It needs a proven clock, as every time stamp does.
func (o *Office) Evidence(ctx context.Context, actor string, r licence.Record, witnesses ...[]byte) ([]byte, error) {
	b, err := o.evidence(ctx, actor, r, witnesses)
	if err != nil {
		return nil, fmt.Errorf("evidence of licence %s: %w", r.Licence.Identifier, err)
	}
	return b, nil
}

func (o *Office) evidence(ctx context.Context, actor string, r licence.Record, witnesses [][]byte) ([]byte, error) {
	c := &collection{office: o, ctx: ctx, actor: actor, record: r}
	for _, step := range []func() error{c.licence, c.certificates, c.trust, c.explain, c.formats} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := c.log(witnesses); err != nil {
		return nil, err
	}
	b, err := evidence.New(r.Licence.Identifier, o.now(), c.files)
	if err != nil {
		return nil, err
	}
	if b.Stamp, err = o.stampOf(ctx, b.Digest()); err != nil {
		return nil, err
	}
	archive, err := b.Marshal()
	if err != nil {
		return nil, err
	}
	digest := b.Digest()
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: actor, Act: audit.ActLicenceEvidence, Subject: r.Licence.Identifier.String(), Digest: digest[:],
	}, nil)
	if err != nil {
		return nil, err
	}
	_, err = o.store.Append(ctx, entry)
	return archive, err
}

// collection gathers the files of a bundle.
type collection struct {
	office *Office
	ctx    context.Context
	actor  string
	record licence.Record
	root   [sm3.Size]byte
	files  []evidence.File
}

func (c *collection) add(name string, data []byte) {
	c.files = append(c.files, evidence.File{Name: name, Data: data})
}

// licence adds the signed form and, unless the licence has ended for good, its pages.
func (c *collection) licence() error {
	c.add(evidence.LicenceName, c.record.Signed)
	if c.record.State.Ended() {
		return nil
	}
	file, err := c.office.PDF(c.ctx, c.actor, c.record)
	c.add(evidence.PagesName, file)
	return err
}

// certificates adds the certificate of the key that signed the licence, and those of the
// authorities up to the roots.
func (c *collection) certificates() error {
	kid, err := licence.KeyHint(c.record.Signed)
	if err != nil {
		return err
	}
	issuer, err := c.office.authorityOf(c.ctx, c.record.Licence.Identifier.Issuer)
	if err != nil {
		return err
	}
	ring, err := c.office.issuerKeys(c.ctx, issuer)
	if err != nil {
		return err
	}
	var own []byte
	for _, g := range ring {
		key, err := pki.ParsePoint(g.Point[:])
		if err != nil {
			return err
		}
		if key.KID() != kid {
			continue
		}
		found, err := c.office.certificateOf(c.ctx, key)
		if err != nil {
			return err
		}
		own = append(own, found.PEM()...)
	}
	if own == nil {
		return fmt.Errorf("the key %s that signed it: %w", kid, ErrNoAuthority)
	}
	c.add(evidence.IssuerName, own)
	all, err := c.office.AuthorityCertificates(c.ctx)
	if err != nil {
		return err
	}
	for name, certificate := range all {
		c.add(evidence.CertificatesFolder+name+".pem", certificate.PEM())
	}
	return nil
}

// trust publishes, so that the licence's present state is what the lists say, and adds the
// files.
func (c *collection) trust() error {
	o := c.office
	if _, err := o.Publish(c.ctx, c.actor); err != nil {
		return err
	}
	files, err := o.currentTrust(c.ctx)
	if err != nil {
		return err
	}
	for name, file := range files {
		if strings.HasPrefix(name, domainsFolder) {
			continue // other domains say nothing of this licence
		}
		c.add(evidence.TrustFolder+"/"+name, file)
	}
	c.root = sm3.Sum(files["1.root"])
	// What could not be made was observed, and is the last good one below.
	if _, err := o.PublishCRLs(c.ctx, ""); c.ctx.Err() != nil {
		return err
	}
	names, err := o.store.CRLs().Names(c.ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		list, _, err := o.Latest(c.ctx, name)
		if err != nil {
			return err
		}
		c.add(evidence.TrustFolder+"/"+inspect.CRLFolder+"/"+name, list.DER)
	}
	return nil
}

// explain adds the words for people.
func (c *collection) explain() error {
	l := c.record.Licence
	category, ok := c.office.Catalogue().Version(l.Category, l.Schema)
	if !ok {
		return fmt.Errorf("category %s: %w", l.Category, catalogue.ErrNoCategory)
	}
	facts := evidence.Facts{
		CategoryZH: category.NameZH, CategoryEN: category.NameEN, Number: l.Number, Identifier: l.Identifier.String(), Holder: l.Holders[0].Name,
		Issuer: l.IssuerName, IssueDay: l.IssueDay.String(), FirstDay: l.FirstDay.String(), LastDayZH: "长期", LastDayEN: "long-term",
		StateZH: c.record.State.NameZH(), StateEN: c.record.State.String(), Since: c.record.Since.Format(time.RFC3339),
		MadeAt: c.office.now().UTC().Format(time.RFC3339), RootSM3: hex.EncodeToString(c.root[:]),
	}
	if l.LastDay != nil {
		facts.LastDayZH, facts.LastDayEN = l.LastDay.String(), l.LastDay.String()
	}
	text, err := evidence.Readme(facts)
	c.add(evidence.ReadmeName, text)
	return err
}

func (c *collection) formats() error {
	texts, err := fs.ReadDir(docs.Formats(), ".")
	if err != nil {
		return err
	}
	for _, entry := range texts {
		text, err := fs.ReadFile(docs.Formats(), entry.Name())
		if err != nil {
			return err
		}
		c.add(evidence.FormatsFolder+entry.Name(), text)
	}
	return nil
}

// log adds the proofs of the licence's entries under a checkpoint of this moment, and the
// way there from what witnesses have signed.
func (c *collection) log(witnesses [][]byte) error {
	log := c.office.AuditLog()
	if len(witnesses) > maxWitnesses {
		return fmt.Errorf("%d cosigned checkpoints, at most %d go into a bundle", len(witnesses), maxWitnesses)
	}
	keys, err := log.Keys(c.ctx)
	if err != nil {
		return err
	}
	seen := make([]audit.Witnessed, len(witnesses))
	for i, file := range witnesses {
		if seen[i], err = auditlog.OpenWitness(fmt.Sprintf("witness %d", i+1), file, keys...); err != nil {
			return err
		}
		if seen[i].Cosigner == "" {
			return fmt.Errorf("witness %d: nobody but the log has signed it: %w", i+1, audit.ErrCheckpoint)
		}
	}
	excerpt, err := log.Excerpt(c.ctx, func(log audit.Storage, size uint64) ([]uint64, error) {
		return lifeEntries(log, size, c.record)
	}, seen)
	if err != nil {
		return err
	}
	for i, file := range excerpt.Proofs {
		c.add(fmt.Sprintf("%s%d.proof", evidence.LogFolder, i+1), file)
	}
	for i, file := range excerpt.Ways {
		name := fmt.Sprintf("%s%d", evidence.WitnessFolder, i+1)
		c.add(name+evidence.WitnessSuffix, witnesses[i])
		c.add(name+evidence.ConsistencySuffix, file)
	}
	return nil
}

// looks are the acts that leave a licence as it is: they are no part of its life.
var looks = []audit.Act{
	audit.ActLicenceLook, audit.ActLicenceCode, audit.ActLicencePresent, audit.ActLicenceCopy, audit.ActLicenceAnswer, audit.ActLicenceEvidence,
}

// lifeEntries finds the entries of a licence's issue and last change. The log is in the
// order of time but for the moments between an entry's making and its commit, so they are
// looked for near their times; where the clock was set back meanwhile, everywhere.
func lifeEntries(log audit.Storage, size uint64, r licence.Record) ([]uint64, error) {
	const slack = 120 // seconds
	form := sm3.Sum(r.Signed)
	found := make(map[uint64]bool)
	issued := false
	look := func(from uint64, until int64) error {
		for i := from; i < size; i++ {
			e, err := entryAt(log, i)
			if err != nil {
				return err
			}
			if e.Time > until {
				return nil
			}
			if e.Subject == r.Licence.Identifier.String() && strings.HasPrefix(string(e.Act), "licence.") && !slices.Contains(looks, e.Act) {
				found[i] = true
				issued = issued || bytes.Equal(e.Digest, form[:])
			}
		}
		return nil
	}
	for _, at := range []time.Time{r.Licence.SignedAt, r.Since} {
		from, err := firstAt(log, size, at.Unix()-slack)
		if err != nil {
			return nil, err
		}
		if err := look(from, at.Unix()+slack); err != nil {
			return nil, err
		}
	}
	if !issued {
		const end = 1 << 62
		if err := look(0, end); err != nil {
			return nil, err
		}
	}
	if !issued {
		return nil, evidence.ErrNoIssueEntry
	}
	var indexes []uint64
	for i := range found {
		indexes = append(indexes, i)
	}
	slices.SortFunc(indexes, cmp.Compare)
	return indexes, nil
}

func entryAt(log audit.Storage, index uint64) (audit.Entry, error) {
	record, err := log.Record(index)
	if err != nil {
		return audit.Entry{}, fmt.Errorf("audit log entry %d: %w", index, err)
	}
	e, err := audit.ParseEntry(record.Leaf)
	if err != nil {
		return audit.Entry{}, fmt.Errorf("audit log entry %d: %w", index, err)
	}
	return e, nil
}

// firstAt returns about where the entries of a time begin.
func firstAt(log audit.Storage, size uint64, seconds int64) (uint64, error) {
	var failed error
	at := sort.Search(int(size), func(i int) bool { //nolint:gosec // a log of 2^63 entries is no log
		e, err := entryAt(log, uint64(i)) //nolint:gosec // not negative
		failed = cmp.Or(failed, err)
		return err != nil || e.Time >= seconds
	})
	return uint64(at), failed //nolint:gosec // not negative
}

// stampOf returns a token of the service's own authority over a digest.
func (o *Office) stampOf(ctx context.Context, digest [sm3.Size]byte) ([]byte, error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	nonce[0] = nonce[0]&0x7f | 0x40 // positive, and minimal in DER
	request := tsa.Request{Imprint: tsa.SM3(digest), Nonce: nonce, Certificates: true}
	der, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	answer, err := o.TimeStamp(ctx, der)
	if err != nil {
		return nil, err
	}
	response, err := tsa.ParseResponse(answer)
	if err != nil {
		return nil, err
	}
	if response.Token == nil {
		return nil, fmt.Errorf("no time stamp was given: %v", response.Text)
	}
	return response.Token, nil
}
