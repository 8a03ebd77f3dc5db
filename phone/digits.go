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

// digitChars are the ASCII digits, as cutsets take them.
const digitChars = "0123456789"

func allDigits[T string | []byte](text T) bool {
	return len(text) > 0 && len(run(text)) == len(text)
}

func countDigits[T string | []byte](text T) (n int) {
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n
}

// run is the ASCII digits that a text begins with.
func run[T string | []byte](text T) T {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n]
}

// nextDigits is the first run of ASCII digits in a text, empty if there is none, and what
// stands behind it.
func nextDigits[T string | []byte](text T) (digits, rest T) {
	at := 0
	for at < len(text) && (text[at] < '0' || text[at] > '9') {
		at++
	}
	digits = run(text[at:])
	return digits, text[at+len(digits):]
}
