/// What was probably meant where Lua's own words for an error of a running script do not tell.
enum RuntimeHint {
    static func text(for message: String) -> String? {
        if message.hasSuffix("(for iterator 'for iterator')") {
            return "a loop over a table is written for _, item in ipairs(list) do, or for key, value in pairs(t) do"
        }
        if message.hasSuffix("')"), let called = message.firstRange(of: ": attempt to call a nil value (") {
            return ofMethod(message[called.upperBound...].dropLast(2))
        }
        let isAddition = message.hasSuffix("' with a 'string'") || message.hasSuffix("' with a 'number'")
        return isAddition && message.contains(": attempt to add a '") ? "texts are put together with .." : nil
    }

    /// `field 'append` or `method 'append`: what values of other languages can do by themselves.
    private static func ofMethod(_ text: Substring) -> String? {
        let words = text.split(separator: " '", maxSplits: 1)
        guard words.count == 2, ["field", "method"].contains(words[0]) else { return nil }
        return methods[String(words[1])]
    }

    private static let insertion = "use table.insert(list, value)"
    private static let access = "use t[key], and t[key] or value for one that may be missing"
    private static let loop = "use for key, value in pairs(t) do"
    private static let methods = [
        "append": insertion, "push": insertion, "add": insertion,
        "extend": "use table.move(more, 1, #more, #list + 1, list)",
        "pop": "use table.remove(list)", "shift": "use table.remove(list, 1)", "get": access, "setdefault": access,
        "has": "t[key] ~= nil says whether a table has a key", "items": loop, "keys": loop, "values": loop,
        "forEach": loop, "map": loop, "filter": loop, "join": "use table.concat(list, \", \")",
        "sort": "use table.sort(list)", "strip": "use text:match(\"^%s*(.-)%s*$\")",
        "trim": "use text:match(\"^%s*(.-)%s*$\")", "split": "use for part in text:gmatch(\"[^,]+\") do",
        "startswith": "use text:sub(1, #start) == start", "startsWith": "use text:sub(1, #start) == start",
        "endswith": "use text:sub(-#ending) == ending", "endsWith": "use text:sub(-#ending) == ending",
        "replace": "use text:gsub(pattern, replacement)", "toLowerCase": "use text:lower()",
        "toUpperCase": "use text:upper()", "isoformat": "use os.date(\"!%Y-%m-%dT%H:%M:%SZ\")",
    ]
}
