// Package keytree keeps the keys that records are encrypted under, so that one can be
// destroyed without touching any other: what was encrypted under it, wherever copies of
// the ciphertext lie, is then lost.
//
// Keys are the leaves of a tree of SM4 keys (a puncturable PRF after Goldreich,
// Goldwasser and Micali, of fan-out 16): child c of a node is SM4 under the node's key of
// the block 0…0 c. Whoever has a node's key has every leaf below it, so a whole tree is
// one key of 16 bytes and no record needs a byte of its own. To destroy a leaf the keys
// on its path are forgotten, and those of the other children along the path are kept in
// their place. Nobody can then make the leaf's key again, and every other stays what it
// was.
//
// What is kept after a destruction is 15 keys for each level of the path that is not
// shared with an earlier one. So leaves are numbered densely ([Licence], [Entry]): what
// was destroyed among neighbours shares most of its path, and where all are gone nothing
// is kept. A leaf below a fixed number of levels is never a node.
//
// # Generations
//
// A [Folder] holds one tree for each generation: rekeying begins a new one. A generation
// is never changed into another, and is destroyed as a whole.
//
// # Files
//
//	N-top.keys              the upper levels of generation N, down to blocks of leaves
//	N-SPACE-BLOCK.keys      a block of which a leaf was destroyed; its key is not in the top
//
// A file is deterministic CBOR,
//
//	{1: 1, 2: key store, 3: generation, 4: space (0: top), 5: block, 6: times written, 7: nonce, 8: ciphertext}
//
// SM4-GCM under a secret of the key store, with everything else as its associated data.
// The plaintext is 0 and a key, or 1 and a node: two masks of 16 bits, of the children that are
// whole and of those that are not, the keys of the former, and the latter as nodes, in
// ascending order.
//
// Files are replaced whole and fsynced, a block before the top that no longer has its
// key; what is cut off in between is finished by who opens the folder next. Several
// processes may have it open: changes are made under a lock to what lies there, and who
// finds a generation that it does not know reads the folder again.
//
// # Trust
//
// The folder is the only copy of these keys. It must not be copied where the records are:
// whoever has an older copy of it, the key store and an older copy of the records, reads
// what was erased in between. A file system may keep the blocks of a replaced file until it
// writes over them. Without the folder every record is lost.
package keytree
