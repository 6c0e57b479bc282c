package disclose_test

import (
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

var now = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

// licences makes licences of every category, as they are validated for issue.
type licences struct {
	tb        testing.TB
	catalogue *catalogue.Catalogue
	pictures  sample.Pictures
	authority licence.Authority
}

func newLicences(tb testing.TB) *licences {
	tb.Helper()
	l := &licences{tb: tb, authority: licence.Authority{USCC: "11340000MB00000012", Name: "安徽省测试局", Region: "340000", Level: catalogue.Province}}
	var err error
	if l.catalogue, err = catalogue.Load(); err != nil {
		tb.Fatal(err)
	}
	if l.pictures, err = sample.Draw(); err != nil {
		tb.Fatal(err)
	}
	for _, c := range l.catalogue.Categories() {
		l.authority.Categories = append(l.authority.Categories, c.ID)
	}
	return l
}

// example is the catalogue's example of a category, changed.
func (l *licences) example(c *catalogue.Category, change func(*licence.Application)) *licence.Licence {
	l.tb.Helper()
	a := sample.Application(c, l.pictures, civil.Of(now))
	a.Issuer = ""
	if change != nil {
		change(a)
	}
	valid, err := licence.Validate(a, c, &l.authority, nil)
	if err != nil {
		l.tb.Fatalf("category %s: %v", c.ID, err)
	}
	return valid.Licence(licence.Identifier{}, licence.StatusRef{List: 1<<32 - 1, Index: 1<<20 - 1}, now)
}

// longest is a licence of a category in which everything that a code tells is as long as
// it may be.
func (l *licences) longest(c *catalogue.Category) *licence.Licence {
	l.tb.Helper()
	return l.example(c, func(a *licence.Application) {
		name := 300
		wantsUSCC := false
		for _, f := range c.Fields {
			switch f.MapsTo {
			case catalogue.MapsHolderName:
				name = min(name, f.MaxLen)
			case catalogue.MapsHolderID:
				wantsUSCC = wantsUSCC || f.Type == catalogue.USCC || f.Type == catalogue.IDNumber || f.MaxLen < 50
			}
			if !f.QR || f.MapsTo != catalogue.MapsNothing {
				continue
			}
			text := a.Fields[f.Code].Text
			switch f.Type {
			case catalogue.String, catalogue.Text:
				text = strings.Repeat("长", f.MaxLen)
			case catalogue.Integer:
				text = strings.Repeat("9", min(f.MaxLen, 18))
			case catalogue.Decimal, catalogue.Money:
				text = strings.Repeat("9", f.MaxLen)
			case catalogue.Date:
				text = "2099-12-31"
			case catalogue.Enum:
				for _, value := range f.Enum {
					if len(value) > len(text) {
						text = value
					}
				}
			}
			a.Fields[f.Code] = licence.ApplicationValue{Text: text}
		}
		a.Holder.Name = strings.Repeat("名", name)
		if !wantsUSCC {
			a.Holder.IDNumber = strings.Repeat("9", 50)
			if a.Holder.IDType = "414"; !natural(c) {
				a.Holder.IDType = "099"
			}
		}
		for _, f := range c.Fields {
			if given, there := a.Fields[f.Code]; there && (f.MapsTo == catalogue.MapsHolderName || f.MapsTo == catalogue.MapsHolderID) && given.Text != "" {
				delete(a.Fields, f.Code)
			}
		}
		if !c.NumberPublished {
			a.Number = strings.Repeat("号", 50)
		} else if !wantsUSCC {
			a.Number = c.NumberExample
		}
		a.ValidUntil = "9999-12-31"
	})
}

func natural(c *catalogue.Category) bool {
	for _, h := range c.Holders {
		if h == catalogue.NaturalPerson {
			return true
		}
	}
	return false
}
