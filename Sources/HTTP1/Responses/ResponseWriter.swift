import AgentModel
import NIOCore
import NIOHTTP1

/// Writes the responses of a connection. Confined to its loop.
///
/// Each function returns how many bytes of a body it wrote: none for `HEAD`, whose answer is the head alone.
struct ResponseWriter {
    let floor: ConnectionFloor
    let output: ConnectionOutput

    /// A response whose body, if any, is JSON unless `type` says otherwise.
    func write(
        _ status: HTTPResponseStatus, _ body: ByteBuffer?, type: String?, _ terms: ResponseHeads.Terms,
        _ fields: [(String, String)], isHead: Bool
    ) -> Int {
        output.write { output in
            floor.heads.write(
                status, length: body?.readableBytes, type: type, terms: terms, fields: fields, to: &output)
            guard let body, !isHead else { return 0 }
            return output.writeImmutableBuffer(body)
        }
    }

    /// A response (200) whose body is JSON of `length` bytes, all of which `write` puts in their place.
    @inline(__always)
    func write(
        jsonOf length: Int, _ terms: ResponseHeads.Terms, isHead: Bool,
        _ write: (UnsafeMutableRawBufferPointer) -> Void
    ) -> Int {
        output.write { output in
            floor.heads.write(.ok, length: length, terms: terms, room: length, to: &output)
            guard !isHead else { return 0 }
            return output.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { target in
                write(UnsafeMutableRawBufferPointer(rebasing: target[..<length]))
                return length
            }
        }
    }

    /// The answer that a script made.
    func write(_ own: TaskAnswer, _ terms: ResponseHeads.Terms, isHead: Bool) -> Int {
        output.write { output in
            floor.heads.write(own, terms: terms, to: &output)
            guard let body = own.body, !isHead else { return 0 }
            return output.writeImmutableBuffer(body)
        }
    }

    /// The head of a file, and what there is of it; the rest may follow.
    func write(
        _ status: HTTPResponseStatus, length: Int, type: String, first: ByteBuffer?, _ terms: ResponseHeads.Terms,
        _ fields: [(String, String)]
    ) -> Int {
        output.write { output in
            floor.heads.write(status, length: length, type: type, terms: terms, fields: fields, to: &output)
            return first.map { output.writeImmutableBuffer($0) } ?? 0
        }
    }
}
