package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/mihu-go/mihu"
)

// row returns the request of a row. The numbers have an area code that is not in use.
func row(i int) mihu.TrunkCreateRequest {
	return mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1999%07d", i), Channel: mihu.ChannelCall},
		AgentUUID: fmt.Sprintf("c0000000-0000-4000-8000-%012d", i),
		Name:      fmt.Sprintf("Desk %d", i),
		Direction: mihu.DirectionInbound,
		SIP: &mihu.SIPCredentials{
			Gateway: "sip.example.com", Port: 5060, Username: fmt.Sprintf("user-%d", i), Password: fmt.Sprintf("password-%d", i),
		},
	}
}

// writeRows writes a file. The first rows have another password.
func writeRows(path string, rows, changed int) error {
	file, err := os.Create(path) //nolint:gosec // a file of this program
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	_, _ = out.WriteString("phone_number,channel,agent_uuid,name,direction,sip_gateway,sip_port,sip_username,sip_password\n")
	for i := range rows {
		r := row(i)
		if i < changed {
			r.SIP.Password += "-2"
		}
		_, _ = fmt.Fprintf(out, "%s,%s,%s,%s,%s,%s,%d,%s,%s\n", r.PhoneNumber, r.Channel, r.AgentUUID, r.Name, r.Direction,
			r.SIP.Gateway, r.SIP.Port, r.SIP.Username, r.SIP.Password)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}
