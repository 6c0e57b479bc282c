package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// health is the answer of the two health endpoints.
type health struct {
	Body struct {
		Status string `json:"status" enum:"ok" doc:"ok if the service answers"`
	}
}

func (s *Server) registerHealth() {
	huma.Register(s.api, huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/healthz", Summary: "存活 The process is alive", Tags: []string{"health"},
	}, func(context.Context, *struct{}) (*health, error) {
		h := new(health)
		h.Body.Status = "ok"
		return h, nil
	})
	huma.Register(s.api, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Summary: "就绪 The store answers and the trust files verify", Tags: []string{"health"},
		Errors: []int{http.StatusServiceUnavailable},
	}, func(ctx context.Context, _ *struct{}) (*health, error) {
		if err := s.office.Ready(ctx); err != nil {
			s.log.Error("not ready", "error", err)
			return nil, huma.Error503ServiceUnavailable("the store does not answer")
		}
		if _, err := s.inspectors.current(ctx); err != nil {
			s.log.Error("not ready", "error", err)
			return nil, huma.Error503ServiceUnavailable("the trust files do not verify")
		}
		h := new(health)
		h.Body.Status = "ok"
		return h, nil
	})
}
