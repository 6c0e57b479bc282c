package licence

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/elicence/elicence/internal/idcode"
)

// Lengths of an identifier's text without its dots.
const (
	rootDigits   = "1215630052" // the root without its dots
	bodyLength   = 21 + 18 + 19 + 3
	maxTypedText = 400 // bytes; more is no identifier, however it is spaced
)

// Typed is an identifier as a person or another system has written it.
type Typed struct {
	Identifier Identifier
	// Deviations say, in Chinese and English, how the text differs from
	// [Identifier.String].
	Deviations []string
	// Unchecked: the check character is missing or wrong, so that a slip in any other
	// place was not found. Whoever changes something should not go by it.
	Unchecked bool
}

// ReadIdentifier reads an identifier of ours leniently: in lower case, in full-width
// characters, with spaces, with dots missing or others in their place, without the
// root, without the check character or with a wrong one. [ParseIdentifier] is the
// strict reading.
func ReadIdentifier(text string) (Typed, error) {
	if id, err := ParseIdentifier(text); err == nil {
		return Typed{Identifier: id}, nil
	}
	if len(text) > maxTypedText {
		return Typed{}, fmt.Errorf("%d bytes: %w", len(text), ErrBadIdentifier)
	}
	var t Typed
	deviates := func(zh, en string) { t.Deviations = append(t.Deviations, zh+" "+en) }
	plain := width.Fold.String(text)
	if plain != text {
		deviates("含全角字符", "it has full-width characters")
	}
	if upper := strings.ToUpper(plain); upper != plain {
		plain = upper
		deviates("含小写字母", "it has lower-case letters")
	}
	if tight := strings.Map(dropSpace, plain); tight != plain {
		plain = tight
		deviates("含空格", "it has spaces")
	}
	body := strings.Map(dropDots, plain)
	rooted := len(body) >= len(rootDigits)+bodyLength && strings.HasPrefix(body, rootDigits)
	if rooted {
		body = body[len(rootDigits):]
	} else {
		deviates("缺少前缀 "+identifierRoot, "the root "+identifierRoot+" is missing")
	}
	if len(body) != bodyLength && len(body) != bodyLength+1 {
		return Typed{}, fmt.Errorf("%d characters without the root and the dots, want %d and a check character: %w", len(body), bodyLength, ErrBadIdentifier)
	}
	check, err := idcode.Check37(body[:bodyLength])
	if err != nil {
		return Typed{}, fmt.Errorf("%w: %w", ErrBadIdentifier, err)
	}
	switch {
	case len(body) == bodyLength:
		t.Unchecked = true
		deviates("缺少校验码", "the check character is missing")
	case body[bodyLength] != check:
		t.Unchecked = true
		deviates(fmt.Sprintf("校验码应为 %c", check), fmt.Sprintf("the check character should be %c", check))
	}
	parts := []string{body[:21], body[21:39], body[39:58], body[58:61]}
	if t.Identifier, err = ParseIdentifier(dotted(identifierRoot, parts, string(check))); err != nil {
		return Typed{}, err
	}
	root := ""
	if rooted {
		root = identifierRoot
	}
	if plain != dotted(root, parts, body[bodyLength:]) {
		deviates("分隔点缺失或不规范", "its dots are missing or others")
	}
	return t, nil
}

// dotted joins an identifier's parts; those that are empty are left out.
func dotted(root string, parts []string, check string) string {
	all := slices.Concat([]string{root}, parts, []string{check})
	return strings.Join(slices.DeleteFunc(all, func(part string) bool { return part == "" }), ".")
}

// dropSpace removes white space and what is as invisible.
func dropSpace(r rune) rune {
	if unicode.IsSpace(r) || r >= 0x200B && r <= 0x200D || r == 0x2060 || r == 0xFEFF {
		return -1
	}
	return r
}

// dropDots removes what people write for the dots.
func dropDots(r rune) rune {
	if strings.ContainsRune(".·。、,:;/-_", r) {
		return -1
	}
	return r
}
