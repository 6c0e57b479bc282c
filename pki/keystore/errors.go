package keystore

import "github.com/elicence/elicence/internal/bilingual"

// Errors that callers decide on.
var (
	// ErrLocked: the key-encryption key is not this store's, or the `store` file
	// is damaged. The two are the same error on purpose, see the package comment.
	ErrLocked = bilingual.New("打不开密钥库：口令、密钥文件、令牌或分片不对，或密钥库已损坏", "the key store does not open with this key: wrong passphrase, key file, token or shares, or damage")
	// ErrMethod: the store opens in another way than the one that was tried.
	ErrMethod = bilingual.New("密钥库不是用这种方式打开的", "the key store opens in another way")
	// ErrNeedsPassphrase: a store opens with a passphrase and none was given.
	ErrNeedsPassphrase = bilingual.New("密钥库须用口令打开", "the key store opens with a passphrase")
	// ErrNoKey: the store has no such key.
	ErrNoKey = bilingual.New("没有该密钥", "no such key")
	// ErrDamaged: a key file is damaged, was changed, renamed or moved, belongs to
	// another store, or its key is not the one its public point names.
	ErrDamaged = bilingual.New("密钥文件已损坏或被改动", "the key file is damaged or was changed")
	// ErrMode: a file or folder is open to other users.
	ErrMode = bilingual.New("其他用户可以读写，须把文件权限改为 0600、目录改为 0700", "others may use it (a file's mode must be 0600, a folder's 0700)")
	// ErrStale: another process has changed the key-encryption key and then the
	// master key of an open store. Opening it again helps.
	ErrStale = bilingual.New("密钥库已被另一进程更换口令，请重新打开", "the key store was locked anew by another process: open it again")
	// ErrClosed: the store was closed.
	ErrClosed = bilingual.New("密钥库已关闭", "the key store is closed")
	// ErrDeviceOnly: the store keeps signing keys in devices only.
	ErrDeviceOnly = bilingual.New("该密钥库的签名密钥只放在密码设备中", "this key store keeps signing keys in a device only (it was made with gm-only)")
	// ErrNoDevice: a key lies in a device that is not connected.
	ErrNoDevice = bilingual.New("存放该密钥的密码设备没有连接", "the device that holds the key is not connected")
	// ErrNational: something wants an algorithm that is not a national one in a
	// store that was made with gm-only.
	ErrNational = bilingual.New("该密钥库只许用国密算法", "this key store allows national algorithms only (it was made with gm-only)")
)

// Errors of shares.
var (
	// ErrShareDamaged: a share file is not a share or was miscopied.
	ErrShareDamaged = bilingual.New("不是密钥库的分片，或已损坏", "not a share of a key store, or damaged")
	// ErrShareForeign: a share belongs to another store, or to shares of this
	// store that were replaced.
	ErrShareForeign = bilingual.New("该分片属于另一密钥库，或已被更换", "the share belongs to another key store or to an earlier set of shares")
	// ErrShareDuplicate: the same share was given twice.
	ErrShareDuplicate = bilingual.New("同一分片给了两次", "the same share was given twice")
	// ErrShareWrong: a share is whole but its value is not the one that was handed
	// out: somebody changed it.
	ErrShareWrong = bilingual.New("该分片的内容不是当初发出的，已被人改动", "the share's value is not the one that was handed out")
	// ErrSharesTooFew: the threshold is not reached.
	ErrSharesTooFew = bilingual.New("分片不够", "too few shares")
)
