package main

import "github.com/mihu-go/mihu/provision"

// readSecrets reads the --secrets file and prints everything that is wrong with it. Without a file
// it returns none.
func (a *app) readSecrets(file string) (*provision.NamedSecrets, error) {
	if file == "" {
		return new(provision.NamedSecrets), nil
	}
	reader, done, err := a.input("--secrets", file)
	if err != nil {
		return nil, err
	}
	defer done()
	if file == "-" {
		file = "standard input"
	}
	secrets, err := provision.ReadSecrets(reader, file)
	if err != nil {
		return nil, a.showViolations(file, err)
	}
	return secrets, nil
}
