package credentials

import "crypto/rand"

// passwordAlphabet holds characters that every SIP device accepts, without those that look alike.
const passwordAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// NewPassword returns a random password. Every character is equally likely.
func NewPassword(length int) string {
	const unbiased = 256 - 256%len(passwordAlphabet)
	password := make([]byte, 0, length)
	var random [1]byte
	for len(password) < length {
		_, _ = rand.Read(random[:]) // it never fails
		if int(random[0]) < unbiased {
			password = append(password, passwordAlphabet[int(random[0])%len(passwordAlphabet)])
		}
	}
	return string(password)
}
