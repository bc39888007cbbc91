import LuaRuntime

/// `require "name"`: modules beside the script.
enum RequireModule: ScriptModule {
    static func install(on stack: LuaStack, in generation: Generation) {
        var loading: [String] = []
        stack.pushFunction("require") { [unowned generation] (call) throws(LuaFailure) in
            let name = try Arguments(call).string(1, "name")
            if let known = generation.loadedModules[name] {
                call.stack.push(known)
                return .results(1)
            }
            guard ScriptSnapshot.isModuleName(name) else {
                throw LuaFailure("module '\(name)': a module's name is words with dots between them")
            }
            if loading.contains(name) {
                throw LuaFailure("modules require each other: \((loading + [name]).joined(separator: " → "))")
            }
            guard let (file, bytes) = generation.snapshot.module(name) else {
                let stem = name.replacing(".", with: "/")
                throw LuaFailure(
                    "module '\(name)' not found: neither \(stem).lua nor \(stem)/init.lua is beside \(generation.snapshot.name)"
                )
            }
            loading.append(name)
            defer { loading.removeLast() }
            do throws(LuaError) {
                let chunk = try bytes.withUnsafeBytesTyped { (bytes) throws(LuaError) in
                    try generation.state.compile(bytes, name: file)
                }
                let main = generation.state.stack
                defer { main.release(chunk) }
                try generation.state.call(
                    chunk,
                    arguments: { stack in
                        stack.push(name)
                        return 1
                    }, results: 1)
                if main.type(at: -1) == .nil {
                    main.pop(1)
                    main.push(true)
                }
                let reference = main.reference()
                generation.loadedModules[name] = reference
                call.stack.push(reference)
            } catch {
                throw LuaFailure(error.message, position: false)
            }
            return .results(1)
        }
        stack.setGlobal("require")
    }
}
