//go:build !unix || solaris || illumos

package atrest

// freeBytes is not known here.
func freeBytes(string) (int64, error) { return -1, nil }
