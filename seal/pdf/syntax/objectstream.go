package syntax

import "slices"

// maxUnpacked bounds the decoded object streams that are remembered.
const maxUnpacked = 32 << 20

// A container is a decoded object stream (ISO 32000-1, 7.5.7).
type container struct {
	at, end  int64 // the stream object's bytes in the file
	length   int64 // of the data as they are stored
	measured bool  // by the stream's own dictionary, so in all revisions alike
	stream   *Stream
	data     []byte
	nums     []uint32
	starts   []int // offsets into data
	objects  []*Object
}

// loadPacked returns an object out of an object stream, all of it or only some keys of its
// dictionary. With only some, it does not remember.
func (v View) loadPacked(r Ref, loc location, into *Skimmed) (*Object, error) {
	holder, ok := v.locate(uint32(loc.at))
	if !ok || holder.kind != inFile {
		return nil, DamagedAt(v.sections[0].at, "object %d lies in the object stream %d, which is no plain object", r.Num, loc.at)
	}
	c, err := v.container(holder.at, uint32(loc.at))
	if err != nil {
		return nil, err
	}
	i := int(loc.index)
	if i >= len(c.nums) || c.nums[i] != r.Num {
		return nil, DamagedAt(c.at, "object %d is not at place %d of its object stream", r.Num, i)
	}
	if c.objects[i] != nil {
		return c.objects[i], v.File.Work(c.objects[i].cost / 4)
	}
	l := &lexer{buf: c.data, pos: c.starts[i], last: true, into: into, values: &v.File.src.values}
	val, err := l.value(0)
	if err != nil {
		return nil, err
	}
	o := into.made(Object{Ref: r, Val: val, At: c.at, end: c.end, Packed: i, cost: l.pos - c.starts[i]})
	if err := v.File.Work(o.cost); err != nil {
		return nil, err
	}
	if into == nil {
		c.objects[i] = o
	}
	return o, nil
}

// container decodes or remembers the object stream at an offset.
func (v View) container(at int64, num uint32) (*container, error) {
	f := v.File
	if c, ok := f.containers[at]; ok && c.stream.holder.Num == num && c.end <= v.limit {
		if c.measured {
			return c, nil
		}
		if n, err := v.length(c.stream); err == nil && n == c.length {
			return c, nil
		}
	}
	o, err := f.objectAt(at, v.limit, nil)
	if err != nil {
		return nil, err
	}
	st, ok := o.Val.(*Stream)
	if !ok || o.Ref.Num != num || st.Dict.Lookup("Type") != Name("ObjStm") {
		return nil, DamagedAt(at, "the object stream %d expected", num)
	}
	// No comparison of revisions reaches an object that says how to read others: a later revision
	// would exchange it and with it what stands in the earlier ones.
	if !direct(st.Dict.Lookup("Filter")) || !direct(st.Dict.Lookup("DecodeParms")) {
		return nil, DamagedAt(at, "the filters of the object stream %d are not in its own dictionary", num)
	}
	data, where, err := v.Decode(st, maxDecoded)
	if err != nil {
		return nil, err
	}
	_, measured := st.Dict.Lookup("Length").(int64)
	c := &container{at: o.At, end: where.end, length: where.To - where.From, measured: measured, stream: st, data: data}
	if err := c.index(st.Dict); err != nil {
		return nil, err
	}
	if f.unpacked += len(data); f.unpacked > maxUnpacked {
		clear(f.containers)
		f.unpacked = len(data)
	}
	f.containers[at] = c
	return c, nil
}

// direct reports that a value has no references.
func direct(val Value) bool {
	switch val := val.(type) {
	case Ref:
		return false
	case Array:
		return !slices.ContainsFunc(val, func(item Value) bool { return !direct(item) })
	case *Dict:
		return !slices.ContainsFunc(val.Entries, func(e Entry) bool { return !direct(e.Val) })
	}
	return true
}

// index reads the pairs of object number and offset at the stream's start.
func (c *container) index(d *Dict) error {
	n, ok1 := d.Lookup("N").(int64)
	first, ok2 := d.Lookup("First").(int64)
	// A pair takes four bytes at least: two digits and two separators.
	if !ok1 || !ok2 || n < 0 || first < 0 || first > int64(len(c.data)) || n > first/3+1 {
		return DamagedAt(c.at, "the object stream's /N or /First is missing or out of range")
	}
	c.nums = make([]uint32, n)
	c.starts = make([]int, n)
	c.objects = make([]*Object, n)
	l := &lexer{buf: c.data[:first], last: true}
	for i := range c.nums {
		num, err := l.integer("an object number in an object stream")
		if err != nil {
			return err
		}
		start, err := l.integer("an offset in an object stream")
		if err != nil {
			return err
		}
		if num == 0 || num > maxObjectNumber || start > int64(len(c.data))-first {
			return DamagedAt(c.at, "object %d of the object stream lies outside of it", num)
		}
		c.nums[i], c.starts[i] = uint32(num), int(first+start)
	}
	return nil
}
