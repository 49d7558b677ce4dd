// Package mihutest provides an in-process fake server of Mihu's phone-number trunk API, for the
// tests of programs that use package mihu. It is stateful: it stores agents, numbers and trunks and
// follows the contract of the API. Apart from package mihu, it imports only the standard library.
//
//	func TestFrontDesk(t *testing.T) {
//		srv := mihutest.NewServer(t)
//		client := srv.Client(t)
//		id := mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall}
//
//		_, err := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
//			TrunkID:   id,
//			AgentUUID: srv.AddAgent("Ada"),
//			SIP:       &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060},
//		})
//		if err != nil {
//			t.Fatal(err)
//		}
//
//		// The API cannot read back SIP credentials. The fake server can.
//		if trunk, ok := srv.Trunk(id); !ok || trunk.SIP.Port != 5060 {
//			t.Errorf("stored trunk: %v", trunk)
//		}
//	}
//
// A test uses [NewServer] and [Server.Client], which report errors to the test and clean up after
// it. Other programs use [Start], [Server.NewClient] and [Server.Close], which return errors.
//
// [Server.AddAgent], [Server.AddTrunk], [Server.AddPurchasedNumber] and [Server.AddRates] set up
// the state. [Server.PutAgent] adds an agent with all its fields, [Server.RemoveAgent] removes one.
// [Server.Trunk] and [Server.Trunks] return the stored trunks, [Server.ChannelSettings] the
// settings of a number, [Server.Requests] the requests that the server received. [Server.Inject]
// makes requests fail; see [Fault].
//
// # Time
//
// By default, the server uses real sockets and the real clock. To keep tests fast, shorten the
// client's waits with a [mihu.RetryPolicy] whose BaseDelay and RateLimitDelay are a millisecond, or
// turn retries off with MaxAttempts 1.
//
// In a bubble of testing/synctest, real sockets do not work. Start the server inside the bubble and
// with [WithInMemoryTransport]. The client's waits and the server's delays then use the bubble's
// clock, and take no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport())
//		client := srv.Client(t)
//		…
//	})
//
// # Failures and deviations
//
// A [Fault] affects single requests: it delays them, drops the connection before or after the
// change, truncates the response, or replaces it. [Rules] apply to all requests. Both can make the
// API deviate from its contract in ways that a client should survive, or at least detect:
//
//   - [SuccessShape]: pagination that is partial, of another form or missing; lists that ignore the
//     requested page; data that is wrapped, omitted or has other names; a byte order mark.
//   - ReadLag: reads that return an earlier state, as those of a replica do. For lags that differ,
//     set MaxReadLag in Rules and ReadLag in each Fault.
//   - [Contradiction]: snapshots of another number, of another agent, or without a binding. This is
//     only a Fault.
//   - OnDuplicate, OnBusyAgent and other fields of Rules: what the contract leaves open, such as an
//     API that creates or updates with one request, or that lets an agent serve two numbers.
//   - [ErrorShape]: errors of other forms. This is only in Rules; [HTMLPage] is the page of a
//     proxy.
//
// # Endpoints
//
//	POST, PATCH, DELETE, GET  /phone-numbers/trunks
//	PUT                       /phone-numbers/trunks/assign
//	GET                       /phone-numbers/channels?number=
//	GET                       /phone-numbers/{uuid}/channels
//	GET                       /phone-numbers
//	PATCH                     /phone-numbers/{uuid}
//	GET                       /phone-numbers/rates?country_code=&prefix=
//	GET                       /agents
//
// Paths are relative to [Server.URL]. Every response has an X-Request-Id. The server is strict: it
// refuses every request that the contract does not allow, even if the real API might accept it.
//
// # Errors
//
// Errors have the documented form, {"success":false,"message":…,"error":{"code":…,"details":…}},
// with error.field under 422; see [ErrorShape] for other forms. The contract defines the two codes
// of 401. The other codes are specific to this package. Programs should not depend on them:
//
//	400 MALFORMED_JSON          not a JSON object, duplicate keys, invalid UTF-8, trailing data
//	400 MALFORMED_BODY          a body that could not be read
//	400 MALFORMED_QUERY         a query that cannot be parsed
//	400 INVALID_CONTENT_TYPE    a body that is not application/json in UTF-8
//	400 UNEXPECTED_BODY         a body on GET or DELETE
//	401 MISSING_AUTH_TOKEN      no bearer token
//	401 INVALID_AUTH_TOKEN      a token that is not the server's, or two tokens
//	404 ROUTE_NOT_FOUND         an unknown path; a number's UUID that is not a UUID
//	404 TRUNK_NOT_FOUND         PATCH, DELETE or assign of a trunk that does not exist
//	404 PHONE_NUMBER_NOT_FOUND  channels or settings of a number that does not exist
//	405 METHOD_NOT_ALLOWED      with an Allow header
//	409 TRUNK_EXISTS            the number has a trunk on that channel
//	409 AGENT_BUSY              the agent serves another number on that channel
//	409 PHONE_NUMBER_PURCHASED  the number is in the purchased inventory
//	413 BODY_TOO_LARGE          a body over 1 MiB
//	422 VALIDATION_ERROR        a field or parameter that is unknown, missing, null, duplicate,
//	                            of a wrong type or of a wrong value
//	422 AGENT_NOT_FOUND         the agent does not exist
//
// The checks run in this order: token, path, method, query, form of the body, fields, and then the
// state: the number, the trunk, the agent.
//
// # What the contract leaves open
//
// [Rules] set some of it, and [ReadRules] makes them of the report of "trunkctl probe", so that the
// server behaves as your API does. For the rest:
//
//   - PATCH stores an empty name as "", unless it is refused. POST replaces it by the default name.
//   - Direction and SIP of a WhatsApp trunk must be well-formed and are then ignored without an
//     error. The API documents this for the direction.
//   - PATCH with an empty string clears a SIP credential, including the port. POST accepts an empty
//     string for every SIP field but the port.
//   - Any string is accepted as a SIP gateway, even a URL.
//   - POST checks the number before the agent: if a POST that was applied is retried, the response
//     is TRUNK_EXISTS.
//   - UUIDs are not case-sensitive and are sent in lower case.
//   - If a number is deleted with its last trunk and registered again, it gets a new UUID and a new
//     place in lists.
//   - An empty list has one page. The from and to of an empty page are null.
//   - On a new external number, call and inbound are enabled without a channel limit, and sms is
//     not capable. On a purchased number, call, sms and inbound are enabled with a limit of 10.
//     Destinations are empty; country, location, compliance, billing and times are null.
//   - Channel settings can be changed on purchased and external numbers. null and fields that the
//     contract does not have are refused; a limit is 0 or more, and destinations are two capital
//     letters each. What is sent is stored: a list of destinations replaces the stored one. A
//     change without a field succeeds.
//   - The filters of the rates select an exact country code, two capital letters, and the rates
//     whose prefix starts with the digits of the parameter prefix, with or without a plus.
//   - Agents are listed in order of addition. The trunks of an agent that is removed are removed
//     too.
//   - DELETE, PATCH and assign do not find purchased numbers.
package mihutest
