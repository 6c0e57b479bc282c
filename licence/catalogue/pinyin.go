package catalogue

import (
	"strings"

	"github.com/mozillazg/go-pinyin"
)

// syllable holds the readings of one character, the usual one first; a Latin letter or
// a digit stands for itself.
type syllable []string

// syllables returns the readings of every character of a folded name. A character with
// several readings keeps them all (行: xing, hang), for nobody knows which one a reader
// types. ü is typed as v or as u, so both are readings.
func syllables(text string) []syllable {
	all := pinyin.NewArgs()
	all.Heteronym = true
	var out []syllable
	for _, r := range text {
		readings := pinyin.SinglePinyin(r, all)
		switch {
		case len(readings) > 0:
			for _, s := range readings {
				if strings.Contains(s, "v") {
					readings = append(readings, strings.ReplaceAll(s, "v", "u"))
				}
			}
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
