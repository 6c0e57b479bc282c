// Package mirror keeps a terminal's cache of trust files like a source: the service, a
// plain web server, a folder on a stick.
//
// A run is whole or nothing. What is new is fetched into a folder beside the cache and
// verified there by the code that the terminal itself uses ([trust.Load]); then the two
// folders change places in one step of the file system. A reader that keeps the folder
// open sees the cache before or the one after, never a mix, and a run that is killed
// leaves one of the two. What was before stays until the next change, for readers that
// are still at it.
//
// Nothing is followed that is not signed: the roots and the time file come first and
// name the trust, catalogue and status files by their hashes, the status file names the
// set files by hash and length. So a source is not trusted. At worst it refuses, is
// slow, or says nothing new; every file has a size that is not exceeded and a time in
// which it must come. Files that cannot change under their name are continued where a
// run before has stopped, from whatever source.
//
// The cache is never replaced by one that is older, by the versions in the cache and by
// what is remembered in the state folder ([trust.State]). An empty folder is filled only
// under a pin.
package mirror
