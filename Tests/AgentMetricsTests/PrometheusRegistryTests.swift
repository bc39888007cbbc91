import AgentMetrics
import CoreMetrics
import Testing

@Suite struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry(help: ["sent_total": "Messages sent."])

    @Test("a counter adds up over handles of the same dimensions, in whatever order they are named")
    func counter() {
        registry.makeCounter(label: "sent_total", dimensions: [("topic", "a"), ("agent", "x")]).increment(by: 2)
        registry.makeCounter(label: "sent_total", dimensions: [("agent", "x"), ("topic", "a")]).increment(by: 3)
        #expect(
            registry.text() == """
                # HELP sent_total Messages sent.
                # TYPE sent_total counter
                sent_total{agent="x",topic="a"} 5

                """)
    }

    @Test("label values are escaped as the format wants")
    func escaping() {
        registry.makeMeter(label: "depth", dimensions: [("name", "a\"b\\c\nd")]).set(1.5)
        #expect(registry.text().contains(#"depth{name="a\"b\\c\nd"} 1.5"#))
    }

    @Test("a histogram's buckets are cumulative and end with +Inf, which is the count")
    func histogram() {
        let timer = registry.makeTimer(label: "took_seconds", dimensions: [])
        for nanoseconds: Int64 in [5_000, 50_000, 2_000_000_000, 90_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        let text = registry.text()
        #expect(text.contains("# TYPE took_seconds histogram"))
        #expect(text.contains(#"took_seconds_bucket{le="1e-05"} 1"#))
        #expect(text.contains(#"took_seconds_bucket{le="5"} 3"#))
        #expect(text.contains(#"took_seconds_bucket{le="+Inf"} 4"#))
        #expect(text.contains("took_seconds_sum 92.000055"))
        #expect(text.contains("took_seconds_count 4"))
    }

    @Test("series of a version that has left are forgotten, the others stay")
    func forgetting() {
        registry.makeTimer(label: "took_seconds", dimensions: [("version", "old")]).recordNanoseconds(1)
        registry.makeTimer(label: "took_seconds", dimensions: [("version", "new")]).recordNanoseconds(1)
        registry.forget("took_seconds", where: "version", is: "old")
        #expect(!registry.text().contains("old"))
        #expect(registry.text().contains("new"))
    }
}
