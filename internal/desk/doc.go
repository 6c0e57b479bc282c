// Package desk has a running service carry out commands that are typed beside it.
//
// One process at a time opens a data folder with an embedded store. While the service
// does, an officer's command cannot; so the service listens on a Unix socket in the
// folder, and a command that finds it there hands over its words instead of opening
// anything. The service runs the command as it is, on the records that it has open, and
// whatever the command reads, prints and writes meanwhile is read, printed and written by
// the process at the officer's end: a service may see other folders than the officer does,
// or be another user. Words, output and exit code are therefore those of the same
// command on a folder that nobody serves, and a new command needs nothing of its own.
//
// Trusted: whoever can open the socket, which has mode 0600. They can open the data folder
// with all its keys as well, so nobody is asked for more than the name that goes into the
// audit log. The other way round the officer's process trusts the service with every file
// that its user can read and write, and with the passwords of the documents that it names.
//
// # Protocol
//
//	POST /command HTTP/1.1            a [Request] in JSON
//	HTTP/1.1 101 Switching Protocols
//
// and from then on two streams of encoding/gob: the service sends calls, one at a time,
// and the terminal answers each in turn. Between answers it may say that it is
// interrupted. The last call is the exit code. A connection that ends before it has
// ended the command: what the command does then is what it does when it is interrupted.
package desk
