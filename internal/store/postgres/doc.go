// Package postgres is the store on a PostgreSQL server, or on several that copy one
// another: an engine of package kv through database/sql and pgx.
//
// # Commits
//
// Update has returned without an error only when the server has said so of a COMMIT
// that it did not stop waiting for. A COMMIT is never bound to the caller's deadline: a
// server that is told to stop waiting for its copies keeps the transaction and shows
// it, and a fail-over then loses what somebody has seen. Where a COMMIT ends without a
// clear answer (the connection was lost, the server warns that it did not wait), the
// engine asks on a new connection: every Update leaves its number in the engine's row of
// the table instances, and who has taken the writer's lock afterwards sees whether it
// is there. That question is a transaction which writes, so its own COMMIT waits for the
// copies and makes what it saw as durable as itself. Only if nobody answers within
// [Options.Patience] the error is [kv.ErrUnknown].
//
// # Writers
//
// Update takes a lock on the one row of the table writer, so there is one writer at a
// time over all nodes of the service, and what it reads stays as it is. It reads through
// a cache and keeps its writes until the end, when they go to the server as a few
// statements of many rows each. What was cut off before its COMMIT is run again while
// servers change places.
//
// # Layout
//
// The tables are made by the migrations in this package; their columns say how the engine
// speaks to them. A table has the columns key and value. Where keys begin with the
// distribution bucket of a record there is a column bucket before them, the first two
// bytes of the key as a number, and the table is partitioned by it: an engine that
// spreads a table over machines takes it as the distribution key. An index is a table of
// lead (the first eight bytes of the look-up key), rest and ref, with an index on lead
// alone, which is half as large as one on everything.
//
// The SQL keeps to what engines of PostgreSQL's family share: no advisory locks, no
// LISTEN, no arrays.
package postgres
