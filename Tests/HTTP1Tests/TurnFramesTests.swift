import NIOCore
import Testing

@testable import HTTP1

@Suite("What connections are sent in a turn of the loop") struct TurnFramesTests {
    private func text(_ frames: inout TurnFrames, _ place: TurnFrames.Place) -> String {
        String(buffer: frames.bytes(at: place))
    }

    @Test("connections that are sent the same frames share a place, and others have their own")
    func places() {
        var frames = TurnFrames()
        var places = [Int](repeating: TurnFrames.nowhere, count: 4)
        let first = frames.frame(ByteBuffer(string: "a"))
        for index in 0..<3 { _ = frames.append(first, after: &places[index]) }
        let second = frames.frame(ByteBuffer(string: "b"))
        var lengths = [Int](repeating: 0, count: 4)
        // In turns with and without the first, so that the latest place is never the one that is asked for.
        for index in [0, 3, 1, 2] { lengths[index] = frames.append(second, after: &places[index]) }
        #expect(places[0] == places[1] && places[1] == places[2] && places[2] != places[3])
        #expect(places.map { text(&frames, $0) } == ["ab", "ab", "ab", "b"])
        #expect(lengths == [2, 2, 2, 1])
    }

    @Test("whatever is sent to whom, each gets its own frames in their order")
    func anyOrder() {
        var random = SeededGenerator(state: 17)
        for _ in 0..<200 {
            var frames = TurnFrames()
            var places = [Int](repeating: TurnFrames.nowhere, count: 8)
            var expected = [String](repeating: "", count: 8)
            for number in 0..<Int.random(in: 1...30, using: &random) {
                let frame = frames.frame(ByteBuffer(string: "\(number);"))
                for index in (0..<8).shuffled(using: &random) where Bool.random(using: &random) {
                    let length = frames.append(frame, after: &places[index])
                    expected[index] += "\(number);"
                    #expect(length == expected[index].utf8.count)
                    if Int.random(in: 0..<10, using: &random) == 0 {
                        #expect(text(&frames, places[index]) == expected[index])
                        (places[index], expected[index]) = (TurnFrames.nowhere, "")
                    }
                }
            }
            for index in 0..<8 {
                #expect(text(&frames, places[index]) == expected[index])
            }
        }
    }

    @Test("the next turn begins with nothing")
    func clear() {
        var frames = TurnFrames()
        var place = TurnFrames.nowhere
        _ = frames.append(frames.frame(ByteBuffer(string: "a")), after: &place)
        frames.clear()
        place = TurnFrames.nowhere
        let length = frames.append(frames.frame(ByteBuffer(string: "b")), after: &place)
        #expect(length == 1 && text(&frames, place) == "b")
    }
}

/// The same numbers in every run: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
