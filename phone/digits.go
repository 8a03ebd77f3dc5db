package phone

// digits gathers the digits of a text, as many as one number can have behind
// prefixes, and counts the rest.
type digits struct {
	b [2 * maxPrefixed]byte
	// n counts all digits, also those that b has no room for, but maxPrefixed zeros at the front
	// at most.
	n     int
	zeros int // those at the front
}

func (d *digits) add(text []byte) {
	for _, c := range text {
		d.put(c)
	}
}

func (d *digits) addString(text string) {
	for i := range len(text) {
		d.put(text[i])
	}
}

func (d *digits) put(c byte) {
	if c < '0' || c > '9' {
		return
	}
	if c == '0' && d.zeros == d.n {
		if d.zeros == maxPrefixed {
			return // more zeros say nothing new
		}
		d.zeros++
	}
	if d.n < len(d.b) {
		d.b[d.n] = c
	}
	d.n++
}

// fits reports whether the digits can be one number behind its prefixes.
func (d *digits) fits() bool {
	switch significant := d.n - d.zeros; {
	case d.n > len(d.b):
		return false
	case significant <= MaxDigits:
		return true
	default: // 011 and 15 digits
		return d.zeros > 0 && significant-2 <= MaxDigits && d.b[d.zeros] == '1' && d.b[d.zeros+1] == '1'
	}
}

func (d *digits) string() string { return string(d.b[:min(d.n, len(d.b))]) }
