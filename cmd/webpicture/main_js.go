// Command webpicture reads and draws QR symbols in the browser: qr/picture for a web
// worker, built for WebAssembly by make web. A page loads it when the camera opens or
// when it has a code to show.
//
// It puts one object, elicencePicture, into the worker's global scope and then waits:
//
//	read(rgba, width, height)  {text} or {problem}, which is none, several or size
//	draw(text)                 {size, modules}: rows of bytes, 1 is dark, with the quiet zone
package main

import (
	"errors"
	"syscall/js"

	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/picture/scan"
)

// maxPixels bounds a frame: 3840 × 2160, more than any camera is asked for.
const maxPixels = 3840 * 2160

func main() {
	js.Global().Set("elicencePicture", js.ValueOf(map[string]any{
		"read": js.FuncOf(func(_ js.Value, args []js.Value) any { return read(args[0], args[1].Int(), args[2].Int()) }),
		"draw": js.FuncOf(func(_ js.Value, args []js.Value) any { return draw(args[0].String()) }),
	}))
	js.Global().Call("elicenceReady")
	select {}
}

func read(rgba js.Value, width, height int) map[string]any {
	if width < 1 || height < 1 || width > maxPixels/height || rgba.Length() != 4*width*height {
		return map[string]any{"problem": "size"}
	}
	pix := make([]byte, 4*width*height)
	js.CopyBytesToGo(pix, rgba)
	text, err := scan.Read(scan.RGBA(pix, width, height))
	switch {
	case errors.Is(err, scan.ErrSeveralCodes):
		return map[string]any{"problem": "several"}
	case err != nil:
		return map[string]any{"problem": "none"}
	default:
		return map[string]any{"text": text}
	}
}

// draw makes the symbol of a code for a screen.
func draw(text string) map[string]any {
	symbol, err := picture.Draw(text, picture.Screen)
	if err != nil {
		return map[string]any{"problem": "size"}
	}
	rows := symbol.Modules()
	flat := make([]byte, 0, len(rows)*len(rows))
	for _, row := range rows {
		for _, dark := range row {
			b := byte(0)
			if dark {
				b = 1
			}
			flat = append(flat, b)
		}
	}
	modules := js.Global().Get("Uint8Array").New(len(flat))
	js.CopyBytesToJS(modules, flat)
	return map[string]any{"size": len(rows), "modules": modules}
}
