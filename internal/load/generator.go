package load

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

func mul(a, b uint64) (hi, lo uint64) { return bits.Mul64(a, b) }

func mod(hi, lo, m uint64) uint64 {
	_, rest := bits.Div64(hi%m, lo, m)
	return rest
}

// pictureName is the file that every picture of the load is.
const pictureName = "picture"

// Generator makes applications, the same for the same number.
type Generator struct {
	categories []*catalogue.Category
	models     []model // of each category
	picture    []byte
	days       []string // the last ones, from today back, as applications have them
	births     string   // the days on which people are born, eight digits each
}

// model is what the applications of a category have in common.
type model struct {
	example *licence.Application
	number  pattern
	citizen bool // the number holds the holder's citizen number
	fields  []field
}

// field is a field that applications of a category fill in.
type field struct {
	*catalogue.Field
	names func(*rand.Rand) string // makes names of people or bodies; nil: it is neither
}

// NewGenerator prepares the applications of all categories.
func NewGenerator(c *catalogue.Catalogue, today civil.Day) (*Generator, error) {
	g := &Generator{categories: c.Categories()}
	for n := range civil.Day(maxAge + 1) {
		g.days = append(g.days, (today - n).String())
	}
	var births strings.Builder
	for n := range civil.Day(birthDays) {
		births.WriteString((firstBirth + n).Date().Format("20060102"))
	}
	g.births = births.String()
	pictures, err := sample.Draw()
	if err != nil {
		return nil, err
	}
	if g.picture, err = draw(); err != nil {
		return nil, err
	}
	for _, category := range g.categories {
		m := model{example: sample.Application(category, pictures, today)}
		if m.number, err = newPattern(category.NumberPattern); err != nil {
			return nil, fmt.Errorf("category %s: %w", category.ID, err)
		}
		h := m.example.Holder
		m.citizen = h.IDType == string(licence.IDTypeCitizenNumber) && strings.Contains(category.NumberExample, h.IDNumber)
		for i := range category.Fields {
			f := &category.Fields[i]
			if f.MapsTo == catalogue.MapsNothing && (f.Type != catalogue.Image || f.Required) {
				m.fields = append(m.fields, field{f, named(f)})
			}
		}
		g.models = append(g.models, m)
	}
	return g, nil
}

// ReadFile returns the picture that the applications name.
func (g *Generator) ReadFile(string) ([]byte, error) { return g.picture, nil }

// draw draws a picture of few bytes. What real pictures take is their own bytes, which are
// beside the register and not what the load measures.
func draw() ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, 32, 40))
	for i := range img.Pix {
		img.Pix[i] = byte(i / 8)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("drawing a picture: %w", err)
	}
	return b.Bytes(), nil
}

// Application returns the n-th application, from 0: they go round the categories. Three
// in a row have one holder, so that holders have several licences.
func (g *Generator) Application(n int) (catalogue.ID, *licence.Application) {
	i, round := n%len(g.categories), n/len(g.categories)
	c, m := g.categories[i], &g.models[i]
	r := rand.New(rand.NewPCG(uint64(n), 0x656c6963656e6365))
	a := &licence.Application{Number: m.number.text(uint64(round)), Fields: make(map[string]licence.ApplicationValue, len(m.fields))}
	h := m.example.Holder
	switch h.IDType {
	case string(licence.IDTypeCitizenNumber):
		who := n / 3
		a.Holder = licence.ApplicationHolder{Name: personName(r), IDType: h.IDType, IDNumber: g.citizenNumber(who)}
		if m.citizen {
			a.Number = strings.Replace(c.NumberExample, h.IDNumber, a.Holder.IDNumber, 1)
		}
	case string(licence.IDTypeUSCC):
		a.Holder = licence.ApplicationHolder{Name: companyName(r), IDType: h.IDType, IDNumber: creditCode(n / 3)}
	default:
		a.Holder = licence.ApplicationHolder{Name: personName(r), IDType: h.IDType, IDNumber: "T" + strconv.Itoa(10000000+n/3)}
	}
	a.IssueDate = g.days[r.IntN(300)]
	for _, f := range m.fields {
		a.Fields[f.Code] = g.value(r, f)
	}
	return c.ID, a
}

// maxAge is how many days before today a date is at most.
const maxAge = 12000

// value varies the example of a field.
func (g *Generator) value(r *rand.Rand, f field) licence.ApplicationValue {
	switch f.Type {
	case catalogue.Image:
		return licence.ApplicationValue{File: pictureName}
	case catalogue.Enum:
		return licence.ApplicationValue{Text: f.Enum[r.IntN(len(f.Enum))]}
	case catalogue.Date:
		return licence.ApplicationValue{Text: g.days[1+r.IntN(maxAge)]}
	case catalogue.IDNumber:
		return licence.ApplicationValue{Text: g.citizenNumber(r.IntN(1 << 24))}
	case catalogue.USCC:
		return licence.ApplicationValue{Text: creditCode(r.IntN(1 << 24))}
	case catalogue.Region:
		return licence.ApplicationValue{Text: regions[r.IntN(len(regions))]}
	}
	if f.names != nil {
		if name := f.names(r); f.Check(name) == nil { // it may be too long
			return licence.ApplicationValue{Text: name}
		}
	}
	return licence.ApplicationValue{Text: digits(r, f.Example)}
}

// named tells what names a field holds; nil: none.
func named(f *catalogue.Field) func(*rand.Rand) string {
	switch {
	case f.Type != catalogue.String:
		return nil
	case strings.HasSuffix(f.Example, "公司"):
		return companyName
	case strings.Contains(f.NameZH, "姓名"), strings.Contains(f.NameZH, "负责人"), strings.Contains(f.NameZH, "代表人"):
		return personName
	default:
		return nil
	}
}

// digits replaces every digit but the first of a number and those before a letter of
// another kind.
func digits(r *rand.Rand, text string) string {
	var b []byte
	for i := 1; i < len(text); i++ {
		if text[i] >= '0' && text[i] <= '9' && text[i-1] >= '0' && text[i-1] <= '9' {
			if b == nil {
				b = []byte(text)
			}
			b[i] = byte('0' + r.IntN(10))
		}
	}
	if b == nil {
		return text
	}
	return string(b)
}

var (
	surnames = strings.Split("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢", "")
	given    = strings.Split("伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰文辉建华国红玉春梅小云志海龙飞鹏宇欣怡子涵浩然雨晨思源", "")
	trades   = []string{"科技", "商贸", "建筑工程", "餐饮管理", "物流", "医疗器械", "农业发展", "文化传媒", "环保", "机械制造"}
	regions  = []string{"340100", "340200", "340300", "340400", "340500", "340600", "340700", "340800", "341000", "341100", "341200", "341300", "341500", "341600", "341700", "341800"}
)

func personName(r *rand.Rand) string {
	name := surnames[r.IntN(len(surnames))] + given[r.IntN(len(given))]
	if r.IntN(3) > 0 {
		name += given[r.IntN(len(given))]
	}
	return name
}

func companyName(r *rand.Rand) string {
	return "合肥样例" + given[r.IntN(len(given))] + given[r.IntN(len(given))] + trades[r.IntN(len(trades))] + "有限公司"
}

// firstBirth is the first day of birth of the load's people, of whom thousands are born
// on each day.
const firstBirth = civil.Day(-7305) // 1950-01-01

const (
	birthDays = 20000 // to 2004
	sequences = 1000  // the three digits behind the date
)

// citizenNumber returns the n-th citizen number of regions that are not assigned.
func (g *Generator) citizenNumber(n int) string {
	day := n % birthDays
	sequence := n / birthDays % sequences
	region := 340199 - n/birthDays/sequences%9
	number := strconv.AppendInt(make([]byte, 0, 18), int64(region), 10)
	number = append(number, g.births[8*day:8*day+8]...)
	number = append(number, byte('0'+sequence/100), byte('0'+sequence/10%10), byte('0'+sequence%10))
	sum := 0
	for i, c := range number {
		sum += int(c-'0') * (1 << (17 - i) % 11)
	}
	return string(append(number, "10X98765432"[sum%11]))
}

// creditCode returns the n-th credit code of a company.
func creditCode(n int) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	body := []byte("000000")
	for i := len(body) - 1; i >= 0; i-- {
		body[i] = alphabet[n%len(alphabet)]
		n /= len(alphabet)
	}
	code, err := idcode.USCC("91340199XN" + string(body))
	if err != nil {
		panic("load: a head of the alphabet is refused: " + err.Error())
	}
	return code
}
