package optoutstore

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stopgate/stopgate/phone"
)

// sealRecord makes the checksum of the record b right.
func sealRecord(b []byte) {
	binary.BigEndian.PutUint32(b[recordCRCOffset:], crc32.Checksum(b[8:], castagnoli))
}

func appendCRC(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func sampleRecord() record {
	r := record{Event: Event{Change: changeN(7), Number: 42, Kind: Lifted}, prev: 4711, before: Hash{1, 2}}
	r.EffectiveAt = time.UnixMicro(-5).UTC()
	r.RecordedAt = time.UnixMicro(1_700_000_000_000_001).UTC()
	r.Actor, r.Reason = "somebody", "héllo\x00"
	return r
}

// FuzzRecord feeds the decoder bytes as they are, and with a checksum made right
// for them, which a fuzzer would not find.
func FuzzRecord(f *testing.F) {
	r := sampleRecord()
	f.Add(appendRecord(nil, &r))
	f.Add(appendRecord(nil, &record{Event: Event{Number: 1, Kind: LossAccepted, Change: Change{Reason: "x"}}}))
	f.Add(appendRecord(nil, &record{Event: Event{Change: changeN(2), Number: 3, Kind: Told}, wasUntold: true, prev: 9}))
	f.Add(appendRecord(nil, &record{Event: Event{Change: Change{Pair: Pair{Realm: "r"}}, Number: 3, Kind: RelayFrom, From: 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkRecord(t, b)
		if len(b) < recordOverhead {
			return
		}
		b = bytes.Clone(b)
		binary.BigEndian.PutUint32(b, uint32(len(b)))
		sealRecord(b)
		checkRecord(t, b)
	})
}

func checkRecord(t *testing.T, b []byte) {
	r, err := parseRecord(b)
	if err != nil {
		return
	}
	if again := appendRecord(nil, &r); !bytes.Equal(again, b) {
		t.Fatalf("%x\nread and written is\n%x", b, again)
	}
}

func FuzzFrame(f *testing.F) {
	frame := openFrame(nil)
	for n := range 3 {
		frame = appendRecord(frame, &record{Event: Event{Change: changeN(n), Number: uint64(n + 1), Kind: OptedOut}})
	}
	closeFrame(frame, testID, 1, 3)
	f.Add(frame)
	f.Fuzz(func(t *testing.T, b []byte) {
		walkFrame(b)
		if len(b) > frameHeader {
			b = bytes.Clone(b)
			copy(b, frameMagic[:])
			binary.BigEndian.PutUint32(b[4:], uint32(len(b)))
			binary.BigEndian.PutUint32(b[frameCRCOffset:], frameCRC(b, testID))
			walkFrame(b)
		}
		s := &segment{segmentHead: segmentHead{id: testID, first: 1}, name: "x"}
		file := append(appendSegmentHead(nil, s.segmentHead), b...)
		at, _ := scanFrames(bytes.NewReader(file), s, s.begin(), int64(len(file)), nil)
		if at.position > uint64(len(file)) {
			t.Fatal("read behind the end")
		}
		if _, err := frameBehind(bytes.NewReader(file), testID, 0, int64(len(file))); err != nil {
			t.Fatal(err)
		}
	})
}

func walkFrame(b []byte) {
	if h, ok := wholeFrame(b, testID); ok {
		_ = eachRecord(b, h, func(_ int, raw []byte) error {
			_, err := parseRecord(raw)
			return err
		})
	}
}

func FuzzIndexKey(f *testing.F) {
	f.Add([]byte("p12065551212\x00\x05realm12345"))
	f.Add(appendPairKey(nil, pairN(3).Phone, AnyRealm, phone.AnySender))
	f.Add(appendCountKey(nil, "realm", "12345"))
	f.Fuzz(func(t *testing.T, key []byte) {
		if realm, sender, err := parseCountKey(key); err == nil && !bytes.Equal(appendCountKey(nil, realm, sender), key) {
			t.Fatalf("%q read and written is %q", key, appendCountKey(nil, realm, sender))
		}
		p, err := parsePairKey(key)
		if err != nil {
			return
		}
		if again := appendPairKey(nil, p.Phone, p.Realm, p.Sender); !bytes.Equal(again, key) {
			t.Fatalf("%q read and written is %q", key, again)
		}
	})
}

// FuzzRow: no row passes but under its own key and with its own bytes.
func FuzzRow(f *testing.F) {
	key := []byte("p1\x00\x01rs")
	f.Add(key, appendPairRow(nil, key, row{inForce: true, number: 1, position: 2, effective: 3, recorded: 4, last: 1}))
	f.Add(key, appendPairRow(nil, key, row{inForce: true, told: true, number: 1, position: 2, last: 5}))
	f.Add(key, appendRelayRow(nil, key, relayRow{1, 2}))
	f.Add(key, appendCountRow(nil, key, countRow{tally{5, 3, 6}, 7}))
	f.Fuzz(func(t *testing.T, key, v []byte) {
		if r, err := parsePairRow(key, v); err == nil && !bytes.Equal(appendPairRow(nil, key, r), v) {
			t.Fatal("pair")
		}
		if r, err := parseCountRow(key, v); err == nil && !bytes.Equal(appendCountRow(nil, key, r), v) {
			t.Fatal("count")
		}
		if r, err := parseRelayRow(key, v); err == nil && !bytes.Equal(appendRelayRow(nil, key, r), v) {
			t.Fatal("relay")
		}
		_, _ = parseAppliedRow(v)
	})
}
