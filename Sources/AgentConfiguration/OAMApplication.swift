import Foundation

/// An application of the Open Application Model (`core.oam.dev`), as far as it binds services to a realtime platform.
package struct OAMApplication: Sendable {
    /// The application's `metadata.name`.
    package let name: String
    /// Every component, in the file's order.
    package let components: [OAMComponent]
    private let file: String

    /// Reads the Applications of a YAML text; other objects in it are passed over.
    /// - Parameter file: how errors name the text.
    /// - Throws: one ``OAMError`` that lists everything wrong, with lines.
    package init(yaml: String, file: String) throws(OAMError) {
        var reader = OAMReader(yaml: yaml, file: file)
        (name, components) = try reader.read()
        self.file = file
    }

    /// Reads a file.
    /// - Throws: ``OAMError`` when it cannot be read, is not UTF-8, or is wrong.
    package init(contentsOfFile path: String) throws(OAMError) {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read as UTF-8 text" : "no such file"
            throw OAMError(problems: [.init(file: path, line: nil, message: reason)])
        }
        try self.init(yaml: text, file: path)
    }

    /// The components that can be bound.
    package var services: [OAMComponent] { components.filter { $0.serviceType != nil } }

    /// What the component is given.
    /// - Parameter name: nil for the only service of the application.
    /// - Throws: when there is no such component, or it runs no service; the error lists those that do.
    package func bindings(component name: String? = nil) throws(OAMError) -> OAMBindings {
        OAMBindings(try service(name), in: self)
    }

    /// The component's environment and Secret references as YAML, ready for a container and a pod.
    ///
    /// Values of variables that hold secrets are shown as `****`.
    /// - Throws: as ``bindings(component:)``.
    package func rendered(component name: String? = nil) throws(OAMError) -> String {
        try bindings(component: name).rendered()
    }

    private func service(_ name: String?) throws(OAMError) -> OAMComponent {
        let known = "known: \(services.map(\.name).joined(separator: ", "))"
        guard !services.isEmpty else {
            let types = OAMComponent.ServiceType.allCases.map(\.rawValue).joined(separator: " or ")
            throw problem(nil, "the application has no component of type \(types)")
        }
        guard let name else {
            guard services.count == 1, let only = services.first else {
                throw problem(nil, "the application has several services, name one of them (\(known))")
            }
            return only
        }
        guard let component = components.first(where: { $0.name == name }) else {
            throw problem(nil, "no component \"\(name)\" (\(known))")
        }
        guard component.serviceType != nil else {
            throw problem(
                component.line, "component \"\(name)\" of type \(component.type) runs no service (\(known))")
        }
        return component
    }

    private func problem(_ line: Int?, _ message: String) -> OAMError {
        OAMError(problems: [.init(file: file, line: line, message: message)])
    }
}
