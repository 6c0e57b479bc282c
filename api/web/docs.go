package web

import (
	"maps"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// operation is one operation as the documentation page shows it.
type operation struct {
	Method, Path, Summary, Description string
	Request                            []string // media types
	Responses                          []string // status codes
}

// describe lists the operations of the OpenAPI description.
func describe(spec *huma.OpenAPI) []operation {
	var all []operation
	for _, path := range slices.Sorted(maps.Keys(spec.Paths)) {
		item := spec.Paths[path]
		for _, m := range []struct {
			method string
			op     *huma.Operation
		}{{"GET", item.Get}, {"POST", item.Post}, {"PUT", item.Put}, {"PATCH", item.Patch}, {"DELETE", item.Delete}} {
			if m.op == nil {
				continue
			}
			o := operation{Method: m.method, Path: path, Summary: m.op.Summary, Description: m.op.Description, Responses: slices.Sorted(maps.Keys(m.op.Responses))}
			if m.op.RequestBody != nil {
				o.Request = slices.Sorted(maps.Keys(m.op.RequestBody.Content))
			}
			all = append(all, o)
		}
	}
	return all
}
