package import AgentModel
package import LuaRuntime

/// `agenthost.file.read(path)`: the bytes of a file beside the script, or `nil, message`.
///
/// A path may come from a client: so one that leads out of the folder is no misuse, but a file that is not there.
enum FileModule: ScriptModule {
    static func install(on stack: LuaStack, in generation: Generation) {
        stack.newTable(array: 0, fields: 1)
        stack.setFunction("read") { [unowned generation] (call) throws(LuaFailure) in
            let path = try Arguments(call).string(1, "path")
            if generation.isLoading {
                return .results(generation.pushFile(generation.snapshot.data(path), on: call.stack))
            }
            let file = generation.snapshot.file(path)
            // A file of tests has a thread of its own, and nothing else to do.
            if generation.declaration == nil { return .results(generation.pushFile(file.read(), on: call.stack)) }
            try generation.requireWaiting("agenthost.file.read", call)
            generation.host.wait(.file(file), in: generation)
            return .wait
        }
        stack.strict("agenthost.file has no")
        stack.setField("file", of: -2)
    }
}

extension Generation {
    /// Pushes what `agenthost.file.read` returns; the number of values.
    package func pushFile(_ result: Result<[UInt8], DeliveryFailure>, on stack: LuaStack) -> Int32 {
        switch result {
        case .success(let bytes):
            bytes.withUnsafeBytes { stack.push($0) }
            return 1
        case .failure(let failure):
            stack.pushNil()
            stack.push(failure.description)
            return 2
        }
    }
}
