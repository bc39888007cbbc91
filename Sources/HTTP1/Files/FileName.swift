import AgentModel

/// The file or the folder that a request asks for, below the folder of a mount.
package struct FileName: Equatable, Sendable {
    /// Without a slash at either end; empty for the mount's own folder.
    package let path: String
    /// The request's path ends with a slash, so a folder's page is meant.
    package let isFolder: Bool

    /// The mount itself, without a slash behind it.
    package static let mount = FileName(path: "", isFolder: false)

    private init(path: String, isFolder: Bool) {
        self.path = path
        self.isFolder = isFolder
    }

    /// What stands behind the mount's path and its slash, as it was sent. nil for what is never served: a way up or out
    /// (`..`, also escaped, and an escaped slash), what begins with a dot, and what no file can be called.
    package init?(_ rest: some Collection<UInt8>) {
        if rest.isEmpty {
            self.init(path: "", isFolder: true)
            return
        }
        var names: [String] = []
        let parts = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isFolder = parts.last?.isEmpty == true
        for part in isFolder ? parts.dropLast() : parts[...] {
            guard let name = PercentEncoding.decoded(part), let first = name.utf8.first, first != UInt8(ascii: "."),
                !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "/"))
            else { return nil }
            names.append(name)
        }
        self.init(path: names.joined(separator: "/"), isFolder: isFolder)
    }
}
