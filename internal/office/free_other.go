//go:build !unix || solaris || illumos

package office

// freeBytes is not known here.
func freeBytes(string) (int64, error) { return -1, nil }
