package phone

// keypad is the digits of a folded sender whose letters stand for those of a phone's
// keypad, 1800flowers, or "". libphonenumber reads text so from its first digit on, if
// three digits come before the first letter and there are three letters; backends ask
// it whether a sender is a number before they take it for a name. An x before the
// third digit is punctuation to it.
func keypad(id string) string {
	var d digits
	letters, before, word := 0, 0, false
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9':
			d.put(c)
			if !word {
				before++
			}
		case c >= 'a' && c <= 'z' && before > 0:
			d.put("22233344455566677778889999"[c-'a'])
			letters++
			word = word || c != 'x'
		}
	}
	if before < 3 || letters < 3 || !d.fits() {
		return ""
	}
	return d.string()
}
