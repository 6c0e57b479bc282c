package catalogue

import (
	"bytes"
	_ "embed"
	"io"
)

//go:embed life.csv
var lifeCSV []byte

// Fate is what becomes of a licence when its holder does not exist any more.
type Fate string

// The fates.
const (
	FateEnd      Fate = "end"      // it ends with its holder
	FateKeep     Fate = "keep"     // it states what was, and goes on to do so
	FateTransfer Fate = "transfer" // it goes over to the successor, as a new version
	FateAsk      Fate = "ask"      // an officer decides: heirs or a liquidator may carry on
)

// Life is what a category says of the life of its licences. The zero value is of a
// category that says nothing: one holder, and an officer decides.
type Life struct {
	SeveralHolders bool // may be issued to several holders together
	OnDeath        Fate // of a person
	OnDissolution  Fate // of an organisation
	OnMerger       Fate // of an organisation with another one
}

// decided is a fate, or that an officer decides.
func (f Fate) decided() Fate {
	if f == "" {
		return FateAsk
	}
	return f
}

// Death returns what becomes of a licence whose holder has died.
func (l Life) Death() Fate { return l.OnDeath.decided() }

// Dissolution returns what becomes of a licence whose holder was dissolved.
func (l Life) Dissolution() Fate { return l.OnDissolution.decided() }

// Merger returns what becomes of a licence whose holder is merged into another body.
func (l Life) Merger() Fate { return l.OnMerger.decided() }

const lifeFile = "life.csv"

var lifeHeader = []string{"id", "holders", "on_death", "on_dissolution", "on_merger"}

// readLife reads the rules of life. A category without a row has none.
func (p *parser) readLife(r io.Reader) {
	seen := make(map[ID]bool)
	p.rows(lifeFile, r, lifeHeader, func(place string, row map[string]string) {
		id, err := ParseID(row["id"])
		if err != nil || !p.rewritten[id] || seen[id] {
			if p.json {
				return // see readFields
			}
			p.fault(place, "id %q is not a category, or stands twice", row["id"])
			return
		}
		seen[id] = true
		if row["holders"] != "one" && row["holders"] != "several" {
			p.fault(place, "holders %q is not one, several", row["holders"])
		}
		fate := func(column string, transfer bool) Fate {
			f := Fate(row[column])
			if f != FateEnd && f != FateKeep && f != FateAsk && (f != FateTransfer || !transfer) {
				p.fault(place, "%s %q is not one of end, keep, ask (on_merger: or transfer)", column, row[column])
			}
			return f
		}
		p.categories[id-1].Life = Life{
			SeveralHolders: row["holders"] == "several",
			OnDeath:        fate("on_death", false), OnDissolution: fate("on_dissolution", false), OnMerger: fate("on_merger", true),
		}
	})
}

func embeddedLife() io.Reader { return bytes.NewReader(lifeCSV) }
