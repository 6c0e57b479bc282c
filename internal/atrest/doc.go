// Package atrest looks after what a data folder holds while nobody acts on it: backups and their restoration, moves to
// another database or bucket, new keys for what is encrypted, the check that everything is there and agrees, and a store
// that was put back to an earlier moment.
//
// It works on an open [datafolder.Folder]. What it cannot do without the acts of an office it asks of an [Office].
package atrest
