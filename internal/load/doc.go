// Package load is the load of `elicence bench load`: licences of all categories with
// varied valid values, issued in bulk on the same way as an import, and what is measured
// of that. Its people and bodies are as fictitious as those of package sample.
package load
