// Package mihu is a client for the Mihu phone-number trunk API. A trunk connects a phone number
// that a company owns elsewhere, through its own SIP trunk, another carrier or a WhatsApp line, to
// one of the AI agents that Mihu runs. This package is not the vendor's.
//
//	client, err := mihu.New("acme", os.Getenv("MIHU_API_TOKEN"))
//	if err != nil {
//		return err
//	}
//	id := mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall}
//	snap, err := client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
//		TrunkID:   id,
//		AgentUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a",
//		SIP:       &mihu.SIPCredentials{Gateway: "sip.example.com", Username: user, Password: password},
//	})
//
// # Authentication
//
// A token belongs to one workspace and goes to [New]; [NewFromEnv] reads MIHU_TENANT and
// MIHU_API_TOKEN. A token that expires or is rotated comes from a [TokenSource].
//
// # What changes and what stays
//
// In [TrunkUpdateRequest] a nil field is not sent and stays as it is; a pointer to "" is sent and
// clears, where the API clears; any other value is sent and set. [ClearPort] clears a port. An
// empty AdditionalSettings clears the stored object, a full one replaces it. Nothing is ever sent
// as null. The API never reads back name, direction, SIP credentials and settings.
//
// # Errors
//
// A request that is not acceptable is a [*ValidationError] that lists every fault, and is not sent.
// An answer that is not a success is an [*APIError]. A call without an answer is a
// [*TransportError], which keeps its cause. A change that may or may not have been made is an
// [*UnknownOutcomeError] around its causes. Decide with errors.Is and the sentinels, first
// [ErrOutcomeUnknown], for such an error matches the kinds of its causes too, and read more with
// errors.As. No error, log record of this package or value printed by package fmt or given to slog
// holds a token, a SIP username or password; phone numbers are masked, as [MaskNumber] does. That
// does not reach inside other types: package fmt prints their unexported fields as they are, and
// slog's JSON handler encodes slices, maps and structs with encoding/json, which shows everything.
//
// # What is repeated
//
// A failed request is repeated by this table, which is the whole policy. Once and always are bound
// by the attempts, delays and budget of [RetryPolicy] and by the context's deadline, which no wait
// goes past: the last failure is returned instead. A POST of [Client.Do] that is marked Idempotent
// follows the column of PUT, PATCH and DELETE.
//
//	the attempt                          GET     PUT PATCH DELETE  POST    applied?
//	never sent: dial, TLS handshake      always  always            always  no
//	never sent: host name unknown        once    once              once    no
//	certificate not trusted              never   never             never   no
//	connection lost, attempt timed out   always  always            never   maybe
//	2xx cut short                        always  always            never   maybe
//	2xx too large, not JSON, no data     never   never             never   maybe
//	429                                  always  always            always  no
//	401                                  once, if the token source has another token    no
//	502, 503, 504                        always  always            never   maybe
//	500, 408, other 5xx                  never   never             never   maybe
//	any other response                   never   never             never   no
//	reconciling a Create: "maybe" above  always  always            -       maybe
//	the caller's context ended           never   never             never   maybe, if it was sent
//
// The wait is a random part of BaseDelay, which doubles with every attempt up to MaxDelay; after
// 429 it starts from RateLimitDelay. It is never less than Retry-After, in seconds or as a date. A
// 429 with Retry-After pauses the whole client, for MaxRetryAfter at most, and tells a limiter that
// is a [Pauser]. A Retry-After above that is not waited for: the answer is returned at once.
// Redirects are not followed.
//
// # Concurrency
//
// A [Client] is safe for concurrent use, and so is everything it holds. It starts no goroutine that
// outlives its call. Use one client for a workspace: its calls share connections, the pause after a
// 429 and the budget of repetitions.
//
// # Watching it
//
// [WithLogger] logs every attempt. [WithHooks] calls functions of yours as calls, attempts and waits
// begin and end, for metrics and traces.
//
// # Testing
//
// Package mihutest is a Mihu that lives in the process, for tests of programs that use this one.
//
// # Stability
//
// The API's contract is written down from its public documentation; docstrings say where it is
// silent. What the API may grow, such as channels and fields, decodes without a new version of this
// package, and [Client.Do] reaches what it does not wrap. Before version 1 a minor version may
// change what is exported; the change log says so.
package mihu
