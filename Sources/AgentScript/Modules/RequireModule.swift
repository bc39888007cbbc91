import LuaRuntime

/// `require "name"`: the standard libraries, what `package.preload` has, and modules beside the script or of others.
enum RequireModule: ScriptModule {
    /// What `require` knows of its state: Lua's `package` table and those in it, whatever a script makes of the global.
    private struct Package {
        let table: LuaReference
        let loaded: LuaReference
        let preload: LuaReference
    }

    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.getGlobal("package")
        stack.push(ScriptSnapshot.modulePath)
        stack.setField("path", of: -2)
        searchpath(on: stack, for: script)
        stack.getField("loaded", of: -1)
        stack.pushValue(at: -3)
        stack.setField("agenthost", of: -2)
        let loaded = stack.reference()
        stack.getField("preload", of: -1)
        let preload = stack.reference()
        let package = Package(table: stack.reference(), loaded: loaded, preload: preload)
        var loading: [String] = []
        stack.pushFunction("require") { [unowned script] (call) throws(LuaFailure) in
            let name = try Arguments(call).string(1, "name")
            if pushField(name, of: package.loaded, on: call.stack) { return .results(1) }
            if name == "io" {
                guard !call.isByOwnFile, let io = script.kept.libraryIO else {
                    throw LuaFailure("module 'io' is not there: \(ForeignModule.files)")
                }
                call.stack.push(io)
                return .results(1)
            }
            if loading.contains(name) {
                throw LuaFailure("modules require each other: \((loading + [name]).joined(separator: " → "))")
            }
            loading.append(name)
            defer { loading.removeLast() }
            return try load(name, package, call, for: script)
        }
        stack.setGlobal("require")
    }

    /// Runs the loader of a module, and leaves what `require` answers: its value, and where it came from.
    private static func load(
        _ name: String, _ package: Package, _ call: LuaCall, for script: ScriptContext
    ) throws(LuaFailure) -> LuaOutcome {
        let stack = call.stack
        let loader: LuaReference
        let origin: String
        if pushField(name, of: package.preload, on: stack), stack.type(at: -1) == .function {
            loader = stack.reference()
            origin = ":preload:"
        } else {
            let (file, bytes) = try find(name, package, stack, for: script)
            do throws(LuaError) {
                loader = try bytes.withUnsafeBytesTyped { (bytes) throws(LuaError) in
                    try script.state.compile(bytes, name: file)
                }
            } catch {
                throw LuaFailure(error.message, position: false)
            }
            origin = file
        }
        let main = script.state.stack
        defer { main.release(loader) }
        do throws(LuaError) {
            try script.state.call(
                loader,
                arguments: { stack in
                    stack.push(name)
                    stack.push(origin)
                    return 2
                }, results: 1)
        } catch {
            throw LuaFailure(error.message, position: false)
        }
        // What it returned; else what it has put in package.loaded itself; else true.
        if main.type(at: -1) == .nil {
            main.pop(1)
            if !pushField(name, of: package.loaded, on: main) { main.push(true) }
        }
        let value = main.reference()
        stack.push(package.loaded)
        stack.push(name)
        stack.push(value)
        stack.rawSet(of: -3)
        stack.pop(1)
        stack.push(value)
        main.release(value)
        stack.push(origin)
        return .results(2)
    }

    private static func find(
        _ name: String, _ package: Package, _ stack: LuaStack, for script: ScriptContext
    ) throws(LuaFailure) -> (file: String, bytes: [UInt8]) {
        guard ScriptSnapshot.isModuleName(name) else {
            let words = name.split(separator: "/").filter { $0 != "." }.joined(separator: ".")
            let isMeant = name.hasPrefix("./") && ScriptSnapshot.isModuleName(words)
            throw LuaFailure(
                "module '\(name)': a module's name is words with dots between them"
                    + (isMeant ? " (did you mean '\(Self.withoutEnding(words))'?)" : ""))
        }
        let path = pushField("path", of: package.table, on: stack) ? stack.string(at: -1) : nil
        if let found = script.snapshot.module(name, along: path ?? ScriptSnapshot.modulePath) { return found }
        let stem = name.replacing(".", with: "/")
        let places =
            path == ScriptSnapshot.modulePath ? ", under lib or under lua_modules" : ", or where package.path says"
        if name.hasSuffix(".lua"), script.snapshot.module(withoutEnding(name)) != nil {
            throw LuaFailure("module '\(name)' not found (did you mean '\(withoutEnding(name))'?)")
        }
        if let instead = ForeignModule.instead(of: name) {
            throw LuaFailure("module '\(name)' is not there: \(instead)")
        }
        throw LuaFailure(
            "module '\(name)' not found: neither \(stem).lua nor \(stem)/init.lua is beside \(script.snapshot.name)"
                + places)
    }

    private static func withoutEnding(_ name: String) -> String {
        name.hasSuffix(".lua") ? String(name.dropLast(4)) : name
    }

    /// `package.searchpath(name, path)`, of the `package` table on top of the stack.
    private static func searchpath(on stack: LuaStack, for script: ScriptContext) {
        stack.setFunction("searchpath") { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let name = try arguments.string(1, "name")
            let path = try arguments.string(2, "path")
            guard ScriptSnapshot.isModuleName(name), let (file, _) = script.snapshot.module(name, along: path)
            else {
                call.stack.pushNil()
                call.stack.push("no file of module '\(name)'")
                return .results(2)
            }
            call.stack.push(file)
            return .results(1)
        }
    }

    /// Pushes a field that is neither nil nor false; else nothing. No metamethod runs.
    private static func pushField(_ name: String, of table: LuaReference, on stack: LuaStack) -> Bool {
        stack.push(table)
        stack.push(name)
        stack.rawGet(of: -2)
        stack.remove(at: -2)
        let isThere = stack.type(at: -1) != .nil && (stack.type(at: -1) != .boolean || stack.boolean(at: -1))
        if !isThere { stack.pop(1) }
        return isThere
    }
}
