package provision

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
)

// Item is one trunk as it should be, and its line in the input. It prints without SIP credentials,
// and with the number masked.
type Item struct {
	// Trunk is the request for [mihu.TrunksService.Ensure]. Fields that are not set leave an
	// existing trunk's unchanged.
	Trunk mihu.TrunkCreateRequest
	// SecretName names SIP credentials that are kept elsewhere. [Options.Secrets] looks them up
	// before the item is sent. Fields of Trunk.SIP that are set take precedence. "" means Trunk.SIP
	// alone.
	SecretName string
	// Line is the line on which the item begins in its input, from 1. 0 means that it has none. For
	// an item that a [Writer] has written it is the line that the item had then.
	Line int

	// blank are fields that are to be cleared if the state has them as set.
	blank fieldSet
}

// LogValue returns the item without SIP username and password.
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

// String returns what LogValue returns, as text.
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

// Format prints String for every verb.
func (i Item) Format(f fmt.State, verb rune) { format(f, verb, i.String()) }

// Secrets looks up SIP credentials by the name that an item has for them. Several workers call it
// at the same time. An error fails the item before it is sent. The error is reported as it is, so
// it must not contain a secret.
type Secrets func(ctx context.Context, name string) (mihu.SIPCredentials, error)

// Apply creates the trunk of one item, or updates it to match. It looks up the item's credentials
// and calls [mihu.TrunksService.Ensure], whose result and errors it returns. The result is never
// nil. secrets may be nil if the item names none. An invalid item is a [*mihu.ValidationError], and
// nothing is looked up or sent for it.
func Apply(ctx context.Context, client *mihu.Client, item Item, secrets Secrets, opts ...mihu.CallOption) (*mihu.EnsureResult, error) {
	if client == nil {
		return new(mihu.EnsureResult), invalid("apply", mihu.FieldViolation{Field: "client", Problem: "nil; create one with mihu.New"})
	}
	req, err := resolve(ctx, item, secrets)
	if err != nil {
		return new(mihu.EnsureResult), err
	}
	return client.Trunks.Ensure(ctx, req, opts...)
}

// resolve returns the item's request with the credentials that it names.
func resolve(ctx context.Context, item Item, secrets Secrets) (*mihu.TrunkCreateRequest, error) {
	req := item.Trunk
	if err := req.Validate(); err != nil || item.SecretName == "" {
		return &req, err
	}
	name := redact.Text(redact.Clip(item.SecretName))
	if secrets == nil {
		return nil, invalid("apply", mihu.FieldViolation{Field: "secret name", Value: name, Problem: "nothing looks it up; set Options.Secrets"})
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
