import Testing

@testable import KafkaTransport

@Suite struct OffsetWatermarkTests {
    @Test("the last offset there can be is committed as itself")
    func lastOffset() {
        var watermark = OffsetWatermark()
        let sequence = watermark.deliver(offset: .max)
        let advanced = watermark.settle(sequence)
        #expect(advanced)
        #expect(watermark.position == .max)
    }

    @Test("nothing may be committed before anything has settled")
    func empty() {
        var watermark = OffsetWatermark()
        #expect(watermark.position == nil)
        _ = watermark.deliver(offset: 7)
        #expect(watermark.position == nil)
        #expect(watermark.count == 1)
    }

    @Test("settling in order advances one by one")
    func inOrder() {
        var watermark = OffsetWatermark()
        let sequences = (100..<110).map { watermark.deliver(offset: $0) }
        for (index, sequence) in sequences.enumerated() {
            let advanced = watermark.settle(sequence)
            #expect(advanced)
            #expect(watermark.position == Int64(101 + index))
        }
        #expect(watermark.count == 0)
    }

    @Test("a message that has not settled holds back everything after it")
    func outOfOrder() {
        var watermark = OffsetWatermark()
        let sequences = (0..<5).map { watermark.deliver(offset: Int64($0)) }
        for index in [4, 2, 1, 3] {
            let advanced = watermark.settle(sequences[index])
            #expect(!advanced)
        }
        #expect(watermark.position == nil)
        #expect(watermark.count == 5)
        let advanced = watermark.settle(sequences[0])
        #expect(advanced)
        #expect(watermark.position == 5)
        #expect(watermark.count == 0)
    }

    @Test("offsets with gaps commit the offset after the last one settled")
    func gaps() {
        var watermark = OffsetWatermark()
        let sequences = [3, 17, 18, 90].map { watermark.deliver(offset: $0) }
        _ = watermark.settle(sequences[1])
        _ = watermark.settle(sequences[0])
        #expect(watermark.position == 18)
        _ = watermark.settle(sequences[3])
        #expect(watermark.position == 18)
        _ = watermark.settle(sequences[2])
        #expect(watermark.position == 91)
    }

    @Test("settling twice, or what was never delivered, changes nothing")
    func strangers() {
        var watermark = OffsetWatermark()
        let first = watermark.deliver(offset: 0)
        let second = watermark.deliver(offset: 1)
        _ = watermark.settle(second)
        let again = watermark.settle(second)
        let future = watermark.settle(second + 1)
        let negative = watermark.settle(-1)
        #expect(!again && !future && !negative)
        #expect(watermark.count == 2)
        _ = watermark.settle(first)
        let past = watermark.settle(first)
        #expect(!past)
        #expect(watermark.position == 2)
    }

    @Test("any order of settling ends at the same position, and never runs ahead of it", arguments: 0..<20)
    func anyOrder(seed: Int) {
        var watermark = OffsetWatermark()
        var unsettled: [(sequence: Int, offset: Int64)] = []
        var offset: Int64 = 0
        for _ in 0..<3000 {
            if unsettled.count < 300, Bool.random() {
                offset += Int64.random(in: 1...3)
                unsettled.append((watermark.deliver(offset: offset), offset))
            } else if let index = unsettled.indices.randomElement() {
                _ = watermark.settle(unsettled.remove(at: index).sequence)
            }
            if let position = watermark.position, let lowest = unsettled.first?.offset {
                #expect(position <= lowest)
            }
        }
        while let entry = unsettled.popLast() { _ = watermark.settle(entry.sequence) }
        #expect(watermark.position == offset + 1)
        #expect(watermark.count == 0)
    }

    @Test("the first unsettled offset is there before anything has settled, and follows the position after that")
    func firstUnsettled() {
        var watermark = OffsetWatermark()
        #expect(watermark.firstUnsettled == nil)
        let first = watermark.deliver(offset: 5)
        let second = watermark.deliver(offset: 8)
        #expect(watermark.firstUnsettled == 5)
        _ = watermark.settle(first)
        #expect(watermark.firstUnsettled == 8)
        _ = watermark.settle(second)
        #expect(watermark.firstUnsettled == 9)
    }
}
