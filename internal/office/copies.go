package office

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/boundcopy"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/render"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// MaxCopyLife is how long a purpose-bound copy may be used, in days. A purpose that
// takes longer takes a new copy.
const MaxCopyLife = 366

// ErrCopyTerm: a copy cannot end on this day.
var ErrCopyTerm = bilingual.New("该日期不能作为此证照加注件的截止日", "not a last day for a copy of this licence")

// CopyRequest says what a copy is for.
type CopyRequest struct {
	Recipient, Purpose string    // see [boundcopy.CheckText]
	Until              civil.Day // the last day on which it may be used
}

// BoundCopy is a purpose-bound copy as it is given away.
type BoundCopy struct {
	*boundcopy.Copy
	PDF []byte
}

// Copy makes a purpose-bound copy of a licence in force (加注件): its pages, marked with
// whom they are for, for what and until when; the signed statement of that inside; a code
// of its own in place of the licence's; and the seal of the issuing authority. Who got it
// for what is kept encrypted beside its entry of the audit log, which is on the disk
// before the copy is given away.
func (o *Office) Copy(ctx context.Context, actor string, r licence.Record, q CopyRequest) (BoundCopy, error) {
	c, err := o.copyOf(r, q)
	if err != nil {
		return BoundCopy{}, fmt.Errorf("copy of licence %s: %w", r.Licence.Identifier, err)
	}
	sealed, statement, err := o.sealCopy(ctx, actor, r, c)
	if err != nil {
		return BoundCopy{}, fmt.Errorf("copy of licence %s: %w", r.Licence.Identifier, err)
	}
	details, err := json.Marshal(map[string]string{"number": c.Number, "recipient": c.Recipient, "purpose": c.Purpose, "until": c.Until.String()})
	if err != nil {
		return BoundCopy{}, err
	}
	digest := sm3.Sum(statement)
	entry, err := audit.NewRecord(audit.Entry{
		Time: c.SignedAt.Unix(), Actor: actor, Act: audit.ActLicenceCopy, Subject: r.Licence.Identifier.String(), Digest: digest[:],
	}, details)
	if err != nil {
		return BoundCopy{}, err
	}
	if _, err := o.store.Append(ctx, entry); err != nil {
		return BoundCopy{}, err
	}
	return BoundCopy{Copy: c, PDF: sealed}, nil
}

// copyOf checks what a copy is asked for and says it.
func (o *Office) copyOf(r licence.Record, q CopyRequest) (*boundcopy.Copy, error) {
	now := o.now().UTC().Truncate(time.Second)
	if err := o.mayBind(r); err != nil {
		return nil, err
	}
	if now.Before(r.Licence.FirstDay.Start()) {
		return nil, fmt.Errorf("the licence has not begun: %w", ErrNotInForce)
	}
	if err := boundcopy.CheckText(q.Recipient); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	if err := boundcopy.CheckText(q.Purpose); err != nil {
		return nil, fmt.Errorf("purpose: %w", err)
	}
	switch today := civil.Of(now); {
	case q.Until < today:
		return nil, fmt.Errorf("%s is past: %w", q.Until, ErrCopyTerm)
	case q.Until > today+MaxCopyLife:
		return nil, fmt.Errorf("%s is more than %d days away: %w", q.Until, MaxCopyLife, ErrCopyTerm)
	case r.Licence.LastDay != nil && q.Until > *r.Licence.LastDay:
		return nil, fmt.Errorf("%s is after the licence's last day, %s: %w", q.Until, r.Licence.LastDay, ErrCopyTerm)
	}
	number, err := boundcopy.NewNumber(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &boundcopy.Copy{
		Number: number, Licence: r.Licence.Identifier, Form: sm3.Sum(r.Signed), Recipient: q.Recipient, Purpose: q.Purpose, Until: q.Until, SignedAt: now,
	}, nil
}

// sealCopy signs the statement, sets the pages and seals them. It returns the PDF and
// the statement.
func (o *Office) sealCopy(ctx context.Context, actor string, r licence.Record, c *boundcopy.Copy) (sealed, statement []byte, err error) {
	category, ok := o.Catalogue().Version(r.Licence.Category, r.Licence.Schema)
	if !ok {
		return nil, nil, fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
	}
	record, err := o.sealOf(ctx, actor, r.Licence.Identifier.Issuer)
	if err != nil {
		return nil, nil, err
	}
	if statement, err = o.signStatement(ctx, c.Sign); err != nil {
		return nil, nil, err
	}
	images := func(sum [sm3.Size]byte) ([]byte, error) { return o.documents.Get(ctx, sum) }
	sheet, err := render.CopyOf(r.Licence, category, r.Signed, c, statement, images)
	if err != nil {
		return nil, nil, err
	}
	page, err := render.Page(sheet)
	if err != nil {
		return nil, nil, err
	}
	doc, err := pdf.Open(bytes.NewReader(page.PDF), int64(len(page.PDF)))
	if err != nil {
		return nil, nil, err
	}
	stamped, err := o.Stamp(ctx, actor, doc, StampRequest{
		SealID: record.ID, Place: placement.Place{Pages: placement.OnPage(page.SealPage), X: page.SealX, Y: page.SealY}, Reason: category.NameZH + "（加注件）",
		Number: copyCodeNumber(c), Code: &CodePlace{Page: page.SealPage, X: page.CodeX, Y: page.CodeY, Expires: c.Until.End()}, issued: r.Signed,
	})
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if _, err := stamped.WriteTo(&out); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), statement, nil
}

// signStatement signs by the key for document codes, which signs statements as well.
func (o *Office) signStatement(ctx context.Context, sign func(*pki.Key) ([]byte, error)) ([]byte, error) {
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	key, err := o.currentKey(ctx, keystore.PurposeService, codeKey)
	if err != nil {
		return nil, err
	}
	return sign(key)
}

// maxCopyCode is the length in bytes of what a copy's code says, so that its modules
// stay large enough on paper.
const maxCopyCode = 120

// copyCodeNumber is what the code on a paper copy shows as the document's number: the
// copy's, and for whom and for what it is, so that a terminal without a network tells.
// What does not fit is cut by an ellipsis.
func copyCodeNumber(c *boundcopy.Copy) string {
	text := "加注件 " + c.Number + " 仅供" + c.Recipient + "用于" + c.Purpose
	if len(text) <= maxCopyCode {
		return text
	}
	const ellipsis = "…"
	cut := 0
	for i := range text {
		if i+len(ellipsis) > maxCopyCode {
			break
		}
		cut = i
	}
	return text[:cut] + ellipsis
}
