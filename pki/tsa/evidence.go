package tsa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// MaxBatch bounds the digests that one token stamps.
const MaxBatch = 1 << 16

// MaxEvidence bounds an evidence record that is read, in bytes.
const MaxEvidence = MaxResponse + 8<<10

// Bounds of a reduced hash tree that is read.
const (
	maxLevels = 64 // lists
	maxHashes = 64 // hashes in one list
)

// Batch is many digests under one token: their SM3 hash tree (RFC 4998, 4.2), whose
// root is the token's imprint.
type Batch struct {
	Token   *Token
	digests [][]byte   // ascending, each once
	salts   [][]byte   // salts[i] is hashed with digests[i]; none for one digest alone
	levels  [][][]byte // levels[0][i] is the hash of digest and salt i; the last level is the root
}

// hashTree returns the levels above some hashes. Two neighbours make SM3 of their
// concatenation in ascending order; one without a neighbour moves up as it is.
func hashTree(level [][]byte) [][][]byte {
	levels := [][][]byte{level}
	for len(level) > 1 {
		above := make([][]byte, 0, (len(level)+1)/2)
		for pair := range slices.Chunk(level, 2) {
			if len(pair) == 1 {
				above = append(above, pair[0])
			} else {
				above = append(above, hashList(pair))
			}
		}
		levels, level = append(levels, above), above
	}
	return levels
}

// hashList returns SM3 over hashes in ascending order (RFC 4998, 4.2).
func hashList(hashes [][]byte) []byte {
	h := sm3.New()
	for _, hash := range slices.SortedFunc(slices.Values(hashes), bytes.Compare) {
		h.Write(hash)
	}
	return h.Sum(nil)
}

// StampBatch stamps many SM3 digests with one token. Each gets an evidence record of
// its own ([Batch.Evidence]). Each digest is hashed with 32 random bytes first, so that a
// record tells nothing of the other documents, not even to who can guess them.
func (c *Client) StampBatch(ctx context.Context, digests [][sm3.Size]byte) (*Batch, error) {
	if len(digests) == 0 || len(digests) > MaxBatch {
		return nil, fmt.Errorf("a batch of %d digests: from 1 to %d can be stamped together", len(digests), MaxBatch)
	}
	b := new(Batch)
	for _, d := range digests {
		b.digests = append(b.digests, bytes.Clone(d[:]))
	}
	slices.SortFunc(b.digests, bytes.Compare)
	b.digests = slices.CompactFunc(b.digests, bytes.Equal)
	leaves := b.digests
	if len(b.digests) > 1 {
		leaves = nil
		for _, d := range b.digests {
			salt := make([]byte, sm3.Size)
			if _, err := io.ReadFull(c.Random, salt); err != nil {
				return nil, fmt.Errorf("drawing salts for a batch: %w", err)
			}
			b.salts, leaves = append(b.salts, salt), append(leaves, hashList([][]byte{d, salt}))
		}
	}
	b.levels = hashTree(leaves)
	root := b.levels[len(b.levels)-1][0]
	var err error
	if b.Token, err = c.Stamp(ctx, SM3([sm3.Size]byte(root))); err != nil {
		return nil, err
	}
	return b, nil
}

// ErrNotStamped: a batch has no such digest.
var ErrNotStamped = errors.New("the digest is not in the batch")

// Evidence returns the EvidenceRecord of one digest in DER (RFC 4998): with
// [ParseEvidence], or any other reader of that standard, it proves that the digest
// existed at the token's time.
func (b *Batch) Evidence(digest [sm3.Size]byte) ([]byte, error) {
	i, found := slices.BinarySearchFunc(b.digests, digest[:], bytes.Compare)
	if !found {
		return nil, ErrNotStamped
	}
	var lists [][][]byte
	if b.salts != nil {
		lists = append(lists, [][]byte{digest[:], b.salts[i]})
	}
	for _, level := range b.levels[:len(b.levels)-1] {
		if sibling := i ^ 1; sibling < len(level) {
			lists = append(lists, [][]byte{level[sibling]})
		}
		i /= 2
	}
	return marshalEvidence(lists, b.Token.DER)
}

// marshalEvidence writes an EvidenceRecord of one ArchiveTimeStamp.
func marshalEvidence(lists [][][]byte, token []byte) ([]byte, error) {
	sequence := func(b *cryptobyte.Builder, content func(*cryptobyte.Builder)) { b.AddASN1(cbasn1.SEQUENCE, content) }
	var b cryptobyte.Builder
	sequence(&b, func(b *cryptobyte.Builder) { // EvidenceRecord
		b.AddASN1Int64(1)
		sequence(b, func(b *cryptobyte.Builder) { oid.AddAlgorithm(b, oid.SM3) }) // digestAlgorithms
		sequence(b, func(b *cryptobyte.Builder) {                                 // ArchiveTimeStampSequence
			sequence(b, func(b *cryptobyte.Builder) { // ArchiveTimeStampChain
				sequence(b, func(b *cryptobyte.Builder) { // ArchiveTimeStamp
					b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { oid.Add(b, oid.SM3) }) // digestAlgorithm
					if len(lists) > 0 {
						b.AddASN1(contextTag(2), func(b *cryptobyte.Builder) { // reducedHashtree
							for _, list := range lists {
								sequence(b, func(b *cryptobyte.Builder) { // PartialHashtree
									for _, hash := range slices.SortedFunc(slices.Values(list), bytes.Compare) {
										b.AddASN1OctetString(hash)
									}
								})
							}
						})
					}
					b.AddBytes(token)
				})
			})
		})
	})
	return b.Bytes()
}

// Evidence is an evidence record that was read. Nothing about it is verified until
// [Evidence.Verify].
type Evidence struct {
	Token *Token
	lists [][][]byte
}

// ParseEvidence reads an EvidenceRecord in DER (RFC 4998) with SM3 and one archive time
// stamp: what [Batch.Evidence] makes. Renewed records and encryption are refused.
func ParseEvidence(der []byte) (*Evidence, error) {
	if len(der) > MaxEvidence {
		return nil, malformed(fmt.Sprintf("evidence record of %d bytes, at most %d are read", len(der), MaxEvidence))
	}
	input := cryptobyte.String(der)
	var record, algorithms, sequence, chain, stamp cryptobyte.String
	var version int
	if !input.ReadASN1(&record, cbasn1.SEQUENCE) || !input.Empty() || !record.ReadASN1Integer(&version) || version != 1 {
		return nil, malformed("not one evidence record of version 1 in DER")
	}
	if !record.ReadASN1(&algorithms, cbasn1.SEQUENCE) || !oid.ExpectAlgorithm(&algorithms, oid.SM3) || !algorithms.Empty() {
		return nil, malformed("evidence record's digest algorithm is not SM3 alone")
	}
	if !record.ReadASN1(&sequence, cbasn1.SEQUENCE) || !record.Empty() || !sequence.ReadASN1(&chain, cbasn1.SEQUENCE) || !sequence.Empty() ||
		!chain.ReadASN1(&stamp, cbasn1.SEQUENCE) || !chain.Empty() {
		return nil, malformed("evidence record is not of one archive time stamp")
	}
	return readStamp(stamp)
}

// readStamp reads an ArchiveTimeStamp.
func readStamp(stamp cryptobyte.String) (*Evidence, error) {
	var algorithm, tree, token cryptobyte.String
	var hasAlgorithm, hasTree bool
	if !stamp.ReadOptionalASN1(&algorithm, &hasAlgorithm, contextTag(0)) || hasAlgorithm && !readTagged(algorithm) {
		return nil, malformed("archive time stamp's digest algorithm is not SM3")
	}
	if !stamp.ReadOptionalASN1(&tree, &hasTree, contextTag(2)) || hasTree && tree.Empty() {
		return nil, malformed("archive time stamp's hash tree")
	}
	e := new(Evidence)
	for !tree.Empty() {
		var list cryptobyte.String
		if len(e.lists) == maxLevels || !tree.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
			return nil, malformed("archive time stamp's hash tree")
		}
		var hashes [][]byte
		for !list.Empty() {
			var hash cryptobyte.String
			if len(hashes) == maxHashes || !list.ReadASN1(&hash, cbasn1.OCTET_STRING) || len(hash) != sm3.Size {
				return nil, malformed("archive time stamp's hash tree holds something that is not SM3")
			}
			hashes = append(hashes, hash)
		}
		// Some programs hash one alone, some take it as it is.
		if len(e.lists) == 0 && len(hashes) == 1 {
			return nil, malformed("archive time stamp's hash tree begins with a hash alone")
		}
		e.lists = append(e.lists, hashes)
	}
	if !stamp.ReadASN1Element(&token, cbasn1.SEQUENCE) || !stamp.Empty() {
		return nil, malformed("archive time stamp has no token")
	}
	var err error
	if e.Token, err = ParseToken(token); err != nil {
		return nil, err
	}
	return e, nil
}

// readTagged reads the content of an AlgorithmIdentifier under an implicit tag.
func readTagged(content cryptobyte.String) bool {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	sequence := cryptobyte.String(b.BytesOrPanic())
	return oid.ExpectAlgorithm(&sequence, oid.SM3)
}

// Verify checks that a digest is one of those that the token stamps (RFC 4998, 4.3),
// and the token itself.
func (e *Evidence) Verify(digest [sm3.Size]byte, chain ChainVerifier, second pki.SecondOpinion) error {
	hash := digest[:]
	for i, list := range e.lists {
		if i == 0 && !slices.ContainsFunc(list, func(h []byte) bool { return bytes.Equal(h, hash) }) {
			return ErrOtherImprint
		}
		if i > 0 {
			list = append(slices.Clone(list), hash)
		}
		hash = hashList(list)
	}
	return e.Token.Verify(SM3([sm3.Size]byte(hash)), chain, second)
}
