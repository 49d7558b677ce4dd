package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/spf13/cobra"
)

// trunkFlags say what a trunk is to be. Secrets are named, never given: an argument can be seen by
// everybody on the machine and stays in the shell's history.
type trunkFlags struct {
	channel, agent, name, direction string
	gateway, secondaryGateway       string
	port                            int
	settings, settingsFile          string
	secrets                         secretFlags
}

// secretFlags say where SIP username and password are.
type secretFlags struct {
	usernameFile, usernameEnv string
	passwordFile, passwordEnv string
	prompt                    bool
}

func (f *trunkFlags) add(cmd *cobra.Command) {
	addChannel(cmd, &f.channel)
	addAgent(cmd, &f.agent, "the `UUID` of the agent that answers")
	f.addSettings(cmd)
}

// addSettings adds the flags of what the API does not read back.
func (f *trunkFlags) addSettings(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "a `label` for people")
	flags.StringVar(&f.direction, "direction", "", "which `calls` it carries: inbound, outbound or both")
	flags.StringVar(&f.gateway, "gateway", "", "SIP gateway: a `host`, without port")
	flags.StringVar(&f.secondaryGateway, "secondary-gateway", "", "SIP gateway that is used where the first fails: a `host`")
	flags.IntVar(&f.port, "port", 0, "SIP `port`, 1 to 65535")
	flags.StringVar(&f.settings, "settings", "", "additional settings: a `JSON` object; secrets belong into --settings-file")
	flags.StringVar(&f.settingsFile, "settings-file", "", "read the additional settings from this `file`, - for the standard input")
	cmd.MarkFlagsMutuallyExclusive("settings", "settings-file")
	f.secrets.add(cmd)
	fixed(cmd, "direction", "inbound", "outbound", "both")
	none(cmd, "name", "gateway", "secondary-gateway", "port", "settings")
}

func (s *secretFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.usernameFile, "sip-username-file", "", "read the SIP username from this `file`, - for the standard input")
	flags.StringVar(&s.usernameEnv, "sip-username-env", "", "read the SIP username from this `variable` of the environment")
	flags.StringVar(&s.passwordFile, "sip-password-file", "", "read the SIP password from this `file`, - for the standard input")
	flags.StringVar(&s.passwordEnv, "sip-password-env", "", "read the SIP password from this `variable` of the environment")
	flags.BoolVar(&s.prompt, "sip-prompt", false, "ask for SIP username and password, where no other flag gives them")
	cmd.MarkFlagsMutuallyExclusive("sip-username-file", "sip-username-env")
	cmd.MarkFlagsMutuallyExclusive("sip-password-file", "sip-password-env")
	none(cmd, "sip-username-env", "sip-password-env")
}

// trunkCommand completes a command for one trunk, which its flags describe.
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
		if err := req.Validate(); err != nil {
			return err
		}
		return do(cmd.Context(), req, dryRun)
	}
	trunk.add(cmd)
	_ = cmd.MarkFlagRequired("agent")
	addDryRun(cmd, &dryRun)
	return cmd
}

func addChannel(cmd *cobra.Command, channel *string) {
	cmd.Flags().StringVar(channel, "channel", string(mihu.ChannelCall), "`channel` of the trunk: call or whatsapp")
	fixed(cmd, "channel", string(mihu.ChannelCall), string(mihu.ChannelWhatsApp))
}

func addAgent(cmd *cobra.Command, agent *string, usage string) {
	cmd.Flags().StringVar(agent, "agent", "", usage)
	none(cmd, "agent")
}

func addDryRun(cmd *cobra.Command, dryRun *bool) {
	cmd.Flags().BoolVar(dryRun, "dry-run", false, "show what would be done, and change nothing")
}

func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

// request is the trunk that the flags describe.
func (a *app) request(ctx context.Context, cmd *cobra.Command, number string, f *trunkFlags) (*mihu.TrunkCreateRequest, error) {
	if cmd.Flags().Changed("port") && f.port == 0 {
		return nil, usagef("--port 0: want 1 to 65535")
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

// settings reads --settings or --settings-file; nil where neither is given.
func (a *app) settings(f *trunkFlags) (map[string]any, error) {
	flag, text := "--settings", f.settings
	if f.settingsFile != "" {
		flag = "--settings-file"
		var err error
		if text, err = a.readSecret(flag, f.settingsFile); err != nil {
			return nil, err
		}
	}
	if text == "" {
		return nil, nil //nolint:nilnil // none is an answer
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // a float64 would change large integers
	var settings map[string]any
	if err := decoder.Decode(&settings); err != nil || settings == nil {
		// The decoder's own words may repeat what is there.
		return nil, usagef("%s: want a JSON object such as {\"ani_format\": \"e164\"}", flag)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, usagef("%s: there is more after the JSON object", flag)
	}
	return settings, nil
}

// sipSecrets reads SIP username and password from where the flags say; "" is none.
func (a *app) sipSecrets(ctx context.Context, s *secretFlags) (username, password string, err error) {
	read := func(flag, file, variable, what string) (string, error) {
		switch {
		case file != "":
			return a.readSecret("--sip-"+flag+"-file", file)
		case variable != "":
			secret := a.getenv(variable)
			if secret == "" {
				if strings.Trim(variable, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
					variable = "that it names" // it may be the secret itself
				}
				return "", usagef("--sip-%s-env: the variable %s is not set", flag, variable)
			}
			return secret, nil
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

// sends names the fields of a request that the API does not read back.
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
		if _, there := fields[name]; there {
			names = append(names, name)
		}
	}
	if bytes.HasPrefix(fields["sip"], []byte("{")) && json.Unmarshal(fields["sip"], &sip) == nil {
		for _, name := range []string{"gateway", "port", "username", "password", "secondary_gateway"} {
			if _, there := sip[name]; there {
				names = append(names, "sip."+name)
			}
		}
	}
	if _, there := fields["additional_settings"]; there {
		names = append(names, "additional_settings")
	}
	return names
}

// secretFlag says what to do instead of giving a secret as an argument, which people try.
func secretFlag(err error) error {
	for _, name := range []string{"token", "password", "username", "sip-password", "sip-username"} {
		if strings.HasSuffix(err.Error(), ": --"+name) {
			return errors.New(err.Error() + "; secrets are never arguments, which everybody on the machine can see: " +
				"give --token-file, --sip-username-file, --sip-password-file, or the name of a variable with --sip-password-env")
		}
	}
	return err
}
