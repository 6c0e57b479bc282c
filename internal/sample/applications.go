// Package sample makes applications for every category from the catalogue's example
// values, for the demo and the tests. Its people and bodies are fictitious: region
// 340199 is unassigned, organisation codes begin with XN, names say 测试 or 样例.
package sample

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// Authorities are the bodies that issue, one for each level.
func Authorities() ([]office.NewAuthority, error) {
	var all []office.NewAuthority
	for _, a := range []struct {
		level        catalogue.Level
		region, name string
	}{
		{catalogue.National, "100000", "国家样例政务服务总局"},
		{catalogue.Province, "340000", "安徽省样例行政审批局"},
		{catalogue.City, "340100", "合肥市样例政务服务管理局"},
		{catalogue.County, "340123", "肥西县样例行政审批局"},
	} {
		uscc, err := idcode.USCC("11" + a.region + "XN000001")
		if err != nil {
			return nil, fmt.Errorf("code of %s: %w", a.name, err)
		}
		all = append(all, office.NewAuthority{USCC: uscc, Name: a.name, Region: a.region, Level: a.level})
	}
	return all, nil
}

// Fictitious holders of the catalogue's examples.
const (
	USCC    = "91340199XN0000012Q"
	Company = "合肥测试样例科技有限公司"
	Citizen = "340199190001010012"
	Person  = "张样例"
)

// rareNames are holders whose names test a renderer.
var rareNames = map[catalogue.ID]string{4: "欧阳龘䶮", 8: "𬭸𠮷喆", 17: "阿依古丽·样例"}

// Application makes an application from a category's example values, for a licence
// that is in force today.
func Application(c *catalogue.Category, pictures Pictures, today civil.Day) *licence.Application {
	a := &licence.Application{
		Number:    c.NumberExample,
		IssueDate: (today - 30).String(),
		Fields:    make(map[string]licence.ApplicationValue),
	}
	a.Holder = holder(c)
	for _, f := range c.Fields {
		switch {
		case f.Type == catalogue.Image:
			picture := pictures.portrait
			if f.Code != "photo" && f.Code != "couplePhoto" {
				picture = pictures.drawing
			}
			a.Fields[f.Code] = licence.ApplicationValue{Text: base64.StdEncoding.EncodeToString(picture)}
		case f.MapsTo == catalogue.MapsNothing:
			a.Fields[f.Code] = licence.ApplicationValue{Text: f.Example}
		}
	}
	// A licence whose usual life is shorter than a month is issued today, so that
	// it is in force when the demo looks at it.
	if last := c.Validity.LastDay((today - 30).Date(), time.Time{}); !last.IsZero() && civil.FromDate(last) <= today {
		a.IssueDate = today.String()
	}
	return a
}

// holder chooses who holds the example: what the category's own fields say, else a
// citizen or a company as the category wants.
func holder(c *catalogue.Category) licence.ApplicationHolder {
	kind := c.Holders[0]
	if kind == catalogue.OtherHolder {
		kind = c.Holders[1] // the owner
	}
	h := licence.ApplicationHolder{Name: Person, IDType: string(licence.IDTypeCitizenNumber), IDNumber: Citizen}
	if kind == catalogue.LegalPerson {
		h = licence.ApplicationHolder{Name: Company, IDType: string(licence.IDTypeUSCC), IDNumber: USCC}
	}
	for _, f := range c.Fields {
		switch f.MapsTo {
		case catalogue.MapsHolderName:
			h.Name = f.Example
		case catalogue.MapsHolderID:
			h.IDNumber = f.Example
			h.IDType = string(licence.IDTypeCitizenNumber)
			if f.Type == catalogue.USCC {
				h.IDType = string(licence.IDTypeUSCC)
			}
		}
	}
	if h.IDType == string(licence.IDTypeCitizenNumber) {
		// Where the number holds a citizen number, it is the holder's.
		for i := 0; i+18 <= len(c.NumberExample); i++ {
			if part := c.NumberExample[i : i+18]; idcode.CheckCitizenNumber(part) == nil {
				h.IDNumber = part
			}
		}
	}
	if name, rare := rareNames[c.ID]; rare && !slices.ContainsFunc(c.Fields, func(f catalogue.Field) bool { return f.MapsTo == catalogue.MapsHolderName }) {
		h.Name = name
	}
	h.Name = strings.TrimSpace(h.Name)
	return h
}
