import AgentScript
import Foundation

/// A stream service that needs no script: its agent comes with the program.
package enum Role: String, CaseIterable, Sendable {
    /// Topics to WebSocket and Server-Sent Events clients.
    case gateway
    /// `POST /ingest` to a topic.
    case ingest
    /// Topics to a topic.
    case processor

    private var source: [UInt8] {
        switch self {
        case .gateway: PackageResources.gateway_lua
        case .ingest: PackageResources.ingest_lua
        case .processor: PackageResources.processor_lua
        }
    }

    /// The role's script. A script of the user's may override its `to_message` or `transform`: a global function of that
    /// name, or a field of the table that the script returns.
    func snapshot(overrides: String?) throws(HostFailure) -> ScriptSnapshot {
        var prelude = "local function override(name) return nil end "
        if let overrides {
            let url = URL(fileURLWithPath: overrides)
            let module = url.deletingPathExtension().lastPathComponent
            guard ScriptSnapshot.isModuleName(module), url.pathExtension == "lua" else {
                throw HostFailure(.agent, "\(overrides): a Lua file whose name is a word expected")
            }
            // On one line, so that the lines of the role's own script keep their numbers.
            prelude =
                "local overrides = require \"\(module)\" local function override(name) "
                + "local f = type(overrides) == \"table\" and overrides[name] or rawget(_G, name) "
                + "assert(f == nil or type(f) == \"function\", name .. \" must be a function\") return f end "
        }
        return ScriptSnapshot(
            builtIn: "\(rawValue).lua", source: Array(prelude.utf8) + source, overrides: overrides)
    }
}

/// What becomes one agent of a host.
package enum ScriptOrigin: Sendable, Equatable {
    case file(String)
    case role(Role, overrides: String?)

    func snapshot() throws(HostFailure) -> ScriptSnapshot {
        switch self {
        case .file(let path): ScriptSnapshot(path: path)
        case .role(let role, let overrides): try role.snapshot(overrides: overrides)
        }
    }
}
