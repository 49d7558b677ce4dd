package mihu

// The operations, as Op names them in errors, log records and hooks. [Client.Do] has no constant:
// its operation is the method and the path template, such as "GET /phone-numbers".
const (
	// OpTrunksCreate, OpTrunksUpdate, OpTrunksAssign and OpTrunksDelete change a trunk.
	OpTrunksCreate = "trunks.create"
	OpTrunksUpdate = "trunks.update"
	OpTrunksAssign = "trunks.assign"
	OpTrunksDelete = "trunks.delete"
	// OpTrunksCreateRead and OpTrunksCreateUpdate are the requests that reconcile a Create: they
	// read the number's channels, and send again what cannot be read back.
	OpTrunksCreateRead   = "trunks.create.read"
	OpTrunksCreateUpdate = "trunks.create.update"
	// OpTrunksUpdateRead, OpTrunksAssignRead and OpTrunksDeleteRead read the number's channels if
	// the response to an Update, Assign or Delete does not show the change.
	OpTrunksUpdateRead = "trunks.update.read"
	OpTrunksAssignRead = "trunks.assign.read"
	OpTrunksDeleteRead = "trunks.delete.read"
	// OpTrunksList fetches a page of the list; TrunksService.All sends one for each page.
	OpTrunksList = "trunks.list"
	// OpTrunksGet, OpChannelsGet and OpChannelsGetByNumber read a number's channels.
	OpTrunksGet           = "trunks.get"
	OpChannelsGet         = "channels.get"
	OpChannelsGetByNumber = "channels.get_by_number"
	// OpAgentsList fetches a page of the agents; AgentsService.All and AgentsService.Find send one for
	// each page.
	OpAgentsList = "agents.list"
	// OpNumbersList fetches a page of the numbers; NumbersService.All sends one for each page.
	OpNumbersList = "numbers.list"
	// OpNumbersRates fetches a page of the rates; NumbersService.AllRates sends one for each page.
	OpNumbersRates = "numbers.rates"
	// OpNumbersUpdateChannelSettings changes the channel settings of a number.
	OpNumbersUpdateChannelSettings = "numbers.update_channel_settings"
	// OpNumbersUpdateChannelSettingsRead reads the number's channels if the response to
	// UpdateChannelSettings does not prove it.
	OpNumbersUpdateChannelSettingsRead = "numbers.update_channel_settings.read"
)

// The operations that only errors name: they are made of others, or send nothing.
const (
	// OpNew is New and NewFromEnv.
	OpNew = "new"
	// OpValidate is the Validate methods.
	OpValidate = "validate"
	// OpTrunksEnsure and OpTrunksAll send the requests of the operations above.
	OpTrunksEnsure = "trunks.ensure"
	OpTrunksAll    = "trunks.all"
	// OpTrunksByAgent, OpAgentsAll, OpAgentsFind, OpNumbersAll and OpNumbersAllRates send the requests
	// of the lists.
	OpTrunksByAgent   = "trunks.by_agent"
	OpAgentsAll       = "agents.all"
	OpAgentsFind      = "agents.find"
	OpNumbersAll      = "numbers.all"
	OpNumbersAllRates = "numbers.all_rates"
)
