package main

import "github.com/spf13/cobra"

func filesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "files",
		Short: "What the file of an import looks like",
		Long: `A row, or a line of JSON, is one trunk. Required are phone_number, channel and agent_uuid; channel and
agent may stand on the command line instead. What a row leaves out is left as it is.

  CSV                        JSON lines
  phone_number               phone_number         +12025550123
  channel                    channel              call, whatsapp
  agent_uuid                 agent_uuid           3c90c3cc-0d44-4b50-8888-8dd25736052a
  name                       name                 a label for people
  direction                  direction            inbound, outbound, both; on call only
  sip_gateway                sip.gateway          a host; SIP is on call only
  sip_port                   sip.port             1 to 65535
  sip_username               sip.username
  sip_password               sip.password
  sip_secondary_gateway      sip.secondary_gateway
  additional_settings        additional_settings  a JSON object
  secret_name                secret_name          SIP credentials by their name in the file of --secrets
  reason, source_line        reason, source_line  not read: "trunkctl import" writes them for failed rows

  phone_number,channel,agent_uuid,sip_gateway
  +12025550123,call,3c90c3cc-0d44-4b50-8888-8dd25736052a,sip.example.com

  {"phone_number":"+12025550123","channel":"call","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}

The first row of CSV names the columns, in any order; an unknown column is a fault unless --ignore
names it. It may be separated by commas, semicolons or tabs, begin with a byte order mark, and end
its lines as any system does. Numbers may be set out with spaces, dashes and brackets, and begin with
an apostrophe; a country code is never guessed. Two rows that say the same are one, two that
contradict each other are a fault.

The file of --secrets is JSON: {"carrier-a": {"username": "…", "password": "…"}}; gateway, port and
secondary_gateway may be there as well.`,
	}
}
