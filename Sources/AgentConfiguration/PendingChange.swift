import AgentModel

/// A setting that is another than the one that a host started with, and has no effect until it starts anew.
package struct PendingChange: Sendable, Equatable, CustomStringConvertible {
    package let field: String
    /// As they may be shown; nil where it is not set, or secret.
    let old: String?
    let new: String?
    let isSecret: Bool

    package var description: String {
        isSecret
            ? "config.\(field) has changed, which takes a restart of the host; until then it is what it was"
            : "config.\(field) is \(new ?? "not set") now, which takes a restart of the host; until then it is "
                + "\(old ?? "not set")"
    }
}

extension AgentConfig {
    /// What would be otherwise if the host started with this configuration instead of the other.
    package func pendingChanges(since started: AgentConfig) -> [PendingChange] {
        Setting.all.compactMap { setting in
            guard setting.isHeldFromStart else { return nil }
            let field = setting.field
            guard resolvedValue(field) != started.resolvedValue(field) else { return nil }
            return PendingChange(
                field: field, old: started.shown(setting), new: shown(setting), isSecret: setting.isSecret)
        }
    }

    /// The settings that the script's `config` table gives, and that a host reads once.
    package var heldFromScript: [String] {
        Setting.all.filter { $0.isHeldFromStart && origin(of: $0.field) == .script }.map(\.field)
            .filter { $0 != "service_name" }
    }

    private func shown(_ setting: Setting) -> String? {
        guard let value = resolvedValue(setting.field), !value.shown.isEmpty else { return nil }
        return setting.isSecret ? Secret.mask : Secret.masked(value.shown)
    }
}
