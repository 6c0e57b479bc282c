package exchange

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// catalogueColumns are the columns of a catalogue of e-licences as they are exchanged
// after GB/T 36902-2018. What the register does not hold is empty: matters of approval,
// copies for a purpose, the address of a file.
var catalogueColumns = []string{
	"certificate_identifier", "certificate_number", "certificate_name", "certificate_version", "certificate_type_name", "certificate_type_name_code",
	"certificate_issuing_authority_date", "certificate_issuing_authority_name", "certificate_issuing_authority_code",
	"certificate_define_authority_name", "certificate_define_authority_code", "certificate_validate_start", "certificate_validate_end",
	"certificate_validity_range", "certificate_area_code", "certificate_holder_name", "certificate_holder_code", "certificate_holder_type_name",
	"certificate_holder_type", "related_item_name", "related_item_code", "certificate_copy_creation_time", "certificate_copy_creator",
	"certificate_copy_cause", "certificate_copy_expiring_time", "extend_info", "file_url", "status",
}

// statusCodes are the codes of a licence's state, by what the law calls it.
var statusCodes = map[string]string{"有效": "01", "暂扣": "02", "撤销": "03", "注销": "04", "失效": "05", "吊销": "07"}

// statusOther is the code of what has none of its own.
const statusOther = "99"

// CatalogueWriter writes licences in catalogue columns: CSV in UTF-8, days as 20060102.
type CatalogueWriter struct {
	csv   *csv.Writer
	today civil.Day
	begun bool
}

// NewCatalogueWriter returns a writer that says what is expired on a day.
func NewCatalogueWriter(w io.Writer, today civil.Day) *CatalogueWriter {
	return &CatalogueWriter{csv: csv.NewWriter(w), today: today}
}

// Write writes one licence of a category by an issuer of a region (GB/T 2260).
func (w *CatalogueWriter) Write(c *catalogue.Category, region string, r licence.Record) error {
	if !w.begun {
		w.begun = true
		if err := w.csv.Write(catalogueColumns); err != nil {
			return err
		}
	}
	l := r.Licence
	until := ""
	if l.LastDay != nil {
		until = compact(*l.LastDay)
	}
	return w.csv.Write([]string{
		l.Identifier.String(), l.Number, c.NameZH, fmt.Sprintf("%03d", l.Identifier.Version), c.NameZH, c.Code,
		compact(l.IssueDay), l.IssuerName, l.Identifier.Issuer, c.AgencyZH, c.AgencyUSCC, compact(l.FirstDay), until,
		"", region, joined(l.Holders, func(h licence.Holder) string { return h.Name }), joined(l.Holders, func(h licence.Holder) string { return h.IDNumber }),
		joined(l.Holders, func(h licence.Holder) string { return h.IDType.NameZH() }), joined(l.Holders, func(h licence.Holder) string { return string(h.IDType) }), "", "", "", "", "", "", "", "", w.status(r),
	})
}

// Flush writes what is left, and the header of a catalogue of nothing.
func (w *CatalogueWriter) Flush() error {
	if !w.begun {
		w.begun = true
		if err := w.csv.Write(catalogueColumns); err != nil {
			return err
		}
	}
	w.csv.Flush()
	return w.csv.Error()
}

func (w *CatalogueWriter) status(r licence.Record) string {
	called := ""
	switch {
	case r.State == licence.Superseded, r.State == licence.Active && r.Licence.LastDay != nil && *r.Licence.LastDay < w.today:
		called = "失效"
	case r.State == licence.Active:
		called = "有效"
	case r.State == licence.Suspended:
		called = "暂扣"
	case r.State == licence.Revoked:
		called = r.Cause.EndZH()
	}
	return cmp.Or(statusCodes[called], statusOther)
}

// joined is what the holders have, with the separator that is usual between several.
func joined(holders []licence.Holder, part func(licence.Holder) string) string {
	parts := make([]string, len(holders))
	for i, h := range holders {
		parts[i] = part(h)
	}
	return strings.Join(parts, "^")
}

func compact(d civil.Day) string { return strings.ReplaceAll(d.String(), "-", "") }
