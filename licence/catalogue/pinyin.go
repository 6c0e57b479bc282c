package catalogue

import (
	_ "embed"
	"strings"
)

// readingsTSV says how characters are read, of each set of readings in a line: the
// readings, the usual one first, separated by spaces, a tab, and the characters. A test
// makes it from the library that it is taken from.
//
//go:embed readings.tsv
var readingsTSV string

// syllable holds the readings of one character, the usual one first; a Latin letter or
// a digit stands for itself.
type syllable []string

// speller knows how some characters are read. Those of all characters would take more
// memory than the whole catalogue.
type speller map[rune]syllable

// newSpeller looks up the characters of some folded names.
func newSpeller(names []string) speller {
	s := make(speller)
	for _, name := range names {
		for _, r := range name {
			s[r] = nil
		}
	}
	for line := range strings.SplitSeq(readingsTSV, "\n") {
		readings, characters, _ := strings.Cut(line, "\t")
		var all syllable // made for the first character that is asked for
		for _, r := range characters {
			if _, asked := s[r]; !asked {
				continue
			}
			if all == nil {
				all = typed(strings.Fields(readings))
			}
			s[r] = all
		}
	}
	return s
}

// typed adds how readings are typed else: ü as v or as u.
func typed(readings []string) syllable {
	all := readings
	for _, reading := range readings {
		if strings.Contains(reading, "v") {
			all = append(all, strings.ReplaceAll(reading, "v", "u"))
		}
	}
	return all
}

// syllables returns the readings of every character of a folded name. A character with
// several readings keeps them all (行: xing, hang), for nobody knows which one a reader
// types.
func (s speller) syllables(name string) []syllable {
	var out []syllable
	for _, r := range name {
		switch readings := s[r]; {
		case readings != nil:
			out = append(out, readings)
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out = append(out, syllable{string(r)})
		}
	}
	return out
}

// inFull writes the usual readings in a row.
func inFull(all []syllable) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s[0])
	}
	return b.String()
}

// spells reports whether q is the beginning of some way to type the syllables: each in
// full or by its initial (zh, ch and sh also by their first letter), the last one as far
// as it was typed. at holds the places of q that the syllables so far can reach.
func spells(q string, all []syllable) bool {
	at := make([]bool, len(q)+1)
	at[0] = true
	for _, s := range all {
		next := make([]bool, len(q)+1)
		going := false
		for i := range q {
			if !at[i] {
				continue
			}
			for _, reading := range s {
				if strings.HasPrefix(reading, q[i:]) {
					return true
				}
				for _, typed := range []string{reading, reading[:1], initial(reading)} {
					if strings.HasPrefix(q[i:], typed) {
						next[i+len(typed)], going = true, true
					}
				}
			}
		}
		if !going {
			return false
		}
		if next[len(q)] {
			return true
		}
		at = next
	}
	return false
}

// initial returns the consonants that a reading begins with, as they are typed.
func initial(reading string) string {
	if len(reading) > 1 && reading[1] == 'h' {
		return reading[:2]
	}
	return reading[:1]
}
