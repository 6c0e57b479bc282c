package sealed_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/klauspost/compress/dict"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

var makeDictionary = flag.String("make-dictionary", "", "write a new dictionary to `FILE`")

// dictionarySize is bounded by the format, which knows 65,536 bytes.
const dictionarySize = 63 << 10

// TestMakeDictionary makes a dictionary as licences1.s2dict was made:
//
//	go test ./internal/store/sealed -run MakeDictionary -make-dictionary FILE
//
// What is released stays as it is for ever. A new one is a new file with a new number.
func TestMakeDictionary(t *testing.T) {
	if *makeDictionary == "" {
		t.Skip("no -make-dictionary")
	}
	const variants = 10
	d, err := dict.BuildS2Dict(forms(t, 1, variants), dict.Options{MaxDictSize: dictionarySize, HashBytes: 8})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*makeDictionary, d, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDictionary: licences that the dictionary was not made from take two thirds of
// their length, sealed, over all categories, half of them without a word that it knows.
func TestDictionary(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	plain, stored := 0, 0
	for _, form := range forms(t, 2, 2) {
		text, err := box.Seal(sealed.First, sealed.Key{}, licence.StatusRef{}, "licence", form)
		if err != nil {
			t.Fatal(err)
		}
		plain, stored = plain+len(form), stored+len(text)
	}
	t.Logf("%d bytes are stored in %d", plain, stored)
	if stored > plain*70/100 {
		t.Errorf("%d bytes are stored in %d", plain, stored)
	}
}

// forms returns signed forms of every category, with everything varied that differs
// between licences.
func forms(t *testing.T, seed uint64, variants int) [][]byte {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	random, key, today := rand.New(rand.NewPCG(seed, 1)), pkitest.NewKey(t), civil.Of(time.Unix(1700000000, 0))
	var all [][]byte
	for _, category := range c.Categories() {
		example := sample.Application(category, pictures, today)
		for n := range variants {
			// In every second one the words of the example stay: some are usual in such
			// licences.
			vary := func(text string) string { return vary(random, text, n%2 == 0) }
			a := *example
			a.Fields = make(map[string]licence.ApplicationValue)
			for _, f := range category.Fields {
				value, there := example.Fields[f.Code]
				if !there {
					continue
				}
				if varied := vary(value.Text); f.Type != catalogue.Image && f.Check(varied) == nil {
					value.Text = varied
				}
				a.Fields[f.Code] = value
			}
			uscc, err := idcode.USCC(fmt.Sprintf("11%06dXN000001", random.IntN(1e6)))
			if err != nil {
				t.Fatal(err)
			}
			issuer := &licence.Authority{
				USCC: uscc, Name: vary("安徽省样例行政审批局"), Region: "340000", Level: category.Level,
				Categories: []catalogue.ID{category.ID},
			}
			valid, err := licence.Validate(&a, category, issuer, os.ReadFile)
			if err != nil {
				t.Fatal(err)
			}
			serial := licence.Serial{Bucket: uint16(random.UintN(1 << 12))}
			for i := range serial.Random {
				serial.Random[i] = byte(random.UintN(256))
			}
			id, err := licence.NewIdentifier(category.Code, issuer.USCC, serial, 1)
			if err != nil {
				t.Fatal(err)
			}
			ref := licence.StatusRef{List: random.Uint32N(100), Index: random.Uint32N(1 << 20)}
			l := valid.Licence(id, ref, time.Unix(1700000000+random.Int64N(1e8), 0).UTC())
			l.Number, l.Holders = vary(l.Number), []licence.Holder{{
				Name: vary(l.Holders[0].Name), IDType: l.Holders[0].IDType, IDNumber: vary(l.Holders[0].IDNumber),
			}}
			form, err := licence.SignUnchecked(l, key)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, form)
		}
	}
	return all
}

// vary exchanges the digits of a text for others, and its Chinese characters as well.
func vary(random *rand.Rand, text string, words bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '0' + rune(random.IntN(10))
		case words && unicode.Is(unicode.Han, r):
			return 0x4e00 + rune(random.IntN(0x51a5))
		default:
			return r
		}
	}, text)
}
