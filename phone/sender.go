package phone

// Sender is a sender code in canonical form: digits as E.164 where they are a
// phone, short codes as they are, alphanumeric IDs in lower case.
type Sender string

// AnySender is the sender of an opt-out that covers every sender of its realm.
const AnySender Sender = "*"

// MaxSender is the longest sender code that is read, in bytes.
const MaxSender = 64
