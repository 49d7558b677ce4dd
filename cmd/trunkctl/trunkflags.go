package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// trunkFlags describe a trunk. Secrets are read from elsewhere: everybody on the machine can see an
// argument, and the shell's history keeps it.
type trunkFlags struct {
	channel, agent, name, direction string
	gateway, secondaryGateway       string
	port                            int
	settings, settingsFile          string
	secrets                         secretFlags
}

// secretFlags select where SIP username and password are read from.
type secretFlags struct {
	usernameFile, usernameEnv string
	passwordFile, passwordEnv string
	prompt                    bool
}

func (f *trunkFlags) add(cmd *cobra.Command) {
	addChannel(cmd, &f.channel)
	addAgent(cmd, &f.agent, "the agent that answers, by `NAME` or UUID")
	f.addSettings(cmd)
}

// addSettings adds the flags of the fields that the API does not return.
func (f *trunkFlags) addSettings(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "`LABEL` for people")
	flags.StringVar(&f.direction, "direction", "", "`DIRECTION` of calls: inbound, outbound or both")
	flags.StringVar(&f.gateway, "gateway", "", "SIP gateway `HOST`, without port")
	flags.StringVar(&f.secondaryGateway, "secondary-gateway", "", "SIP gateway `HOST` if the first fails")
	flags.IntVar(&f.port, "port", 0, "SIP port `N`, 1 to 65535")
	flags.StringVar(&f.settings, "settings", "", "additional settings as a `JSON` object; for secrets use --settings-file")
	flags.StringVar(&f.settingsFile, "settings-file", "", "read additional settings from `FILE`, - for standard input")
	cmd.MarkFlagsMutuallyExclusive("settings", "settings-file")
	f.secrets.add(cmd)
	completeWords(cmd, "direction", "inbound", "outbound", "both")
	completeNothing(cmd, "name", "gateway", "secondary-gateway", "port", "settings")
}

func (s *secretFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.usernameFile, "sip-username-file", "", "read the SIP username from `FILE`, - for standard input")
	flags.StringVar(&s.usernameEnv, "sip-username-env", "", "read the SIP username from the environment variable `NAME`")
	flags.StringVar(&s.passwordFile, "sip-password-file", "", "read the SIP password from `FILE`, - for standard input")
	flags.StringVar(&s.passwordEnv, "sip-password-env", "", "read the SIP password from the environment variable `NAME`")
	flags.BoolVar(&s.prompt, "sip-prompt", false, "prompt for SIP username and password, unless another flag supplies them")
	cmd.MarkFlagsMutuallyExclusive("sip-username-file", "sip-username-env")
	cmd.MarkFlagsMutuallyExclusive("sip-password-file", "sip-password-env")
	completeNothing(cmd, "sip-username-env", "sip-password-env")
}

// trunkCommand adds arguments and flags to a command for one trunk.
func (a *app) trunkCommand(cmd *cobra.Command, do func(ctx context.Context, req *mihu.TrunkCreateRequest, dryRun bool) error) *cobra.Command {
	var trunk trunkFlags
	var dryRun bool
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req, err := a.request(cmd.Context(), cmd, args[0], &trunk)
		if err != nil {
			return err
		}
		trial := *req
		trial.AgentUUID = checkedAgent(req.AgentUUID)
		if err := trial.Validate(); err != nil {
			return err
		}
		return do(cmd.Context(), req, dryRun)
	}
	trunk.add(cmd)
	_ = cmd.MarkFlagRequired("agent")
	addDryRun(cmd, &dryRun)
	addYes(cmd, &a.yes)
	a.addState(cmd)
	return cmd
}

func addChannel(cmd *cobra.Command, channel *string) {
	cmd.Flags().StringVar(channel, "channel", string(mihu.ChannelCall), "`CHANNEL` of the trunk: call or whatsapp")
	completeWords(cmd, "channel", string(mihu.ChannelCall), string(mihu.ChannelWhatsApp))
}

func addAgent(cmd *cobra.Command, agent *string, usage string) {
	cmd.Flags().StringVar(agent, "agent", "", usage)
}

// anyUUID stands for the agent of a name that has not been looked up yet.
const anyUUID = "00000000-0000-4000-8000-000000000000"

// checkedAgent returns what is checked of --agent before a request is sent: any UUID for a name.
func checkedAgent(nameOrUUID string) string {
	if nameOrUUID == "" {
		return ""
	}
	return cmp.Or(uuidForm.FindString(nameOrUUID), anyUUID)
}

func addDryRun(cmd *cobra.Command, dryRun *bool) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "preview: make no changes")
}

func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "skip the confirmation; in a production workspace only with --workspace")
}

// checkValues checks the flags whose values the package mihu would show in an error: a secret or a
// phone number may have been typed in the wrong place.
func (f *trunkFlags) checkValues() error {
	const maxShownPort = 99_999 // five digits, like a port
	if f.port > maxShownPort || f.port < -maxShownPort {
		return usagef("--port: want 1 to 65535")
	}
	if err := checkChannel(f.channel); err != nil {
		return err
	}
	switch mihu.Direction(f.direction) {
	case "", mihu.DirectionInbound, mihu.DirectionOutbound, mihu.DirectionBoth:
		return nil
	}
	return usagef("--direction: want inbound, outbound or both")
}

// checkChannel checks --channel; "" means the default.
func checkChannel(channel string) error {
	switch mihu.Channel(channel) {
	case "", mihu.ChannelCall, mihu.ChannelWhatsApp:
		return nil
	default:
		return usagef("--channel: want call or whatsapp")
	}
}

// request returns the trunk that the flags describe.
func (a *app) request(ctx context.Context, cmd *cobra.Command, number string, f *trunkFlags) (*mihu.TrunkCreateRequest, error) {
	if cmd.Flags().Changed("port") && f.port == 0 {
		return nil, usagef("--port: want 1 to 65535")
	}
	if err := f.checkValues(); err != nil {
		return nil, err
	}
	settings, err := a.settings(f)
	if err != nil {
		return nil, err
	}
	username, password, err := a.sipSecrets(ctx, &f.secrets)
	if err != nil {
		return nil, err
	}
	req := &mihu.TrunkCreateRequest{
		TrunkID:            trunkID(number, f.channel),
		AgentUUID:          f.agent,
		Name:               f.name,
		Direction:          mihu.Direction(f.direction),
		AdditionalSettings: settings,
	}
	sip := mihu.SIPCredentials{
		Gateway: f.gateway, SecondaryGateway: f.secondaryGateway, Port: f.port, Username: username, Password: password,
	}
	if sip != (mihu.SIPCredentials{}) {
		req.SIP = &sip
	}
	return req, nil
}

func trunkID(number, channel string) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: number, Channel: mihu.Channel(channel)}
}

// settings reads --settings or --settings-file. It returns nil if neither is given.
func (a *app) settings(f *trunkFlags) (map[string]any, error) {
	flag, reader := "--settings", io.Reader(strings.NewReader(f.settings))
	switch {
	case f.settingsFile != "":
		flag = "--settings-file"
		file, done, err := a.input(flag, f.settingsFile)
		if err != nil {
			return nil, err
		}
		defer done()
		reader = file
	case f.settings == "":
		return nil, nil //nolint:nilnil // no settings is valid
	}
	settings, err := provision.ReadSettings(reader, flag)
	return settings, usageOf(flag, err)
}

// sipSecrets reads SIP username and password from the places that the flags select; "" means none.
func (a *app) sipSecrets(ctx context.Context, s *secretFlags) (username, password string, err error) {
	read := func(flag, file, variable, what string) (string, error) {
		switch {
		case file != "":
			return a.readSecret("--sip-"+flag+"-file", file)
		case variable != "":
			secret := a.getenv(variable)
			if secret == "" {
				if strings.Trim(variable, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
					return "", usagef("--sip-%s-env: the variable is not set", flag) // its name may be the secret itself
				}
				return "", usagef("--sip-%s-env: the variable %s is not set", flag, variable)
			}
			secret, err := provision.ReadSecret(strings.NewReader(secret), variable)
			return secret, usageOf("--sip-"+flag+"-env", err)
		case s.prompt:
			return a.askSecret(ctx, what, "")
		}
		return "", nil
	}
	if username, err = read("username", s.usernameFile, s.usernameEnv, "SIP username"); err != nil {
		return "", "", err
	}
	password, err = read("password", s.passwordFile, s.passwordEnv, "SIP password")
	return username, password, err
}

// sends lists the fields of a request that the API does not return.
func sends(req any) []string {
	text, err := json.Marshal(req)
	if err != nil {
		return nil
	}
	var fields, sip map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return nil
	}
	names := []string{}
	for _, name := range []string{"name", "direction"} {
		if _, ok := fields[name]; ok {
			names = append(names, name)
		}
	}
	if bytes.HasPrefix(fields["sip"], []byte("{")) && json.Unmarshal(fields["sip"], &sip) == nil {
		for _, name := range []string{"gateway", "port", "username", "password", "secondary_gateway"} {
			if _, ok := sip[name]; ok {
				names = append(names, "sip."+name)
			}
		}
	}
	if _, ok := fields["additional_settings"]; ok {
		names = append(names, "additional_settings")
	}
	return names
}
