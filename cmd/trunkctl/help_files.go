package main

import "github.com/spf13/cobra"

func filesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "files",
		Short: "The file formats of import and sync",
		Long: `A row, or a line of JSON, is one trunk. phone_number, channel and agent_uuid or agent are required;
flags can supply channel and agent. A field that a row omits is left unchanged.

  CSV                        JSON lines
  phone_number               phone_number         +12025550123
  channel                    channel              call, whatsapp
  agent_uuid                 agent_uuid           3c90c3cc-0d44-4b50-8888-8dd25736052a
  agent                      agent                a name or a UUID, instead of agent_uuid
  name                       name                 a label for people
  direction                  direction            inbound, outbound, both; for call only
  sip_gateway                sip.gateway          a host name; SIP is for call only
  sip_port                   sip.port             1 to 65535
  sip_username               sip.username
  sip_password               sip.password
  sip_secondary_gateway      sip.secondary_gateway
  additional_settings        additional_settings  a JSON object
  secret_name                secret_name          name of SIP credentials in the --secrets file
  source_line                source_line          the line that a failed row had in its first file
  reason                     reason               ignored: "trunkctl import" writes it for failed rows

  phone_number,channel,agent,sip_gateway
  +12025550123,call,Front desk,sip.example.com

  {"phone_number":"+12025550123","channel":"call","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}

Names of agents are matched exactly. The agents are listed once, before anything is sent; an unknown
or ambiguous name is an error in its line. The journal has the UUIDs: resuming is refused if a name has
become another agent's.

The first row of CSV names the columns, in any order. An unknown column is an error unless --ignore
lists it. Separators are commas, semicolons or tabs; a byte order mark and any line ending are
accepted. Numbers may contain spaces, dashes and brackets, and begin with an apostrophe; the country
code is never guessed. Identical rows are processed once; contradictory rows are an error.

A text that begins or ends with a blank, has a character that cannot be seen, or is what a
spreadsheet makes of a number (1.20256E+10) is an error. An apostrophe before a number keeps it as
it is. Blanks are removed if the header and the row have them at every separator.

Columns with other names: --map 'Rufnummer=phone_number' reads a column as a field, or ignores it
(--map Customer=ignore); --map-file FILE has such a mapping on each line, and comments with #. A host
and a port in one cell: --map 'Gateway:Port=sip_gateway:sip_port'. Nothing is mapped by itself.

Numbers without +: --country-codes 1,49:12-13 names country codes, with the number of digits of their
numbers, the code included. Digits that fit exactly one get a plus; anything else is an error. A
national number without its zero may look like an international one: compare the counts that are
printed with what you expect.

Excel workbooks (.xlsx): texts and whole numbers are read. A date, a decimal number, an error and a
formula without a value are errors of their cells, such as Sheet1!B7. --sheet names the sheet if
several have rows. All rules: https://github.com/mihu-go/mihu/blob/main/docs/files.md

The --secrets file is JSON: {"carrier-a": {"username": "…", "password": "…"}}. A password is
required; gateway, port and secondary_gateway are optional.`,
	}
}
