package records

import (
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
)

// Names of tables; doc.go says what is in them.
const (
	tableRecords, tableChanges, tableCounts, tableSigners       = "records", "changes", "counts", "signers"
	tableCredentials, tableDevices, tableBindings               = "credentials", "devices", "bindings"
	tableWindows, tablePlanes, tableLists                       = "windows", "planes", "lists"
	tableAuditLeaves, tableAuditBeside, tableAuditNodes         = "audit.leaves", "audit.beside", "audit.nodes"
	tableCertificates, tablePoints, tableIntents                = "certificates", "points", "intents"
	tableRevocations, tableStatusChanges, tableExpiring         = "revocations", "status-changes", "expiring"
	tableCRLNumbers, tableCRLs                                  = "crl-numbers", "crls"
	tableAuthorities, tableSeals, tableTrust, tableEnrolments   = "authorities", "seals", "trust", "enrolments"
	tableProposals, tableProposed, tableErasures                = "proposals", "proposed", "erasures"
	tableDestroyed, tableCheckpoints                            = "destroyed", "checkpoints"
	tableMeta                                                   = "meta"
	indexIdentifiers, indexNumbers, indexHolders, indexRequests = "identifiers", "numbers", "holders", "request-ids"
)

// Sizes of what indexes hold, in bytes; those of look-up keys are in package sealed. Eight
// bytes of a random number tell a licence from 2^30 others in all but one of 2^34 look-ups,
// and the record decides.
const (
	refSize        = 5
	identifierSize = 8
)

// The record key begins with the bucket, which is no part of the index key.
var _ [licence.RandomSize - identifierSize]struct{}

// Schema is what a database must hold for a store.
func Schema() kv.Schema {
	table := func(order kv.Order, names ...string) []kv.TableSpec {
		specs := make([]kv.TableSpec, len(names))
		for i, name := range names {
			specs[i] = kv.TableSpec{Name: name, Order: order}
		}
		return specs
	}
	return kv.Schema{
		Tables: append(
			table(kv.Growing, tableRecords, tableChanges, tableAuditLeaves, tableAuditBeside, tableAuditNodes, tableDestroyed),
			table(kv.Random, tableCounts, tableSigners, tableCredentials, tableDevices, tableBindings, tableWindows, tablePlanes, tableLists,
				tableCertificates, tablePoints, tableIntents, tableRevocations, tableStatusChanges, tableExpiring,
				tableCRLNumbers, tableCRLs, tableCheckpoints, tableAuthorities, tableSeals, tableTrust, tableEnrolments, tableProposals, tableProposed, tableErasures, tableMeta)...,
		),
		Indexes: []kv.IndexSpec{
			{Name: indexIdentifiers, KeySize: identifierSize, RefSize: refSize},
			{Name: indexNumbers, KeySize: sealed.LookupSize, RefSize: refSize},
			{Name: indexHolders, KeySize: sealed.LookupSize, RefSize: refSize},
			{Name: indexRequests, KeySize: sealed.RequestSize, RefSize: refSize},
		},
	}
}

func identifierKey(key sealed.Key) []byte { return key[2 : 2+identifierSize] }
