import AgentModel

/// One line of `agenthost config`: a setting, its value and where it came from.
package struct SettingReport: Sendable, Equatable {
    /// The field's name in Lua.
    package let name: String
    /// The environment variable that sets it.
    package let variable: String
    /// The value as text, `****` for a secret, user information of URLs masked; nil when not set.
    package let value: String?
    /// Where the value came from; `not set` when there is none.
    package let origin: String
    /// One line of documentation.
    package let summary: String
    /// The default as text, nil when there is none.
    package let defaultValue: String?
    /// Whether the value is another one than that of a host for which nothing is set.
    package let differs: Bool

    init(_ setting: Setting, _ resolved: ResolvedSetting?) {
        name = setting.field
        variable = setting.variable
        value = resolved.map { Self.shown($0.value.shown, of: setting) }
        origin = resolved?.origin.description ?? "not set"
        summary = setting.summary
        defaultValue = setting.defaultValue?.shown
        differs = resolved.map { $0.origin != .default && $0.value != setting.defaultValue } ?? false
    }

    private static func shown(_ value: String, of setting: Setting) -> String {
        if setting.isSecret { return Secret.mask }
        if case .pem = setting.kind { return PEMSetting.shown(value, isHidden: false) }
        return Secret.masked(value).visible()
    }

    /// What differs from the defaults, each with its default.
    package static func differences(_ reports: [SettingReport]) -> [String] {
        let reports = reports.filter(\.differs)
        return zip(lines(reports), reports).map { line, report in
            guard let value = report.defaultValue, !value.isEmpty else { return line }
            return line + "  (default \(value))"
        }
    }

    /// The reports as lines of three aligned columns: field, value, origin.
    package static func lines(_ reports: [SettingReport]) -> [String] {
        let nameWidth = reports.map(\.name.count).max() ?? 0
        // One long value must not push every origin out of sight.
        let valueWidth = min(48, reports.map { $0.value?.count ?? 1 }.max() ?? 0)
        return reports.map { report in
            let value = report.value ?? "-"
            return padded(report.name, nameWidth) + "  " + padded(value, valueWidth) + "  " + report.origin
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
