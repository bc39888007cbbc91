package import AgentModel

/// What a script declared of its agent, checked.
package struct AgentDeclaration {
    package internal(set) var interface: AgentInterface
    package let settings: AgentSettings
    /// `file:line` of the constructor call.
    let location: String
    /// Link-local and metadata addresses that `agenthost.http` may reach.
    let allowedAddresses: Set<IPAddress>

    /// Checks what can only be known once the script has run: that every endpoint's task has a handler.
    func completed(with handlers: HandlerTable) throws(ScriptFailure) -> AgentDeclaration {
        for endpoint in interface.endpoints where handlers.tasks[endpoint.taskType] == nil {
            var message =
                "\(location): endpoint \(endpoint.path) is for task \"\(endpoint.taskType)\", which has no handler"
            if let near = NameSuggestion.nearest(endpoint.taskType, among: Array(handlers.tasks.keys)) {
                message += " (did you mean \"\(near)\"?)"
            } else {
                message += "; add agent:task(\"\(endpoint.taskType)\", function(task) … end)"
            }
            throw ScriptFailure(message)
        }
        var completed = self
        completed.interface.taskTypes = handlers.tasks.keys.sorted()
        if completed.interface.capabilities.isEmpty { completed.interface.capabilities = completed.interface.taskTypes }
        return completed
    }
}
