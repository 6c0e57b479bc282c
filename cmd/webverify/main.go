//go:build !js

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "webverify: runs in a browser only: make web builds it")
	os.Exit(2)
}
