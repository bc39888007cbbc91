/// A path that can be meant as it stands, and probably is not: with a parameter as other frameworks write it.
enum PathDoubt {
    /// What is to be said of an endpoint's path; nil for nothing.
    static func of(_ path: String) -> String? {
        for segment in path.split(separator: "/") {
            if segment.hasPrefix(":"), segment.utf8.count > 1 {
                return "\(segment) is no parameter: it is written {\(segment.dropFirst())}"
            }
            if segment.hasPrefix("<"), segment.hasSuffix(">"), segment.utf8.count > 2 {
                let name = segment.dropFirst().dropLast().split(separator: ":").last ?? ""
                return "\(segment) is no parameter: it is written {\(name)}"
            }
            if segment == "*" || segment == "**" {
                return "\(segment) is no wildcard: {name:path} at the end takes the rest"
            }
        }
        return nil
    }
}
