// Package mihutest is a Mihu that lives in the process: a real HTTP server on the loopback
// interface that holds agents, numbers and trunks and follows the contract of the phone-number
// trunk API. It is for the tests of programs that use package mihu, and needs the standard
// library only.
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
//		// What the API never reads back can be seen here.
//		if trunk, ok := srv.Trunk(id); !ok || trunk.SIP.Port != 5060 {
//			t.Errorf("the server holds %v", trunk)
//		}
//	}
//
// [Server.AddAgent], [Server.AddTrunk] and [Server.AddPurchasedNumber] say what there is before a
// test begins. [Server.Trunk] and [Server.Trunks] show what the server holds, [Server.Requests]
// what it was sent. [Server.Inject] makes things go wrong: see [Fault].
//
// # Time
//
// The server has real sockets, so that waits are real: they cannot be skipped in a bubble of
// testing/synctest, where a client that talks to it and then waits would hang. Make the waits of the client
// short instead, with a [mihu.RetryPolicy] whose BaseDelay and RateLimitDelay are a millisecond, or have it
// repeat nothing, with MaxAttempts 1.
//
// # What is served
//
//	POST, PATCH, DELETE, GET  /phone-numbers/trunks
//	PUT                       /phone-numbers/trunks/assign
//	GET                       /phone-numbers/channels?number=
//	GET                       /phone-numbers/{uuid}/channels
//	GET                       /phone-numbers
//
// under [Server.URL]. Every answer has an X-Request-Id. The server is strict: it refuses what the
// contract does not allow, also where the API might let it pass.
//
// # Refusals
//
// Errors have the documented form, {"success":false,"message":…,"error":{"code":…,"details":…}},
// with error.field under 422; see [ErrorShape] for others. The contract names the two codes of
// 401. The other codes are this package's, and programs should not depend on them:
//
//	400 MALFORMED_JSON          not a JSON object, repeated keys, invalid UTF-8, trailing data
//	400 MALFORMED_BODY          a body that could not be read
//	400 MALFORMED_QUERY         a query that cannot be parsed
//	400 INVALID_CONTENT_TYPE    a body that is not application/json in UTF-8
//	400 UNEXPECTED_BODY         a body on GET or DELETE
//	401 MISSING_AUTH_TOKEN      no bearer token
//	401 INVALID_AUTH_TOKEN      another token than the server's, or two of them
//	404 ROUTE_NOT_FOUND         an unknown path; a number's UUID that is no UUID
//	404 TRUNK_NOT_FOUND         PATCH, DELETE or assign of what is no trunk
//	404 PHONE_NUMBER_NOT_FOUND  channels of a number that is not there
//	405 METHOD_NOT_ALLOWED      with an Allow header
//	409 TRUNK_EXISTS            the number has a trunk on that channel
//	409 AGENT_BUSY              the agent serves another number on that channel
//	409 PHONE_NUMBER_PURCHASED  the number is in the purchased inventory
//	413 BODY_TOO_LARGE          a body over 1 MiB
//	422 VALIDATION_ERROR        a field or parameter that is unknown, missing, null, repeated,
//	                            of a wrong type or value
//	422 AGENT_NOT_FOUND         there is no such agent
//
// They are looked for in this order: the token, the path, the method, the query, the body's form,
// its fields, and then what the server holds: the number, the trunk, the agent.
//
// # What the contract does not say
//
// Some of it is set by [Rules]. The rest is decided like this:
//
//   - An empty name is stored as "" by PATCH and means the default name to POST.
//   - Direction and SIP of a WhatsApp trunk have to be well-formed and are then ignored in
//     silence. The API documents the silence for the direction.
//   - PATCH with the empty string clears a SIP credential, the port too. POST takes an empty
//     string for any of them but the port.
//   - Whatever a SIP gateway says is taken, a URL too.
//   - PATCH that names nothing to change is answered as if it had. So is assigning a trunk to
//     the agent that it has.
//   - POST checks the number before the agent: repeating one that was carried out is TRUNK_EXISTS.
//   - UUIDs are the same in capitals and in small letters, and answered in small ones.
//   - A number that was deleted with its last trunk gets another UUID, and another place in lists,
//     when it is registered again.
//   - Lists are in order of first registration. An empty list has one page. A page after the last
//     is empty, and its from and to are null.
//   - Of every external number, call and inbound are said to be enabled without a channel limit,
//     and sms not to be capable. A purchased one has call, sms and inbound, with a limit of 10.
//     No destinations are listed, and country, location, compliance, billing and times are null.
//   - DELETE, PATCH and assign do not find purchased numbers.
package mihutest
