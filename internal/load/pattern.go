package load

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// pattern makes texts that match a regular expression, each number another text: the
// choices that the expression leaves open are the digits of a number with mixed radix.
type pattern struct {
	slots []slot
	space uint64 // how many texts there are, or 2^62 if there are more
	step  uint64 // odd and prime to space: consecutive numbers give texts that differ all over
}

// slot is one place of the text: one of several texts.
type slot []string

// maxSpace bounds the count of texts.
const maxSpace = 1 << 62

// newPattern reads a number rule of the catalogue. Of a repetition it takes the most, of a
// class the letters and digits that come first; where the class is of Chinese characters,
// those of fictitious names.
func newPattern(expression string) (pattern, error) {
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return pattern{}, fmt.Errorf("number rule: %w", err)
	}
	p := pattern{space: 1}
	if err := p.walk(re.Simplify()); err != nil {
		return pattern{}, fmt.Errorf("number rule %s: %w", expression, err)
	}
	for _, s := range p.slots {
		if n := uint64(len(s)); p.space > maxSpace/n {
			p.space = maxSpace
		} else {
			p.space *= n
		}
	}
	for p.step = p.space/7*4 + 1; gcd(p.step, p.space) != 1; p.step++ {
	}
	return p, nil
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// walk appends the slots of an expression.
func (p *pattern) walk(re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpEmptyMatch:
		return nil
	case syntax.OpLiteral:
		p.slots = append(p.slots, slot{string(re.Rune)})
		return nil
	case syntax.OpCharClass:
		p.slots = append(p.slots, classOf(re.Rune))
		return nil
	case syntax.OpQuest:
		if re.Sub[0].Op == syntax.OpCharClass && re.Sub[0].Rune[0] < '!' {
			return nil // a space that may be left out
		}
		return p.walk(re.Sub[0])
	case syntax.OpCapture:
		return p.walk(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if err := p.walk(sub); err != nil {
				return err
			}
		}
		return nil
	case syntax.OpAlternate:
		// The first one that is all text gives a slot; else the first one is taken.
		var texts slot
		for _, sub := range re.Sub {
			if sub.Op != syntax.OpLiteral {
				return p.walk(re.Sub[0])
			}
			texts = append(texts, string(sub.Rune))
		}
		p.slots = append(p.slots, texts)
		return nil
	default:
		return fmt.Errorf("%s is not a part that numbers have", re.Op)
	}
}

// classOf lists some characters of a class.
func classOf(ranges []rune) slot {
	var s slot
	for i := 0; i < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		if lo <= '样' && '样' <= hi && hi-lo > 100 {
			return strings.Split("样例测试示范", "")[:4]
		}
		for r := lo; r <= hi && len(s) < 40; r++ {
			s = append(s, string(r))
		}
	}
	return s
}

// text returns the n-th text, n below space.
func (p pattern) text(n uint64) string {
	hi, lo := mul(n%p.space, p.step)
	n = mod(hi, lo, p.space)
	var held [64]string
	parts := append(held[:0], make([]string, len(p.slots))...)
	for i, s := range slices.Backward(p.slots) {
		parts[i] = s[n%uint64(len(s))]
		n /= uint64(len(s))
	}
	return strings.Join(parts, "")
}
