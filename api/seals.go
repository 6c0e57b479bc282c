package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal"
)

// sealOutput is the public status of a seal.
type sealOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         office.SealStatus
}

// registerSeals answers who holds a seal and whether it is in use: whoever is shown its
// impression may ask.
func (s *Server) registerSeals() {
	huma.Register(s.api, huma.Operation{
		OperationID: "sealStatus", Method: http.MethodGet, Path: "/v1/seals/{id}", Tags: []string{"seals"},
		Summary: "印章状态 The public status of a seal", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *struct {
		ID string `path:"id" pattern:"^[0-9]{14}$" example:"34010000000001"`
	}) (*sealOutput, error) {
		status, err := s.office.SealStatus(ctx, in.ID)
		switch {
		case errors.Is(err, seal.ErrNotFound):
			return nil, huma.Error404NotFound("no such seal")
		case err != nil:
			s.log.Error("cannot tell the status of a seal", "error", err)
			return nil, huma.Error500InternalServerError("")
		}
		return &sealOutput{"no-store", status}, nil
	})
}
