package picture

import "image"

// ReadImage finds the QR symbol in a picture that is already decoded, as a camera
// delivers it, and returns its text.
func ReadImage(img image.Image) (string, error) { return find(img) }
