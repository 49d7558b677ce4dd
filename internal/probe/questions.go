package probe

// question is what a probe asks: the requests, and how their responses are read.
type question struct {
	answerOf
	// optional questions are asked only if requests are left, whatsApp ones only if that is allowed.
	optional, whatsApp bool
	// needs are the numbers and agents without which it cannot be asked.
	needs []role
	// given are the agents that numbers have before it. What is not among the probe's roles is ignored.
	given []binding
	steps []step
	// checked is set if the first number is read before: nothing else may have changed it.
	checked bool
	// also are other questions that the same responses answer.
	also []answerOf
}

// size is how many requests the question sends at most, beside those that make sure of a response.
func (q *question) size() int {
	if q.checked {
		return len(q.steps) + 1
	}
	return len(q.steps)
}

// binding is a number and its agent.
type binding struct{ number, agent role }

// answerOf is a question in words, and how its answer is read. read returns the answer, or why there is
// none.
type answerOf struct {
	id, asks, documented string
	read                 func(p *past, a []answer) (observed, missing string)
}

// first is a binding that most questions begin with.
var first = binding{number1, agent1}

// questions returns all questions in the order of asking. last is the number that is deleted in the end.
func questions(last role) []question {
	all := append(reading(), creating()...)
	all = append(all, updating()...)
	all = append(all, listing()...)
	return append(all, removing(last)...)
}

// reading returns the questions that change nothing if the API works as documented.
func reading() []question {
	// Each request that would change a trunk follows one that shows that there is none.
	none := []binding{{number1, unbound}}
	without, with := listAgents(), listAgents()
	without.noToken, with.control = true, true
	return []question{
		{
			answerOf: answerOf{"auth.missing", "What does a request without a token get?", "401", readRefusal},
			steps:    []step{without, with},
			also: []answerOf{
				{"agents.shape", "What does an agent look like?", "agent_uuid and name", readAgents},
			},
		},
		{
			answerOf: answerOf{"error.route", "What does an unknown path get?", "404", readRefusal},
			steps:    []step{get("/phone-numbers/trunks/probe-no-such")},
		},
		{
			answerOf: answerOf{"channels.unknown", "What do the channels of an unknown number get?", "nothing", readUnbound},
			given:    none, steps: []step{channelsOf(number1)},
		},
		{
			answerOf: answerOf{"unknown.update", "What does an update of no trunk get?", "nothing", readRefusal},
			given:    none, steps: []step{patch(field{"name", "probe"}), channelsOf(number1).ifAccepted()},
		},
		{
			answerOf: answerOf{"unknown.delete", "What does a deletion of no trunk get?", "nothing", readRefusal},
			given:    none, steps: []step{remove(number1)},
		},
		{
			answerOf: answerOf{"unknown.assign", "What does an assignment of no trunk get?", "nothing", readRefusal},
			given:    none, steps: []step{put(number1, agent1), channelsOf(number1).ifAccepted()},
		},
	}
}

// creating returns the questions about registering a trunk.
func creating() []question {
	none, given := []binding{{number1, unbound}}, []binding{first}
	return []question{
		{
			answerOf: answerOf{"agent.unknown", "What does an unknown agent get?", "nothing", readRefusal},
			given:    none, steps: []step{post(number1, nobody)},
		},
		{
			answerOf: answerOf{"agent.malformed", "What does an agent that is no UUID get?", "nothing", readRefusal},
			optional: true, given: none, steps: []step{post(number1, malformed)},
		},
		{
			answerOf: answerOf{"error.malformed_json", "What does a body that is no JSON get?", "400", readRefusal},
			optional: true, steps: []step{{method: "POST", path: trunksPath, raw: "{"}},
		},
		{
			answerOf: answerOf{"create.status", "What status has a new trunk?", "nothing", readStatus},
			given:    none, steps: []step{post(number1, agent1), channelsOf(number1).polled(agent1)},
			also: []answerOf{
				{"create.body", "What does the response to a new trunk have?", "the channels", readBody},
			},
		},
		{
			answerOf: answerOf{"read.again", "Do later reads still show a write?", "nothing", readAgain},
			optional: true, given: given, steps: []step{channelsOf(number1).atOnce(), channelsOf(number1).atOnce()},
		},
		{
			answerOf: answerOf{"create.duplicate", "What does the same trunk get again?", "not allowed", readRefusal},
			given:    given, steps: []step{post(number1, agent1)},
		},
		{
			answerOf: answerOf{"duplicate.other", "And with another agent?", "not allowed", readDuplicate},
			given:    given, needs: []role{agent2}, steps: []step{post(number1, agent2), channelsOf(number1)},
		},
		{
			answerOf: answerOf{"assign.same", "What does assigning the same agent get?", "nothing", readRefusal},
			given:    given, steps: []step{put(number1, agent1)},
		},
	}
}

// updating returns the questions about updating a trunk.
func updating() []question {
	given := []binding{first}
	named := field{"name", "probe"}
	afterASecond := patch(field{"name", "probe again"})
	afterASecond.later = true
	listed := step{method: "GET", path: trunksPath, find: []role{number1}}
	return []question{
		{
			answerOf: answerOf{"update.moves_time", "Does an update move updated_at?", "nothing", readMoves},
			given:    given, steps: []step{listed, afterASecond, listed},
			also: []answerOf{
				{"update.status", "What status has an update?", "nothing", readUpdate},
			},
		},
		{
			answerOf: answerOf{"update.name_empty", "Is an empty name accepted?", "nothing", readUpdate},
			given:    given, steps: []step{patch(field{"name", ""})},
		},
		{
			answerOf: answerOf{"update.port_empty", "Is an empty port accepted?", "an empty string clears a credential", readUpdate},
			given:    given, steps: []step{patch(field{"sip", map[string]any{"port": ""}})},
		},
		{
			answerOf: answerOf{"update.null", "Is null accepted?", "nothing", readAlike},
			optional: true, given: given, steps: []step{
				patch(named, field{"additional_settings", nil}), patch(field{"direction", "both"}, field{"name", nil}),
				patch(named, field{"sip", map[string]any{"port": nil}}),
			},
		},
		{
			answerOf: answerOf{"update.unknown_field", "Is an unknown field accepted?", "nothing", readAlike},
			optional: true, given: given, steps: []step{
				patch(named, field{"x_probe", true}), patch(named, field{"sip", map[string]any{"x_probe": true}}),
			},
		},
		{
			answerOf: answerOf{"update.nothing", "Is an update without a field accepted?", "nothing", readUpdate},
			optional: true, given: given, steps: []step{patch()},
		},
		{
			answerOf: answerOf{"error.query_unknown", "Is an unknown parameter accepted?", "nothing", readRefusal},
			optional: true, steps: []step{get(agentsPath, field{"per_page", "1"}, field{"x_probe", "1"})},
		},
	}
}

// listing returns the questions about lists.
func listing() []question {
	both := []binding{first, {number2, agent2}}
	return []question{
		{
			answerOf: answerOf{"list.paging", "Which parameters does the list of trunks obey?", "nothing", readPaging},
			given:    both, steps: []step{page("1", "1"), page("2", "1")},
		},
		{
			answerOf: answerOf{"list.after_last", "What is after the last page?", "nothing", readAfterLast},
			given:    both, steps: []step{page("100000", "1"), {method: "GET", path: trunksPath, find: []role{number1, number2}}},
		},
		{
			answerOf: answerOf{"agent.busy_assign", "What does assigning a busy agent get?", "not allowed", readBusy},
			needs:    []role{number2, agent2}, given: both, checked: true,
			steps: []step{put(number2, agent1), channelsOf(number1).ifAccepted(), channelsOf(number2)},
		},
	}
}

// removing returns the questions that need a deletion.
func removing(last role) []question {
	free := []binding{{number2, unbound}, first}
	all := []question{
		{
			answerOf: answerOf{"delete.status", "What status has a deletion?", "nothing", readStatus},
			given:    []binding{{last, anyAgent}}, steps: []step{remove(last), channelsOf(last).polled(unbound)},
			also: []answerOf{
				{"read.after_delete", "What do the channels of a deleted number get?", "nothing", readAfterDelete},
			},
		},
		{
			answerOf: answerOf{"delete.twice", "What does a second deletion get?", "nothing", readRefusal},
			given:    []binding{{last, unbound}}, steps: []step{remove(last)},
		},
		{
			answerOf: answerOf{"agent.busy", "What does a trunk of a busy agent get?", "not allowed", readBusy},
			needs:    []role{number2}, given: free, checked: true,
			steps: []step{post(number2, agent1), channelsOf(number1).ifAccepted(), channelsOf(number2)},
		},
		{
			answerOf: answerOf{"assign.status", "What status has an assignment?", "nothing", readStatus},
			needs:    []role{agent2}, given: free, steps: []step{put(number1, agent2), channelsOf(number1).polled(agent2)},
		},
	}
	outbound := field{"direction", "outbound"}
	return append(all,
		question{
			answerOf: answerOf{"whatsapp.trunk", "Can an agent serve a number on both channels?", "one number on each channel", readRefusal},
			whatsApp: true, given: []binding{first}, steps: []step{post(number1, agent1).on(whatsAppChannel), remove(number1).on(whatsAppChannel).ifAccepted()},
		},
		question{
			answerOf: answerOf{"whatsapp.direction", "Is a direction on WhatsApp accepted?", "ignored", readRefusal},
			whatsApp: true, given: []binding{first}, steps: []step{post(number1, agent1, outbound).on(whatsAppChannel), remove(number1).on(whatsAppChannel).ifAccepted()},
		},
	)
}

// byAll returns the questions that all responses of a probe answer.
func byAll() []answerOf {
	return []answerOf{
		{"list.order", "In which order is the list?", "nothing", readOrder},
		{"list.shows", "Does the list show each number once?", "nothing", readShows},
		{"list.times", "What form has updated_at?", "a time or null", readTimes},
		{"list.members", "How does a list report its extent?", "data.pagination, for rates", readMembers},
		{"list.items", "Which member has the items?", "items, in examples", readItems},
		{"list.max", "What is the largest page?", "200, for rates", readMax},
		{"delete.body", "What does the response to a deletion have?", "nothing", readDeleteBody},
		{"read.after_write", "How soon does a read show a write?", "nothing", readLag},
		{"http.protocol", "Which protocol is spoken?", "nothing", readProtocol},
		{"http.clock", "Is the server's clock right?", "nothing", readClock},
		{"http.request_id", "Which headers have the ID of a request?", "nothing", readRequestID},
		{"http.rate_limit", "Which headers are about the rate limit?", "nothing", readRateLimit},
		{"success.shape", "Which form do successes have?", "success and data", readSuccess},
		{"success.values", "How are numbers, agents and flags written?", "E.164, UUIDs in lower case, true or false", readValues},
		{"error.shapes", "Which form do errors have?", "an envelope with code and details", readShapes},
		{"error.field", "Which errors name a field?", "those with 422", readField},
	}
}
