package keystore

import "errors"

// Errors that callers decide on.
var (
	// ErrLocked: the key-encryption key is not this store's, or the `store` file
	// is damaged. The two are the same error on purpose, see the package comment.
	ErrLocked = errors.New("the key store does not open with this key: wrong passphrase, key file, token or shares, or damage")
	// ErrMethod: the store opens in another way than the one that was tried.
	ErrMethod = errors.New("the key store opens in another way")
	// ErrNeedsPassphrase: a store opens with a passphrase and none was given.
	ErrNeedsPassphrase = errors.New("the key store opens with a passphrase")
	// ErrNoKey: the store has no such key.
	ErrNoKey = errors.New("no such key")
	// ErrDamaged: a key file is damaged, was changed, renamed or moved, belongs to
	// another store, or its key is not the one its public point names.
	ErrDamaged = errors.New("the key file is damaged or was changed")
	// ErrMode: a file or folder is open to other users.
	ErrMode = errors.New("others may use it (a file's mode must be 0600, a folder's 0700)")
	// ErrStale: another process has changed the key-encryption key and then the
	// master key of an open store. Opening it again helps.
	ErrStale = errors.New("the key store was locked anew by another process: open it again")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the key store is closed")
	// ErrDeviceOnly: the store keeps signing keys in devices only.
	ErrDeviceOnly = errors.New("this key store keeps signing keys in a device only (it was made with gm-only)")
	// ErrNoDevice: a key lies in a device that is not connected.
	ErrNoDevice = errors.New("the device that holds the key is not connected")
	// ErrNational: something wants an algorithm that is not a national one in a
	// store that was made with gm-only.
	ErrNational = errors.New("this key store allows national algorithms only (it was made with gm-only)")
)

// Errors of shares.
var (
	// ErrShareDamaged: a share file is not a share or was miscopied.
	ErrShareDamaged = errors.New("not a share of a key store, or damaged")
	// ErrShareForeign: a share belongs to another store, or to shares of this
	// store that were replaced.
	ErrShareForeign = errors.New("the share belongs to another key store or to an earlier set of shares")
	// ErrShareDuplicate: the same share was given twice.
	ErrShareDuplicate = errors.New("the same share was given twice")
	// ErrShareWrong: a share is whole but its value is not the one that was handed
	// out: somebody changed it.
	ErrShareWrong = errors.New("the share's value is not the one that was handed out")
	// ErrSharesTooFew: the threshold is not reached.
	ErrSharesTooFew = errors.New("too few shares")
)
