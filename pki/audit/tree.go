package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
)

// Storage keeps a log within one transaction of its owner. Node hashes are
// addressed by level (0 = leaves) and index; only complete subtrees are kept.
type Storage interface {
	Size() (uint64, error)
	SetSize(uint64) error
	Node(level uint, index uint64) ([]byte, error)
	PutNode(level uint, index uint64, hash []byte) error
	Record(index uint64) (Record, error)
	PutRecord(index uint64, r Record) error
}

// Interruptible returns the log with readings that end with a context.
func Interruptible(ctx context.Context, log Storage) Storage { return interruptible{log, ctx} }

type interruptible struct {
	Storage
	ctx context.Context
}

// Record implements [Storage].
func (l interruptible) Record(index uint64) (Record, error) {
	if err := l.ctx.Err(); err != nil {
		return Record{}, err
	}
	return l.Storage.Record(index)
}

// Edge is the right edge of a log: the roots of the complete subtrees that its
// entries fall into. It is all that is needed to go on appending. An Edge is not
// changed once it is made.
type Edge struct {
	size  uint64
	nodes [][]byte // by level; nil where the bit of size is not set
}

// Size returns the number of entries.
func (e Edge) Size() uint64 { return e.size }

// ReadEdge reads the edge of a log's first size entries.
func ReadEdge(s Storage, size uint64) (Edge, error) {
	e := Edge{size: size}
	for level := uint(0); size>>level > 0; level++ {
		var node []byte
		if size>>level&1 == 1 {
			var err error
			if node, err = s.Node(level, size>>level-1); err != nil {
				return Edge{}, fmt.Errorf("reading log node %d/%d: %w", level, size>>level-1, err)
			}
		}
		e.nodes = append(e.nodes, node)
	}
	return e, nil
}

// level is what a batch knows of one level of the tree: perhaps the last complete
// node of before, the complete nodes that the batch adds, and the root of the rest.
type level struct {
	first uint64   // index of nodes[0]
	left  []byte   // the node before it, if its sibling is in the batch
	nodes [][]byte // complete nodes, each of which holds an entry of the batch
	rest  []byte   // root of the entries right of the last complete node, or nil
}

// node returns a node of the level by its index, nil if the batch does not know it.
func (l *level) node(index uint64) []byte {
	switch {
	case index+1 == l.first:
		return l.left
	case index >= l.first && index-l.first < uint64(len(l.nodes)):
		return l.nodes[index-l.first]
	case index == l.first+uint64(len(l.nodes)):
		return l.rest
	default:
		return nil
	}
}

// Batch is the tree around entries that are appended together. It is computed from
// the edge alone and is not changed once it is made.
type Batch struct {
	first, size uint64
	levels      []level
	root        []byte
}

// NewBatch computes the tree that grows from an edge by records.
func NewBatch(e Edge, records []Record) *Batch {
	b := &Batch{first: e.size, size: e.size + uint64(len(records))}
	nodes := make([][]byte, len(records))
	for i, r := range records {
		nodes[i] = Hasher{}.HashLeaf(r.Leaf)
	}
	var rest []byte
	for k := uint(0); b.size>>k > 0; k++ {
		l := level{first: e.size >> k, nodes: nodes, rest: rest}
		if k < uint(len(e.nodes)) {
			l.left = e.nodes[k]
		}
		// The next level: pairs, the first of which may begin with the edge's node.
		begin := l.first &^ 1
		parents := make([][]byte, 0, len(nodes)/2+1)
		for index := begin; index+1 < l.first+uint64(len(nodes)); index += 2 {
			parents = append(parents, Hasher{}.HashChildren(l.node(index), l.node(index+1)))
		}
		switch last := b.size>>k - 1; {
		case b.size>>k&1 == 0:
		case rest == nil:
			rest = l.node(last)
		default:
			rest = Hasher{}.HashChildren(l.node(last), rest)
		}
		b.levels = append(b.levels, l)
		nodes = parents
	}
	if b.root = rest; rest == nil {
		b.root = Hasher{}.EmptyRoot()
	}
	return b
}

// First returns the index of the first entry of the batch.
func (b *Batch) First() uint64 { return b.first }

// Size returns the number of entries of the log with the batch.
func (b *Batch) Size() uint64 { return b.size }

// Root returns the root of the log with the batch.
func (b *Batch) Root() []byte { return b.root }

// Edge returns the edge of the log with the batch.
func (b *Batch) Edge() Edge {
	e := Edge{size: b.size, nodes: make([][]byte, len(b.levels))}
	for k := range b.levels {
		if b.size>>k&1 == 1 {
			e.nodes[k] = b.levels[k].node(b.size>>k - 1)
		}
	}
	return e
}

// Receipt says where an entry stands and proves it.
type Receipt struct {
	Index uint64
	Size  uint64   // entries of the log that the proof is for
	Root  []byte   // of that log
	Path  [][]byte // inclusion proof (RFC 6962, 2.1.1)
}

// Receipt returns the receipt of the i-th entry of the batch. Its hashes are shared
// and must not be changed.
func (b *Batch) Receipt(i int) Receipt {
	r := Receipt{Index: b.first + uint64(i), Size: b.size, Root: b.root, Path: make([][]byte, 0, len(b.levels))}
	for k := range b.levels {
		if (b.size-1)>>k == 0 {
			break
		}
		// The last node of a level may have no sibling.
		if sibling := b.levels[k].node(r.Index>>k ^ 1); sibling != nil {
			r.Path = append(r.Path, sibling)
		}
	}
	return r
}

// Append adds records to the log and returns their batch. The caller commits the
// transaction; until then nothing is acknowledged.
func Append(s Storage, records ...Record) (*Batch, error) {
	size, err := s.Size()
	if err != nil {
		return nil, fmt.Errorf("reading the size of the log: %w", err)
	}
	edge, err := ReadEdge(s, size)
	if err != nil {
		return nil, err
	}
	return AppendTo(s, edge, records)
}

// ErrEdge says that an edge is not that of the log.
var ErrEdge = errors.New("the edge is of another size than the log")

// AppendTo is [Append] for a caller who knows the log's edge.
func AppendTo(s Storage, edge Edge, records []Record) (*Batch, error) {
	size, err := s.Size()
	if err != nil {
		return nil, fmt.Errorf("reading the size of the log: %w", err)
	}
	if edge.size != size {
		return nil, ErrEdge
	}
	b := NewBatch(edge, records)
	for i, r := range records {
		if err := s.PutRecord(size+uint64(i), r); err != nil {
			return nil, fmt.Errorf("storing log entry %d: %w", size+uint64(i), err)
		}
	}
	// In the order of their keys, each node once.
	for k, l := range b.levels {
		for i, hash := range l.nodes {
			if err := s.PutNode(uint(k), l.first+uint64(i), hash); err != nil {
				return nil, fmt.Errorf("storing log node %d/%d: %w", k, l.first+uint64(i), err)
			}
		}
	}
	if err := s.SetSize(b.size); err != nil {
		return nil, fmt.Errorf("storing the size of the log: %w", err)
	}
	return b, nil
}

// ErrNothingToErase says that an entry commits to no details.
var ErrNothingToErase = bilingual.New("该条目没有可删除的内容", "the entry has no details")

// Erase appends erasures (see [NewErasure]) and removes the key and the details
// beside the entries that they name, in the caller's one transaction. Details that
// were erased before are [ErrErased].
func Erase(s Storage, erasures ...Record) (*Batch, error) {
	b, err := Append(s, erasures...)
	if err != nil {
		return nil, err
	}
	for i, r := range erasures {
		e, err := ParseEntry(r.Leaf)
		if err != nil {
			return nil, err
		}
		index, ok := e.Erases()
		if !ok || index >= b.first {
			return nil, fmt.Errorf("erasing the details of %q: it is no earlier entry", e.Subject)
		}
		target, err := s.Record(index)
		if err != nil {
			return nil, fmt.Errorf("erasing the details of entry %d: %w", index, err)
		}
		switch {
		case target.ErasedBy > 0:
			return nil, fmt.Errorf("erasing the details of entry %d: by entry %d: %w", index, target.ErasedBy, ErrErased)
		case len(target.Key) == 0 && !target.Destroyed:
			return nil, fmt.Errorf("erasing the details of entry %d: %w", index, ErrNothingToErase)
		}
		if err := s.PutRecord(index, Record{Leaf: target.Leaf, ErasedBy: b.first + uint64(i)}); err != nil {
			return nil, fmt.Errorf("erasing the details of entry %d: %w", index, err)
		}
	}
	return b, nil
}

// Root returns the root of the log's first size entries.
func Root(s Storage, size uint64) ([]byte, error) {
	edge, err := ReadEdge(s, size)
	if err != nil {
		return nil, err
	}
	return slices.Clone(NewBatch(edge, nil).root), nil
}
