/// What was probably meant where Lua's own words for an error of a running script do not tell.
enum RuntimeHint {
    static func text(for message: String) -> String? {
        if message.hasSuffix("(for iterator 'for iterator')") {
            return "a loop over a table is written for _, item in ipairs(list) do, or for key, value in pairs(t) do"
        }
        let isAddition = message.hasSuffix("' with a 'string'") || message.hasSuffix("' with a 'number'")
        return isAddition && message.contains(": attempt to add a '") ? "texts are put together with .." : nil
    }
}
