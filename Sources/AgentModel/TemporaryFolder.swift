#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where short-lived files go.
package enum TemporaryFolder {
    /// `TMPDIR` when it is an absolute path, else `/tmp`: an empty or a relative one would put files wherever the process
    /// happens to be, or into the root of the file system.
    package static var path: String { absolute("TMPDIR") ?? "/tmp" }

    /// The value of a variable that is an absolute path, without a slash at its end.
    package static func absolute(_ variable: String) -> String? {
        guard let value = getenv(variable).map({ String(cString: $0) }), value.hasPrefix("/") else { return nil }
        return value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value
    }
}
