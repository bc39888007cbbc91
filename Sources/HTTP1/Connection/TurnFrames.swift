package import NIOCore

/// A frame that goes to one connection or to many.
package struct Frame {
    /// As they go on the wire.
    package let bytes: ByteBuffer
    /// The same for all connections that are sent it; from `TurnFrames.frame` of their loop.
    package let number: Int

    package init(_ bytes: ByteBuffer, number: Int) {
        self.bytes = bytes
        self.number = number
    }
}

/// What connections are sent in a turn of the loop, as a tree. A connection's place in it stands for all frames on the way
/// there from the root; most connections are sent the same frames, so they share a place, whose bytes are joined once.
///
/// So a message for 500 subscribers is one buffer, and several of them in a turn are one more, where each connection would
/// otherwise have had a list of its own.
package struct TurnFrames {
    /// A place in the tree. `nowhere` is its root: nothing is to be sent.
    typealias Place = Int
    static let nowhere: Place = 0

    private struct Step {
        let parent: Place
        var isJoined: Bool
        /// From the root on.
        let length: Int
    }

    private var steps = [Step(parent: 0, isJoined: true, length: 0)]
    /// By place: the frame; once the step `isJoined`, all bytes from the root on. Beside the steps, since those are looked
    /// at for every connection.
    private var contents = [ByteBuffer()]
    private var frameNumber = 0
    /// Where the latest frame was put, by the place before it: `last` is of the connection before, `others` of all.
    private var latest = -1
    private var last = (parent: -1, place: TurnFrames.nowhere, length: 0)
    private var others: [Place: Place] = [:]

    /// A frame that is to be sent in this turn.
    package mutating func frame(_ bytes: ByteBuffer) -> Frame {
        frameNumber += 1
        return Frame(bytes, number: frameNumber)
    }

    /// Moves the place of a connection that is sent the frame after what it was there for. Returns how many bytes there are
    /// from the root to the new one.
    @inline(__always)
    mutating func append(_ frame: borrowing Frame, after place: inout Place) -> Int {
        if frame.number != latest || last.parent != place { find(copy frame, after: place) }
        place = last.place
        return last.length
    }

    /// Makes the place after this one the latest.
    @inline(never)
    private mutating func find(_ frame: Frame, after place: Place) {
        if frame.number != latest {
            latest = frame.number
            last.parent = -1
            if !others.isEmpty { others.removeAll(keepingCapacity: true) }
        }
        if last.parent >= 0 {
            others[last.parent] = last.place
            if let known = others[place] {
                last = (place, known, steps[known].length)
                return
            }
        }
        let length = steps[place].length + frame.bytes.readableBytes
        steps.append(Step(parent: place, isJoined: place == Self.nowhere, length: length))
        contents.append(frame.bytes)
        last = (place, steps.count - 1, length)
    }

    /// All frames from the root to the place.
    mutating func bytes(at place: Place) -> ByteBuffer {
        if !steps[place].isJoined { join(place) }
        return contents[place]
    }

    private mutating func join(_ place: Place) {
        var way: [Place] = []
        var step = place
        while !steps[step].isJoined {
            way.append(step)
            step = steps[step].parent
        }
        var joined = ByteBuffer()
        joined.reserveCapacity(steps[place].length)
        joined.writeImmutableBuffer(contents[step])
        for step in way.reversed() { joined.writeImmutableBuffer(contents[step]) }
        contents[place] = joined
        steps[place].isJoined = true
    }

    /// No connection has a place any more.
    mutating func clear() {
        steps.removeLast(steps.count - 1)
        contents.removeLast(contents.count - 1)
        last.parent = -1
        latest = -1
        others.removeAll(keepingCapacity: true)
    }
}
