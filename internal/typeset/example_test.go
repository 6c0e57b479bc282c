package typeset_test

import (
	"bytes"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

func Example() {
	doc := typeset.New(typeset.Info{Title: "居住证", Time: time.Unix(0, 0).UTC(), ID: [16]byte{1}})
	page := doc.Page(210, 297)
	style := typeset.Style{Faces: typeface.Stack{typeface.Song()}, Size: 22, Tracking: 0.25}
	title, err := style.Set("居住证")
	if err != nil {
		fmt.Println(err)
		return
	}
	page.Text(105-title.Width()/2, 40, title)
	file, err := doc.PDF()
	fmt.Printf("%.2f mm, %v, %v\n", title.Width(), bytes.HasPrefix(file, []byte("%PDF-1.7")), err)
	// Output: 27.16 mm, true, <nil>
}
