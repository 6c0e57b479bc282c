package syntax

// unpredict undoes the predictors of ISO 32000-1, 7.4.4.4 in place: those of PNG, and the
// one of TIFF for components of whole bytes.
func (v View) unpredict(data []byte, parms *Dict, at int64) ([]byte, error) {
	predictor, err := v.parameter(parms, "Predictor", 1, at)
	if err != nil {
		return nil, err
	}
	if predictor == 1 || len(data) == 0 {
		return data, nil
	}
	if predictor != 2 && (predictor < 10 || predictor > 15) {
		return nil, DamagedAt(at, "the stream's predictor %d is not supported here", predictor)
	}
	colors, err1 := v.parameter(parms, "Colors", 1, at)
	bits, err2 := v.parameter(parms, "BitsPerComponent", 8, at)
	columns, err3 := v.parameter(parms, "Columns", 1, at)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return nil, err
		}
	}
	bytesPerPixel := max(1, (colors*bits+7)/8)
	row := (colors*bits*columns + 7) / 8
	if predictor == 2 {
		return v.undiffer(data, row, bits, colors, at)
	}
	if len(data)%(row+1) != 0 {
		return nil, DamagedAt(at, "the stream's data are not whole rows of %d bytes", row)
	}
	out := data[:0]
	before := make([]byte, row)
	for in := data; len(in) > 0; in = in[row+1:] {
		method, line := in[0], in[1:row+1]
		if !unfilter(method, line, before, bytesPerPixel) {
			return nil, DamagedAt(at, "unknown PNG filter %d in the stream's data", method)
		}
		out = append(out, line...) // lies before in, so nothing unread is lost
		before = out[len(out)-row:]
	}
	return out, nil
}

// undiffer undoes the predictor of TIFF (TIFF 6.0, section 14).
func (v View) undiffer(data []byte, row, bits, colors int, at int64) ([]byte, error) {
	if bits != 8 || len(data)%row != 0 {
		return nil, DamagedAt(at, "the stream's data are not whole rows of %d bytes, or its predictor 2 has %d bits", row, bits)
	}
	for line := data; len(line) > 0; line = line[row:] {
		for i := colors; i < row; i++ {
			line[i] += line[i-colors]
		}
	}
	return data, nil
}

// parameter returns a whole number from 1 to 1,000,000, or the default.
func (v View) parameter(parms *Dict, key Name, otherwise int, at int64) (int, error) {
	val, err := v.Get(parms, key)
	if err != nil {
		return 0, err
	}
	switch n := val.(type) {
	case nil:
		return otherwise, nil
	case int64:
		if n >= 1 && n <= 1_000_000 {
			return int(n), nil
		}
	}
	return 0, DamagedAt(at, "the stream's decoding parameter /%s is out of range", key)
}

// unfilter undoes one row's filter (ISO/IEC 15948, clause 9).
func unfilter(method byte, line, before []byte, bytesPerPixel int) bool {
	switch method {
	case 0:
	case 1:
		for i := bytesPerPixel; i < len(line); i++ {
			line[i] += line[i-bytesPerPixel]
		}
	case 2:
		for i := range line {
			line[i] += before[i]
		}
	case 3:
		for i := range line {
			left := 0
			if i >= bytesPerPixel {
				left = int(line[i-bytesPerPixel])
			}
			line[i] += byte((left + int(before[i])) / 2)
		}
	case 4:
		for i := range line {
			left, corner := 0, 0
			if i >= bytesPerPixel {
				left, corner = int(line[i-bytesPerPixel]), int(before[i-bytesPerPixel])
			}
			line[i] += paeth(left, int(before[i]), corner)
		}
	default:
		return false
	}
	return true
}

func paeth(left, above, corner int) byte {
	p := left + above - corner
	dl, da, dc := abs(p-left), abs(p-above), abs(p-corner)
	switch {
	case dl <= da && dl <= dc:
		return byte(left)
	case da <= dc:
		return byte(above)
	}
	return byte(corner)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
