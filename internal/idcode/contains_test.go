package idcode

import "testing"

func TestContainsCitizenNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"alone", "11010519491231002X", true},
		{"lower-case x", "11010519491231002x", true},
		{"within a name", "张样例11010519491231002X号", true},
		{"within other digits", "9911010519491231002X", true},
		{"in groups", "110105 1949-1231 002x", true},
		{"full-width", "１１０１０５１９４９１２３１００２Ｘ", true},
		{"wrong check", "110105194912310021", false},
		{"nobody was born then", "110105024912310028", false},
		{"credit code of digits", "113700000045046442", false},
		{"credit code", "11100000000013338W", false},
		{"name", "安徽省测试局", false},
		{"cut off", "11010519491231002", false},
		{"empty", "", false},
	} {
		if got := ContainsCitizenNumber(tt.text); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
