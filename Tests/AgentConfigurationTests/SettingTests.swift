import Testing

@testable import AgentConfiguration

@Suite("Setting")
struct SettingTests {
    @Test("every field and variable is listed once")
    func unique() {
        let names = Setting.all.flatMap { $0.variables }
        #expect(Set(names).count == names.count)
        #expect(Set(Setting.all.map(\.field)).count == Setting.all.count)
    }

    @Test("every default is of its setting's kind and every setting is documented")
    func defaults() {
        for setting in Setting.all {
            if let value = setting.defaultValue {
                #expect(setting.kind.accept(value) == value, "\(setting.field)")
            }
            #expect(setting.summary.hasSuffix("."), "\(setting.field)")
        }
    }

    @Test("the platform settings are the keys of their secrets")
    func secretKinds() {
        for setting in Setting.all {
            guard let kind = setting.secretKind else { continue }
            #expect(setting.variable.hasPrefix(kind.rawValue.uppercased() + "_"))
        }
        for kind in PlatformSecretKind.allCases {
            for key in kind.requiredKeys.joined() {
                #expect(Setting.all.contains { $0.secretKind == kind && $0.variable == key })
            }
        }
    }

    @Test("passwords, keys and connection strings are secret, nothing else is")
    func secrets() {
        let secret = Set(Setting.all.filter(\.isSecret).map(\.variable))
        let expected = Setting.all.map(\.variable).filter {
            $0.hasSuffix("_PASSWORD") || $0.hasSuffix("_KEY") || $0 == "DB_CONNECTION_STRING"
        }
        #expect(secret == Set(expected))
    }
}
