package import NIOCore

/// What answers the requests of one connection, one after another. On the connection's loop.
package protocol Responder: AnyObject {
    /// The head of a request has been read.
    ///
    /// - Parameter isRepeated: it is, byte for byte, that of the connection's request before.
    /// - Returns: what the head of the answer must say because of it.
    func begin(isRepeated: Bool) -> ResponseHeads.Terms
    /// A head came that cannot be read; the connection refuses it.
    func beginUnreadable()
    /// The body of an answer that refuses, for a reason that is a sentence.
    func body(saying reason: String) -> ByteBuffer
    /// Whether the request is refused whatever its body, so that a client which waits to be asked for that need not be.
    var refusesWithoutBody: Bool { get }
    /// The request is there whole, and is to be answered, now or later.
    func respond(_ body: ByteBuffer)
    /// An answer was written; `bytes` are of its body.
    func answered(_ status: Int, bytes: Int)
    /// The head of an answer was written, which goes on.
    func answerBegan(_ status: Int)
    /// That answer has ended, after so many bytes.
    func answerEnded(bytes: Int)
    /// The client was gone before its request was answered.
    func clientGone()
}

/// What makes a responder for each connection. On the loop.
package protocol Service: AnyObject {
    func responder(for connection: HTTPConnection) -> any Responder
    /// Some time has passed, as it does every so often.
    func swept()
}

/// What a connection has become that carries no requests any more: a WebSocket, a stream of events. On its loop.
package protocol Successor: AnyObject {
    /// Consumes what can be consumed; false when nothing more can be done before more bytes arrive.
    func receive(_ input: inout ByteBuffer) -> Bool
    /// Bytes that it holds of a message that has not ended.
    var unfinishedBytes: Int { get }
    /// All connections together hold more of that than they may, and this one wanted to hold more.
    func givesUpUnfinished()
    /// The client takes more again, or a turn of the loop has passed.
    func becameWritable()
    /// Called at every sweep.
    func tick(_ now: NIODeadline)
    /// The server stops.
    func stop()
    /// The connection is about to be closed by this side.
    func aborted()
    /// The connection is gone.
    func lost()
}

extension Successor {
    package var unfinishedBytes: Int { 0 }
    package func givesUpUnfinished() {}
    package func becameWritable() {}
    package func aborted() {}
}
