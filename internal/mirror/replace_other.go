//go:build !linux

package mirror

func (w *work) replace(next string) error { return w.replaceByRenames(next) }
