package catalogue

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mozillazg/go-pinyin"
)

var update = flag.Bool("update", false, "write readings.tsv anew")

// TestReadings: readings.tsv says what the library says, of every character. The library
// itself would be a megabyte of code and two of memory in every run of the program.
func TestReadings(t *testing.T) {
	t.Parallel()
	all := pinyin.NewArgs()
	all.Heteronym = true
	characters := make(map[string][]rune)
	for r := range pinyin.PinyinDict {
		readings := strings.Join(pinyin.SinglePinyin(rune(r), all), " ")
		characters[readings] = append(characters[readings], rune(r))
	}
	var want bytes.Buffer
	for _, readings := range slices.Sorted(maps.Keys(characters)) {
		slices.Sort(characters[readings])
		want.WriteString(readings + "\t" + string(characters[readings]) + "\n")
	}
	if *update {
		if err := os.WriteFile("readings.tsv", want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("readings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("readings.tsv is not what the library says: go test ./licence/catalogue -run TestReadings -update")
	}
	for text, want := range map[string]string{"行": "xing hang heng", "旅": "lv lu", "a证1": "a zheng 1", "ａ，": ""} {
		var got []string
		for _, s := range newSpeller([]string{text}).syllables(text) {
			got = append(got, s...)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is read as %q, want %q", text, got, want)
		}
	}
}
