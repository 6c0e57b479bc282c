package postgres

import (
	"strconv"
	"strings"
)

// Statements come in few sizes, so that a connection prepares each of them once. What
// does not fill one is padded with NULL, which equals nothing and is not written.

// batchSizes are the numbers of rows of a statement.
func batchSizes() []int { return []int{1, 8, 64, maxBatch} }

const maxBatch = 512

// batch takes as many rows as the next statement has room for, and returns how many
// parameters were taken and the parameters of the statement.
func batch(rows []any, width int) (int, []any) {
	have := min(len(rows)/width, maxBatch)
	size := maxBatch
	for _, s := range batchSizes() {
		if s >= have {
			size = s
			break
		}
	}
	taken := have * width
	if have == size {
		return taken, rows[:taken:taken]
	}
	padded := make([]any, size*width)
	copy(padded, rows[:taken])
	return taken, padded
}

// values is a VALUES list of rows with columns of the given types. The types stand in
// the first row.
func values(rows int, types ...string) string {
	var b strings.Builder
	b.Grow(rows * len(types) * 7)
	b.WriteString("(VALUES ")
	n := 0
	for row := range rows {
		if row > 0 {
			b.WriteByte(',')
		}
		for i, kind := range types {
			if i == 0 {
				b.WriteByte('(')
			} else {
				b.WriteByte(',')
			}
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			if row == 0 {
				b.WriteString("::")
				b.WriteString(kind)
			}
		}
		b.WriteByte(')')
	}
	b.WriteByte(')')
	return b.String()
}

// columns are a table's columns before the value, and their types.
func (l *tableLayout) columns() (names, types []string) {
	if l.bucketType == "" {
		return []string{"key"}, []string{"bytea"}
	}
	return []string{"bucket", "key"}, []string{l.bucketType, "bytea"}
}

// keyArgs are the parameters that say a key: its bucket where the table has one, and the
// key.
func (l *tableLayout) keyArgs(key []byte) []any {
	if l.bucketType == "" {
		return []any{key}
	}
	return []any{bucketOf(key), key}
}

// bucketOf is the number of a key's first two bytes, of which absent ones count as zero.
// It never falls as keys rise.
func bucketOf(key []byte) int32 {
	var b int32
	if len(key) > 0 {
		b = int32(key[0]) << 8
	}
	if len(key) > 1 {
		b |= int32(key[1])
	}
	return b
}

// sameKey compares the columns that say a key.
func sameKey(names []string) string {
	terms := make([]string, len(names))
	for i, name := range names {
		terms[i] = "t." + name + " = v." + name
	}
	return strings.Join(terms, " AND ")
}

func (l *tableLayout) getText() string {
	if l.bucketType == "" {
		return "SELECT value FROM " + l.name + " WHERE key = $1"
	}
	return "SELECT value FROM " + l.name + " WHERE bucket = $1 AND key = $2"
}

func (l *tableLayout) fetchText(rows int) string {
	names, types := l.columns()
	return "SELECT t.key, t.value FROM " + values(rows, types...) + " AS v (" + strings.Join(names, ", ") + ") JOIN " + l.name + " t ON " + sameKey(names)
}

func (l *tableLayout) putText(rows int) string {
	keys, types := l.columns()
	names := strings.Join(append(keys, "value"), ", ")
	return "INSERT INTO " + l.name + " (" + names + ") SELECT " + names + " FROM " + values(rows, append(types, "bytea")...) + " AS v (" + names +
		") WHERE v.key IS NOT NULL ON CONFLICT (" + strings.Join(keys, ", ") + ") DO UPDATE SET value = EXCLUDED.value"
}

func (l *tableLayout) deleteText(rows int) string {
	names, types := l.columns()
	return "DELETE FROM " + l.name + " t USING " + values(rows, types...) + " AS v (" + strings.Join(names, ", ") + ") WHERE " + sameKey(names)
}

// rangeText selects at most limit rows of [from, to) in order; to nil: to the end.
func (l *tableLayout) rangeText(from, to []byte, limit int) (string, []any) {
	var b strings.Builder
	b.WriteString("SELECT key, value FROM " + l.name)
	args := l.keyArgs(from)
	order := "key"
	switch {
	case l.bucketType == "":
		b.WriteString(" WHERE key >= $1")
		if to != nil {
			args = append(args, to)
			b.WriteString(" AND key < $2")
		}
	case to != nil && bucketOf(from) == bucketOf(to):
		args = append(args, to)
		b.WriteString(" WHERE bucket = $1 AND key >= $2 AND key < $3")
	default:
		order = "bucket, key"
		b.WriteString(" WHERE (bucket, key) >= ($1, $2)")
		if to != nil {
			args = append(args, l.keyArgs(to)...)
			b.WriteString(" AND (bucket, key) < ($3, $4)")
		}
	}
	args = append(args, limit)
	b.WriteString(" ORDER BY " + order + " LIMIT $" + strconv.Itoa(len(args)))
	return b.String(), args
}

func (l *indexLayout) findText(rows int) string {
	return "SELECT t.lead, t.rest, t.ref FROM " + values(rows, "bigint", "bytea") + " AS v (lead, rest) JOIN " + l.name + " t ON t.lead = v.lead AND t.rest = v.rest"
}

// addText adds what is not there. Nobody else writes meanwhile.
func (l *indexLayout) addText(rows int) string {
	return "INSERT INTO " + l.name + " (lead, rest, ref) SELECT lead, rest, ref FROM " + values(rows, "bigint", "bytea", "bytea") +
		" AS v (lead, rest, ref) WHERE v.lead IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " + l.name +
		" t WHERE t.lead = v.lead AND t.rest = v.rest AND t.ref = v.ref)"
}

func (l *indexLayout) removeText(rows int) string {
	return "DELETE FROM " + l.name + " t USING " + values(rows, "bigint", "bytea", "bytea") +
		" AS v (lead, rest, ref) WHERE t.lead = v.lead AND t.rest = v.rest AND t.ref = v.ref"
}
