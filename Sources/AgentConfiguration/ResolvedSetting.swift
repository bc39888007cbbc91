/// A value and its layer.
struct ResolvedSetting: Sendable {
    var value: SettingValue
    var origin: SettingOrigin
}

extension ResolvedSetting: CustomStringConvertible, CustomReflectable {
    var description: String { "ResolvedSetting(\(origin))" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
