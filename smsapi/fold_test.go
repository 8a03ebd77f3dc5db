package smsapi

import (
	"strings"
	"testing"
)

func TestNameFolds(t *testing.T) {
	t.Parallel()
	known := []string{"p", "phone", "sendercode"}
	for name, want := range map[string]int{
		"phone": 1, "PHONE": 1, "pHone": 1, "%70hone": 1, "%2570hone": 1, "%252570hone": 1, "%u0070hone": 1,
		"phone[]": 1, "phone[x]": 1, "phone[": 1, "phone%5B%5D": 1, "[phone]": 1, "[[phone": 1,
		"phone%00": 1, "phone%00x": 1, "+phone": 1, "%20phone": 1, "phone+": 1, "phone.": 1, ".phone": 1, "\tphone": 1,
		"%EF%BD%90hone": 1, "ｐｈｏｎｅ": 1, "%EF%BB%BFphone": 1, "%E2%80%8Bphone": 1, "pho\u00adne": 1,
		"%C1%B0hone": 1, "%E0%81%B0hone": 1, "%F0%80%81%B0hone": 1, "\xffphone": 1, "pho%6Ee%": 1, "phone%0": 1,
		"phone%3D12065551212": 1, "x%26phone": 1, "amp%3Bphone": 1, "x%0Aphone": 1, "%3Fphone": 1, `"phone"`: 1,
		"phone%zz": 1, "phone:1": 1, "phóne": 1, "phon%C7%9D%D0%80": 1, "phon%C7%9D%D9%80": 1, "%70hon\u00c7\u009d": 1,
		"sender.code": 2, "sender+code": 2, "sender-code": 2, "senderCode": 2, "SENDER_CODE": 2, "sender_code[]": 2, "sender%5Fcode": 2,
		"P": 0, "p[]": 0, "[p]": 0, "p%20": 0,
		"": -1, "telephone": -1, "phone2": -1, "phone_type": -1, "a[phone]": -1, "phones": -1, "x.phone": -1,
		"first-name": -1, "%D0%B8%D0%BC%D1%8F_p": -1, "phone_%D0%B8": -1, "имяp": 0, "phonée": 1, "ph%26one": 1, "ph%0Aone": 1, "ph;one": 1, "sender%3F_code": 2, "ph%3Cb%3Eone": 1, "<script>x</script>sender_code": 2, "<SCRIPT>": -1, "<script>x</script": -1, "ph%C3%B8ne": 1, "PHØNE": 1, "sen%C4%91er_code": 2, "ph%C3%A9one": 1, "phone%2541": 1, "pp": -1, "sender": -1, "_": -1, "%": -1, "%%%": -1,
	} {
		if got := NameFolds(name, known); got != want {
			t.Errorf("NameFolds(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestValueFolds(t *testing.T) {
	t.Parallel()
	known := []string{"send"}
	for value, want := range map[string]int{
		"send": 0, "SEND": 0, "+send": 0, "send%20": 0, "send%00": 0, "send,stop": 0, "stop,send": 0, "stop%7Csend": 0,
		"%22send%22": 0, "%EF%BD%93end": 0, "[%22send%22]": 0, "s%2565nd": 0, "send%": 0, "x send": 0, "x=send": 0,
		"ſend": 0, "sendß": 0, "senéd": 0, "se%2541nd": 0,
		"sender": -1, "resend": -1, "": -1, "sendx": -1, "se": -1,
	} {
		if got := ValueFolds(value, known); got != want {
			t.Errorf("ValueFolds(%q) = %d, want %d", value, got, want)
		}
	}
}

func TestSpells(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"send": true, "s1e2n3d4": true, "se%2541nd": true, "s%C3%A9nd": true, "senéd": true, "ｓｅｎｄ": true, "SEND": true, "1-send-it": true, "x.send": true, "my_app-send": true, "ſend": true,
		"": false, "sen": false, "dnes": false, "s%65n": false, "sеnd": false, "resend": false, "s a e n d": false, "xxsxxexxnxxdxx": false,
	} {
		if got := Spells(value, "send"); got != want {
			t.Errorf("Spells(%q) = %v", value, got)
		}
	}
}

// A sharp s is two letters in capitals.
func TestSharpS(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"meßage", "me%C3%9Fage", "ME%E1%BA%9EAGE", "message"} {
		if ValueFolds(value, []string{"message"}) != 0 {
			t.Errorf("%q is not found", value)
		}
	}
	if ValueFolds(strings.Repeat("ss", 200)+"message", []string{"message"}) >= 0 {
		t.Error("what is longer than any name is found")
	}
}

// What stands between letters is gone over a few times, not behind each mark anew.
func TestSpellsCostsItsLength(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{".", "1.", "s.", "sms....", "é."} {
		for range 2000 {
			if Spells(strings.Repeat(unit, 4096/len(unit)), "smssend") {
				t.Fatalf("%s spells it", unit)
			}
		}
	}
}

func TestEscapeFolds(t *testing.T) {
	t.Parallel()
	known := []string{"p", "phone", "sendercode"}
	for name, want := range map[string]int{
		"pho%6>e": 1, "ph%6?ne": 1, "ph%6\uff26ne": 1, "%\uff17\uff10hone": 1, "ph%6?ne[]": 1, "sender%5?code": 2, "PHO%zzE": 1,
		"%7\uff10": 0, "%zz": -1, "%ur": -1, "phone": -1, "ph%6Fne": -1, "phones%": -1, "50%+off": -1, "%": -1, "pho%6>es": -1,
	} {
		if got := EscapeFolds(name, known); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}
