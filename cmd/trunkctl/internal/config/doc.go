// Package config has the file in which trunkctl keeps its workspaces: their names, addresses and
// settings. It has no secrets.
package config
