// Package mihu is a client for the Mihu phone-number trunk API. A trunk connects a phone number
// that you own elsewhere, through your own SIP trunk, another carrier or a WhatsApp line, to one of
// the AI agents that Mihu runs. This package is not the vendor's.
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
// Three facts of the API surprise most users. An agent serves one number per channel. Name,
// direction, SIP credentials and settings cannot be read back. And the API does not document how
// soon a read sees a write. For its own writes a client waits until reads show them, for up to the
// time of [WithMaxReadLag]. For the writes of other programs, everything that decides by reading,
// such as [TrunksService.Ensure], assumes that a read sees them.
//
// # Authentication
//
// A token belongs to one workspace. Pass it to [New]; [NewFromEnv] reads MIHU_TENANT and
// MIHU_API_TOKEN. If tokens expire or are rotated, use a [TokenSource].
//
// # What an update changes
//
// In [TrunkUpdateRequest] a nil field is not sent and stays unchanged. A pointer to "" is sent and
// clears the field, if the API can clear it. Any other value is sent and set. [ClearPort] clears a
// port. An empty AdditionalSettings clears the stored object; a full one replaces it. null is never
// sent.
//
// # What counts as success
//
// A 2xx is believed only if it proves what was requested. A snapshot must be about the number, and
// after a write it must show the channel bound, to the requested agent if there is one. A page must
// have a list of items, each with its number. The response to a Delete must be empty or report
// success. "success": false, or an error in the body, is an error under any status.
//
// A read without this proof returns an error that matches [ErrMalformedResponse]. A write without
// it is verified by reading the number's channels, as Create, Update, Assign and Delete describe,
// or its outcome is unknown. A list is complete, or an error. Fields that cannot be read are zero,
// and named in Unreadable of their item or snapshot.
//
// # Errors
//
// An invalid request returns a [*ValidationError] with every violation, and is not sent. A response
// that is not a success returns an [*APIError]. A call without a response returns a
// [*TransportError], which keeps its cause. If a change may or may not have been made, the call
// returns an [*UnknownOutcomeError] with its causes.
//
// Decide with errors.Is and the sentinels. Check [ErrOutcomeUnknown] first: such an error matches
// the kinds of its causes too. [IsTransient], [IsRefusal] and [RetryAfter] decide the usual cases,
// and errors.As reads more.
//
// No error, log record of this package or value that package fmt or slog prints holds a token, a
// SIP username or a SIP password. Phone numbers are masked, as [MaskNumber] does. This does not
// reach inside your own types: package fmt prints their unexported fields as they are. slog's JSON
// handler encodes slices, maps and structs with encoding/json, which shows everything, also in a
// []TrunkID or a []*TrunkCreateRequest: log the elements one by one. The text of a
// [*TransportError] may have the IP addresses and ports of the connection.
//
// # Retries
//
// This table is the whole retry policy. "Always" and "once" are limited by the attempts, delays and
// budget of [RetryPolicy] and by the context's deadline: no wait passes it, and the last failure is
// returned instead. "New token" is once, if the token source returns another token. A POST of
// [Client.Do] that is marked Idempotent follows the column of PUT, PATCH and DELETE. The requests
// that reconcile a Create, or verify another write, have a column of their own, and up to twice the
// attempts. A read among them takes nothing from the budget if the server answers it, even if the
// answer lags: [WithMaxReadLag] bounds those. The last column is whether the change may have been
// made in spite of the failure. "No evidence" is a success that does not prove what was requested,
// see above.
//
//	the attempt                           GET        PUT PATCH DELETE  POST       reconciling  applied?
//	never sent: dial, TLS handshake       always     always            always     always       no
//	never sent: unknown host name         once       once              once       once         no
//	certificate not trusted               never      never             never      never        no
//	connection lost, attempt timed out    always     always            never      always       maybe
//	2xx cut short                         always     always            never      always       maybe
//	2xx too large, not JSON, no evidence  never      never             never      always       maybe
//	2xx success without data              never      never             never      never        maybe
//	429                                   always     always            always     always       no
//	401                                   new token  new token         new token  new token    no
//	502, 503, 504                         always     always            never      always       maybe
//	500, 408, 499, other 5xx              never      never             never      always       maybe
//	any other response                    never      never             never      never        no
//	the caller's context ended            never      never             never      never        maybe, if sent
//
// The wait before a retry is exponential backoff with full jitter: a random part of BaseDelay,
// which doubles with every attempt up to MaxDelay. After a 429 it starts from RateLimitDelay. It is
// at least Retry-After, in seconds or as a date. A 429 with Retry-After pauses the whole client,
// for at most MaxRetryAfter, and notifies a limiter that is a [Pauser]. If Retry-After is longer
// than that, the response's error is returned at once, and the next call still waits for the pause,
// or fails at once if its deadline comes first. Redirects are not followed.
//
// # Concurrency
//
// A [Client] and everything it holds is safe for concurrent use. No goroutine outlives its call.
// Use one client per workspace: its calls share connections, the pause after a 429 and the retry
// budget.
//
// # Observability
//
// [WithLogger] logs every attempt and retry. [WithHooks] calls functions of yours when calls,
// attempts and waits begin and end, for metrics and traces.
//
// # Testing
//
// Package mihutest is an in-process fake server, for tests of programs that use this package.
//
// # Stability
//
// The API's contract is written down from its public documentation; docstrings say where that is
// silent. Channels and fields that the API adds decode without a new version of this package, and
// [Client.Do] reaches what it does not wrap. Before version 1, a minor version may change what is
// exported; the change log lists it.
package mihu
