package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// categoriesOutput is a list of categories.
type categoriesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         []office.CategoryView
}

// schemaOutput is a JSON Schema.
type schemaOutput struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// forAWhile: the catalogue changes with a release of it, and whoever shows an old one
// for an hour does no harm.
const forAWhile = "public, max-age=3600"

// registerCategories serves the catalogue, which is public.
func (s *Server) registerCategories() {
	huma.Register(s.api, huma.Operation{
		OperationID: "listCategories", Method: http.MethodGet, Path: "/v1/categories", Tags: []string{"catalogue"},
		Summary: "证照类别 The licence categories, or those that a word means, best first",
	}, func(_ context.Context, in *struct {
		Word string `query:"q" maxLength:"128" doc:"A name, short name, alias, number, or pinyin; left out: all categories"`
	}) (*categoriesOutput, error) {
		found := s.office.Catalogue().Categories()
		if in.Word != "" {
			found = s.office.Catalogue().Search(in.Word)
		}
		views := make([]office.CategoryView, len(found))
		for i, c := range found {
			views[i] = office.ViewCategory(c)
		}
		return &categoriesOutput{forAWhile, views}, nil
	})
	huma.Register(s.api, huma.Operation{
		OperationID: "categorySchema", Method: http.MethodGet, Path: "/v1/categories/{id}/schema", Tags: []string{"catalogue"},
		Summary: "类别的 JSON Schema What an application in a category must look like", Errors: []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {Description: "JSON Schema, draft 2020-12", Content: map[string]*huma.MediaType{"application/schema+json": {}}}},
	}, func(_ context.Context, in *struct {
		ID string `path:"id" pattern:"^[0-9]{3}$" example:"004"`
	}) (*schemaOutput, error) {
		id, err := catalogue.ParseID(in.ID)
		if err != nil {
			return nil, huma.Error404NotFound("no such category")
		}
		category, ok := s.office.Catalogue().Category(id)
		if !ok {
			return nil, huma.Error404NotFound("no such category")
		}
		b, err := json.Marshal(licence.SchemaOf(category))
		if err != nil {
			return nil, fmt.Errorf("writing the schema of category %s: %w", id, err)
		}
		return &schemaOutput{"application/schema+json", forAWhile, b}, nil
	})
}
