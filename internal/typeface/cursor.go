package typeface

// A cursor reads big-endian numbers from a table and remembers the first read
// past its end, so that a parser checks once after a group of reads instead of
// after each. After a failure every read returns zero.
type cursor struct {
	data   []byte
	at     int
	failed bool
}

func (c *cursor) bytes(n int) []byte {
	if c.failed || n < 0 || n > len(c.data)-c.at {
		c.failed = true
		return nil
	}
	c.at += n
	return c.data[c.at-n : c.at]
}

func (c *cursor) skip(n int) { c.bytes(n) }

func (c *cursor) u8() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.bytes(2); b != nil {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return 0
}

func (c *cursor) i16() int16 { return int16(c.u16()) }

func (c *cursor) u32() uint32 { return uint32(c.u16())<<16 | uint32(c.u16()) }
