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

    @Test("a timer is gone when all who asked for it have let it go, the others stay")
    func forgetting() {
        let old = registry.makeTimer(label: "took_seconds", dimensions: [("version", "old")])
        let again = registry.makeTimer(label: "took_seconds", dimensions: [("version", "old")])
        registry.makeTimer(label: "took_seconds", dimensions: [("version", "new")]).recordNanoseconds(1)
        #expect(old === again)
        registry.destroyTimer(old)
        #expect(registry.text().contains("old"))
        registry.destroyTimer(again)
        #expect(!registry.text().contains("old"))
        #expect(registry.text().contains("new"))
    }

    @Test("a timer that comes back after it has gone begins at nothing")
    func comingBack() {
        let timer = registry.makeTimer(label: "took_seconds", dimensions: [])
        timer.recordNanoseconds(1)
        registry.destroyTimer(timer)
        #expect(registry.text() == "")
        _ = registry.makeTimer(label: "took_seconds", dimensions: [])
        #expect(registry.text().contains("took_seconds_count 0"))
    }

    @Test("observed values are read at each asking, and of two with the same dimensions the later is shown")
    func observing() {
        let source = registry.makeMeter(label: "source", dimensions: [])
        source.set(1.0)
        registry.observe("depth", isCounter: false) {
            [Observation([("b", "1"), ("a", "2")], 3), Observation([("a", "2"), ("b", "1")], 4), Observation([], 5)]
        }
        let lines = registry.text().split(separator: "\n").filter { $0.hasPrefix("depth") }
        #expect(lines == ["depth 5", #"depth{a="2",b="1"} 4"#])
        registry.observe("depth", isCounter: false) { [] }
        #expect(!registry.text().contains("depth"))
    }

    @Test("counts from many threads at once add up")
    func threads() async {
        let timer = registry.makeTimer(label: "took_seconds", dimensions: [])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<1000 { timer.recordNanoseconds(2_000_000) } }
            }
        }
        #expect(registry.text().contains("took_seconds_count 4000"))
        #expect(registry.text().contains("took_seconds_sum 8\n"))
    }
}
