package answer

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/licence/catalogue"
)

// Kind is a kind of question.
type Kind string

// The kinds; the set is closed.
const (
	Valid    Kind = "valid"
	Holds    Kind = "holds"
	Field    Kind = "field"
	Includes Kind = "includes"
	Adult    Kind = "adult"
)

// Kinds lists the kinds of questions.
func Kinds() []Kind { return []Kind{Valid, Holds, Field, Includes, Adult} }

// Question is one question of the closed set.
type Question struct {
	Kind     Kind
	Category catalogue.ID // of Holds, Field and Includes
	Field    string       // code of a field, of Field and Includes
	Value    string       // that the field is asked for
}

// ErrQuestion: not one of the questions that can be asked.
var ErrQuestion = bilingual.New("不是可以询问的问题", "not one of valid, holds:NNN, field:NNN.CODE=VALUE, includes:NNN.CODE=VALUE, adult")

// maxValue bounds the value that a field is asked for, in bytes.
const maxValue = 200

var questionForm = regexp.MustCompile(`^(valid|adult|holds:[0-9]{3}|(?:field|includes):[0-9]{3}\.[a-z][A-Za-z0-9]{0,63}=.+)$`)

// ParseQuestion reads the text of a question; every question has one.
func ParseQuestion(text string) (Question, error) {
	const prefix = len(":004.")
	if !questionForm.MatchString(text) || cleantext.Check(text) != nil {
		return Question{}, ErrQuestion
	}
	for _, kind := range Kinds() {
		rest, ok := cutKind(text, kind)
		switch {
		case !ok:
			continue
		case rest == "":
			return Question{Kind: kind}, nil
		}
		id, err := catalogue.ParseID(rest[1:4])
		if err != nil {
			return Question{}, fmt.Errorf("%w: %w", ErrQuestion, err)
		}
		q := Question{Kind: kind, Category: id}
		if kind == Holds {
			return q, nil
		}
		q.Field, q.Value, _ = cut(rest[prefix:])
		if len(q.Value) > maxValue {
			return Question{}, fmt.Errorf("the value has %d bytes, at most %d can be asked for: %w", len(q.Value), maxValue, ErrQuestion)
		}
		return q, nil
	}
	return Question{}, ErrQuestion
}

// cutKind takes the kind off the front: nothing, or a colon and more, follows it.
func cutKind(text string, kind Kind) (string, bool) {
	n := len(kind)
	if len(text) < n || text[:n] != string(kind) || len(text) > n && text[n] != ':' {
		return "", false
	}
	return text[n:], true
}

func cut(text string) (code, value string, found bool) {
	i := slices.Index([]byte(text), '=')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// String returns the question's text.
func (q Question) String() string {
	switch q.Kind {
	case Holds:
		return string(q.Kind) + ":" + q.Category.String()
	case Field, Includes:
		return string(q.Kind) + ":" + q.Category.String() + "." + q.Field + "=" + q.Value
	default:
		return string(q.Kind)
	}
}

// Check refuses a question about what is not in the catalogue, or must not be asked.
func (q Question) Check(c *catalogue.Catalogue) error {
	if q.Kind == Valid || q.Kind == Adult {
		return nil
	}
	category, ok := c.Category(q.Category)
	if !ok {
		return fmt.Errorf("there is no category %s: %w", q.Category, ErrQuestion)
	}
	if q.Kind == Holds {
		return nil
	}
	f, ok := category.Field(q.Field)
	if !ok {
		return fmt.Errorf("%s is not a field of category %s: %w", q.Field, q.Category, ErrQuestion)
	}
	if f.Sensitive || f.Type == catalogue.Text || f.Type == catalogue.Image || f.Type == catalogue.IDNumber {
		return fmt.Errorf("field %s of category %s is not asked about, as it is sensitive, a text or a picture: %w", q.Field, q.Category, ErrQuestion)
	}
	if err := f.Check(q.Value); err != nil {
		return fmt.Errorf("the value asked for %w: %w", err, ErrQuestion)
	}
	return nil
}
