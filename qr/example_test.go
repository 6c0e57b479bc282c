package qr_test

import (
	"fmt"

	"github.com/elicence/elicence/qr"
)

// The text of a code, and what a phone's camera or a scanner makes of it.
func Example() {
	digits, err := qr.Encode(qr.KindLicence, []byte{0})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(qr.Address("zz.example.gov.cn", digits))

	kind, b, err := qr.Decode(qr.Scanned("https://zz.example.gov.cn/v#1100005718\r\n"))
	fmt.Println(kind, b, err)
	_, _, err = qr.Decode("1100005719")
	fmt.Println(err)
	// Output:
	// https://zz.example.gov.cn/v#1100005718
	// 1 [0] <nil>
	// check digits are wrong: malformed code
}

// A hall asks, and a phone reads who it is that asks.
func ExampleChallenge() {
	asked := qr.Challenge{Nonce: [qr.NonceSize]byte{1, 2, 3}, Hall: "合肥政务中心3号窗"}
	digits, err := asked.Text()
	if err != nil {
		fmt.Println(err)
		return
	}
	read, err := qr.ParseChallenge(qr.Scanned(digits + "\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(digits), read.Hall, read.Nonce == asked.Nonce)
	_, _, err = qr.Decode(digits)
	fmt.Println(err)
	// Output:
	// 116 合肥政务中心3号窗 true
	// kind 9 is not known: malformed code
}
