package pki_test

import (
	"fmt"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
)

// The signature of GB/T 32918.5, annex A, judged by both implementations.
func ExampleJudge() {
	s := pki.Samples()[0]
	key, err := pki.ParsePoint(s.Point[:])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pki.Judge(key, s.Message, s.Signature, second.Opinion{}) == pki.Good)
	fmt.Println(pki.Judge(key, []byte("another message"), s.Signature, second.Opinion{}) == pki.Bad)
	// Output:
	// true
	// true
}
