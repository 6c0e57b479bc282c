package postgres

import (
	"database/sql"
	"iter"
	"math"
	"slices"
)

// All implements [kv.Index].
func (x *index) All() iter.Seq2[[]byte, []byte] { return x.From(nil) }

// From implements [kv.Index]. It reads in pages, as a Range does.
func (x *index) From(key []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, ref []byte) bool) {
		split := func(entry string) bool {
			return yield([]byte(entry[:x.layout.keySize]), []byte(entry[x.layout.keySize:]))
		}
		ahead := x.writtenEntries(string(key))
		for entry := range x.stored(key) {
			for len(ahead) > 0 && ahead[0].text < entry {
				if ahead[0].there && !split(ahead[0].text) {
					return
				}
				ahead = ahead[1:]
			}
			there := true
			if len(ahead) > 0 && ahead[0].text == entry {
				there, ahead = ahead[0].there, ahead[1:]
			}
			if there && !split(entry) {
				return
			}
		}
		if x.tx.failure != nil {
			return
		}
		for _, a := range ahead {
			if a.there && !split(a.text) {
				return
			}
		}
	}
}

// entry is a look-up key and a reference, and whether it is to be there.
type entry struct {
	text  string
	there bool
}

// writtenEntries returns what the transaction has written from a look-up key on, in order.
func (x *index) writtenEntries(from string) []entry {
	var all []entry
	for key, refs := range x.written {
		if key < from {
			continue
		}
		for ref, there := range refs {
			all = append(all, entry{key + ref, there})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		if a.text < b.text {
			return -1
		}
		return 1
	})
	return all
}

// stored yields the entries in the database from a look-up key on, each once, in the order
// of bytes: the column lead is signed, so its negative half comes last.
func (x *index) stored(from []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		last, least := "", leadOf(from)
		for _, half := range [][2]int64{{0, math.MaxInt64}, {math.MinInt64, -1}} {
			if least < 0 && half[0] == 0 {
				continue
			}
			lead, rest, ref := half[0], []byte{}, []byte{}
			if least < 0 == (lead < 0) {
				lead = least
			}
			for first := true; ; first = false {
				text := x.layout.pageText(first)
				args := []any{lead, half[1], maxPage}
				if !first {
					args = []any{lead, half[1], maxPage, rest, ref}
				}
				var page []string
				x.tx.query("reading "+x.layout.name, text, args, func(rows *sql.Rows) error {
					if err := rows.Scan(&lead, &rest, &ref); err != nil {
						return err
					}
					page = append(page, x.layout.keyOf(lead, rest)+string(ref))
					return nil
				})
				if x.tx.failure != nil {
					return
				}
				for _, entry := range page {
					// Keys with one lead differ in their rest.
					if entry != last && entry >= string(from) && !yield(entry) {
						return
					}
					last = entry
				}
				if len(page) < maxPage {
					break
				}
			}
		}
	}
}

// pageText selects entries of a range of leads in order: from its beginning, or behind
// one that is known.
func (l *indexLayout) pageText(first bool) string {
	behind := ""
	if !first {
		behind = " AND (lead, rest, ref) > ($1, $4, $5)"
	}
	return "SELECT lead, rest, ref FROM " + l.name + " WHERE lead >= $1 AND lead <= $2" + behind + " ORDER BY lead, rest, ref LIMIT $3"
}
