// Package runlog keeps the log of what trunkctl has changed: one file of JSON lines per workspace,
// to which several processes can append at once. It has whole phone numbers and no secrets.
package runlog
