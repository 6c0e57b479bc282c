package catalogue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validity is how long a licence of a category usually lives, as written in the
// catalogue: one or more of an ISO 8601 duration, long-term, variable (as
// printed) and single-use separated by "/", or per-age for the identity card.
type Validity struct {
	text    string
	choices []string
	ages    []ageBand
}

// ageBand is the duration for holders younger than below years.
type ageBand struct {
	below    int // 0: no upper limit
	duration string
}

const longTerm = "long-term"

var (
	durationForm = regexp.MustCompile(`^P([0-9]{1,3})([YMD])$`)
	ageForm      = regexp.MustCompile(`^(?:<([0-9]+)|([0-9]+)-([0-9]+)|>=([0-9]+)) (P[0-9]+[YMD]|long-term)$`)
	errValidity  = errors.New("not a validity rule")
)

// String returns the rule as it is written in the catalogue.
func (v Validity) String() string { return v.text }

// Limited reports whether the rule has a life that ends by itself and can be renewed.
func (v Validity) Limited() bool {
	return len(v.ages) > 0 || slices.ContainsFunc(v.choices, durationForm.MatchString)
}

func parseValidity(text string) (Validity, error) {
	v := Validity{text: text}
	if bands, ok := strings.CutPrefix(text, "per-age:"); ok {
		next := 0
		for band := range strings.SplitSeq(bands, ";") {
			m := ageForm.FindStringSubmatch(band)
			if m == nil {
				return v, fmt.Errorf("age band %q: %w", band, errValidity)
			}
			from, below := 0, 0
			switch {
			case m[1] != "":
				below = atoi(m[1])
			case m[2] != "":
				from, below = atoi(m[2]), atoi(m[3])+1
			default:
				from = atoi(m[4])
			}
			if from != next || next < 0 {
				return v, fmt.Errorf("age band %q leaves a gap or overlaps: %w", band, errValidity)
			}
			next = below
			if below == 0 {
				next = -1
			}
			v.ages = append(v.ages, ageBand{below: below, duration: m[5]})
		}
		if next != -1 {
			return v, fmt.Errorf("age bands do not reach every age: %w", errValidity)
		}
		return v, nil
	}
	for choice := range strings.SplitSeq(text, "/") {
		if choice != longTerm && choice != "variable" && choice != "single-use" && !durationForm.MatchString(choice) {
			return v, fmt.Errorf("%q: %w", choice, errValidity)
		}
		v.choices = append(v.choices, choice)
	}
	return v, nil
}

// atoi is for digits that a pattern has matched.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("catalogue: matched digits do not parse: " + s)
	}
	return n
}

// LastDay returns the usual last day of a licence valid from the given day, or
// the zero time for a long-term one. Where the rule offers several lives the
// first, the shortest, is taken; "as printed" and single-use have no usual end.
// The holder's date of birth decides for per-age rules; unknown (zero), the
// shortest life is taken.
func (v Validity) LastDay(from, birth time.Time) time.Time {
	if len(v.ages) > 0 {
		age := 0
		if !birth.IsZero() {
			age = from.Year() - birth.Year()
			if from.Before(birth.AddDate(age, 0, 0)) {
				age--
			}
		}
		for _, band := range v.ages {
			if band.below == 0 || age < band.below {
				return lastDay(from, band.duration)
			}
		}
	}
	return lastDay(from, v.choices[0])
}

// lastDay adds a duration and takes one day off: a licence of one year from
// 1 March lives through the last day of February.
func lastDay(from time.Time, duration string) time.Time {
	m := durationForm.FindStringSubmatch(duration)
	if m == nil {
		return time.Time{}
	}
	n := atoi(m[1])
	var end time.Time
	switch m[2] {
	case "Y":
		end = from.AddDate(n, 0, 0)
	case "M":
		end = from.AddDate(0, n, 0)
	default:
		end = from.AddDate(0, 0, n)
	}
	return end.AddDate(0, 0, -1)
}
