package office

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/audit"
)

// EventKind names what an operator must hear of.
type EventKind string

// The events of this version.
const (
	// EventDisagreement: the two implementations disagree on a signature. What was
	// verified is kept, encrypted, under the digest that the audit log names.
	EventDisagreement EventKind = "signature.disagreement"
	// EventTables: the tables of a key did not agree with the library (package fixedkey),
	// and are not used any more. The machine is faulty, or the package is.
	EventTables EventKind = "signature.tables"
	// EventCRLKept: a certificate revocation list could not be made; the last good
	// one stays in force.
	EventCRLKept EventKind = "crl.kept"
	// EventClock: the clock is not proven, and no time stamps are given.
	EventClock EventKind = "clock.unproven"
)

// Events lists the kinds.
func Events() []EventKind {
	return []EventKind{EventDisagreement, EventTables, EventCRLKept, EventClock}
}

// Event is something that an operator must hear of. It holds nothing personal.
type Event struct {
	Kind    EventKind
	Subject string // what it is about: a digest, the name of a list
	Err     error  // why, or nil
}

// keepDisagreement keeps what the two implementations disagree on, encrypted, names
// it in the audit log, and tells the operator. One of the two is wrong, and with it
// every answer of this machine may be.
func (o *Office) keepDisagreement(ctx context.Context, content []byte) {
	digest := sm3.Sum(content)
	subject := hex.EncodeToString(digest[:])
	err := o.documents.Put(ctx, content)
	entry, entryErr := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: "verify", Act: audit.ActDisagree, Subject: subject, Digest: digest[:],
	}, nil)
	if err = errors.Join(err, entryErr); err == nil {
		_, err = o.store.Append(ctx, entry)
	}
	o.observe(Event{Kind: EventDisagreement, Subject: subject, Err: err})
}
