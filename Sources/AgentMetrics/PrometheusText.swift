/// The text format's own spellings (prometheus.io, "Exposition formats", text-based format 0.0.4).
enum PrometheusText {
    /// `name="value",…`, without the braces, sorted by name.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.sorted { $0.0 < $1.0 }.map { label($0.0, $0.1) }.joined(separator: ",")
    }

    static func label(_ name: String, _ value: String) -> String {
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\(name)=\"\(escaped)\""
    }

    static func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    /// The lines of one histogram; `buckets` has how many values are in each alone.
    static func histogram(_ name: String, _ labels: String, bounds: [Double], buckets: [Int], sum: Double) -> String {
        let separator = labels.isEmpty ? "" : ","
        var text = ""
        var total = 0
        for (index, bucket) in buckets.enumerated() {
            total += bucket
            let bound = index < bounds.count ? number(bounds[index]) : "+Inf"
            text += "\(name)_bucket{\(labels)\(separator)le=\"\(bound)\"} \(total)\n"
        }
        text += "\(name)_sum\(braces(labels)) \(number(sum))\n"
        return text + "\(name)_count\(braces(labels)) \(total)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
