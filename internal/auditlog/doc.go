// Package auditlog reads the house's audit log and proves to others what stands in it:
// checkpoints that the house signs, entries under them, that a log of one size is the
// beginning of another, and the use of a seal on a document. Package audit has the log's
// structure and its formats; here it is the log of one [Store], with the [Keys] of its
// checkpoints.
//
// Nothing here writes an entry: whoever acts does, in the transaction of the act. Each proof
// is of the log as of one moment.
package auditlog
