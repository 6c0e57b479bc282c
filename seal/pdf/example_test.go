package pdf_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/elicence/elicence/seal/pdf"
)

// sign stands for a key: it makes a DER value of a digest.
func sign(digest [32]byte) []byte {
	return append([]byte{0x30, 32}, digest[:]...)
}

func Example() {
	file, err := os.ReadFile("testdata/page.pdf")
	if err != nil {
		log.Fatal(err)
	}
	doc, err := pdf.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		log.Fatal(err)
	}
	square := &pdf.Appearance{
		Content: []byte("0.8 0 0 RG 4 w 4 4 92 92 re S"),
		BBox:    [4]float64{0, 0, 100, 100}, Multiply: true,
	}
	stamp, err := doc.Prepare(pdf.Stamp{
		Filter: "Adobe.PPKLite", SubFilter: "ETSI.CAdES.detached",
		Time: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), ContentsSize: 2048,
		Marks: []pdf.Mark{{Page: 1, X: 120, Y: 220, Width: 42, Height: 42, Appearance: square}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := stamp.Complete(sign(stamp.Digest())); err != nil {
		log.Fatal(err)
	}
	again, err := stamp.Document()
	if err != nil {
		log.Fatal(err)
	}
	list, err := again.Signatures()
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range list {
		fmt.Printf("%s on page %d signs revision %d: intact %v, covers the file %v\n",
			s.Field, s.Page, s.Revision, s.Intact(), s.CoversFile)
	}
	// Output: Seal1 on page 1 signs revision 2: intact true, covers the file true
}
