package atrest

import (
	"context"
	"io"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// Office is what is needed of the office on a data folder.
type Office interface {
	// Folder returns the folder.
	Folder() *datafolder.Folder
	// Catalogue returns the licence categories of the folder.
	Catalogue() *catalogue.Catalogue
	// CheckSigned tells what is wrong with everything in the records that carries a signature of its own, but for licences.
	CheckSigned(ctx context.Context, tell func(records.Fault))
	// Step takes a step in a licence's life, with its entry of the log.
	Step(ctx context.Context, actor string, id licence.Identifier, step licence.Step, reason string) (licence.Record, error)
	// EraseDetails erases what lies beside entries of the log, with an entry for each.
	EraseDetails(ctx context.Context, actor, reason string, indexes ...uint64) error
}

// OpenOffice is an [Office] that whoever opened it closes, and the folder with it.
type OpenOffice interface {
	Office
	io.Closer
}
