package provision

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
)

// Item is one trunk as it should be, and where in the input it was read. It prints without SIP
// credentials, and with the number masked.
type Item struct {
	// Trunk is what the trunk is made to be, as [mihu.TrunksService.Ensure] does: what it leaves
	// out is left as it is.
	Trunk mihu.TrunkCreateRequest
	// SecretName names SIP credentials that are kept elsewhere and that [Options.Secrets] looks up
	// when the item's turn comes; what Trunk.SIP sets wins over them. "" means Trunk.SIP alone.
	SecretName string
	// Line is where the item begins in its input, from 1; 0 where it has no line.
	Line int
}

// LogValue shows the item without SIP username and password.
func (i Item) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Any("trunk", i.Trunk)}
	if i.SecretName != "" {
		attrs = append(attrs, slog.String("secret_name", plain(i.SecretName)))
	}
	if i.Line != 0 {
		attrs = append(attrs, slog.Int("line", i.Line))
	}
	return slog.GroupValue(attrs...)
}

// String is what LogValue shows.
func (i Item) String() string {
	shown := fmt.Sprintf("Item{%v", i.Trunk)
	if i.SecretName != "" {
		shown += fmt.Sprintf(" secret_name:%q", plain(i.SecretName))
	}
	if i.Line != 0 {
		shown += fmt.Sprintf(" line:%d", i.Line)
	}
	return shown + "}"
}

// Format prints String under every verb.
func (i Item) Format(f fmt.State, verb rune) { format(f, verb, i.String()) }

// Secrets looks SIP credentials up by the name that an item has for them. It is called by many
// workers at once. An error fails the item, unsent; it is shown as it is, so it must hold no secret.
type Secrets func(ctx context.Context, name string) (mihu.SIPCredentials, error)

// Apply makes one trunk be what the item says: it looks its credentials up and calls
// [mihu.TrunksService.Ensure], whose result and errors it returns; the result is never nil.
// secrets may be nil where the item names none. An item that is not acceptable is a
// [*mihu.ValidationError], and nothing is looked up or sent for it.
func Apply(ctx context.Context, client *mihu.Client, item Item, secrets Secrets, opts ...mihu.CallOption) (*mihu.EnsureResult, error) {
	if client == nil {
		return new(mihu.EnsureResult), invalid("apply", mihu.FieldViolation{Field: "client", Problem: "nil; make one with mihu.New"})
	}
	req, err := resolve(ctx, item, secrets)
	if err != nil {
		return new(mihu.EnsureResult), err
	}
	return client.Trunks.Ensure(ctx, req, opts...)
}

// resolve gives the item's trunk with the credentials that it names.
func resolve(ctx context.Context, item Item, secrets Secrets) (*mihu.TrunkCreateRequest, error) {
	req := item.Trunk
	if err := req.Validate(); err != nil || item.SecretName == "" {
		return &req, err
	}
	name := redact.Text(redact.Clip(item.SecretName))
	if secrets == nil {
		return nil, invalid("apply", mihu.FieldViolation{Field: "secret name", Value: name, Problem: "nothing was given that looks it up, such as Options.Secrets"})
	}
	found, err := secrets(ctx, item.SecretName)
	if err != nil {
		return nil, fmt.Errorf("provision: %s: not sent: credentials \"%s\": %w", req.TrunkID, name, err)
	}
	if own := item.Trunk.SIP; own != nil {
		found = mihu.SIPCredentials{
			Gateway:          cmp.Or(own.Gateway, found.Gateway),
			Port:             cmp.Or(own.Port, found.Port),
			Username:         cmp.Or(own.Username, found.Username),
			Password:         cmp.Or(own.Password, found.Password),
			SecondaryGateway: cmp.Or(own.SecondaryGateway, found.SecondaryGateway),
		}
	}
	req.SIP = &found
	return &req, req.Validate()
}
