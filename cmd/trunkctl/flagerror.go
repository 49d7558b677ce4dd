package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const wordLetters = "abcdefghijklmnopqrstuvwxyz-"

// isWord reports whether a text can be the name of a command or a flag. Anything else may be a
// secret or a number, and is not shown.
func isWord(text string) bool { return strings.Trim(text, wordLetters) == "" }

// flagError rewrites an error of the flag parser, which quotes what was typed.
func flagError(err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag()
		want := map[string]string{"int": "a whole number", "duration": "a duration such as 30s", "bool": "true or false"}[flag.Value.Type()]
		if want == "" {
			return errors.New("--" + flag.Name + ": invalid value")
		}
		return errors.New("--" + flag.Name + ": want " + want)
	}
	if isA[*pflag.InvalidSyntaxError](err) {
		return errors.New("bad flag syntax")
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	name := unknown.GetSpecifiedName()
	if !isWord(name) {
		return errors.New("unknown flag")
	}
	if slices.Contains([]string{"token", "password", "username", "sip-password", "sip-username"}, name) {
		return errors.New(err.Error() + "; secrets are never arguments, which everybody on the machine can see: " +
			"use --token-file, --sip-username-file, --sip-password-file, or --sip-password-env with the name of a variable")
	}
	return err
}
