package import NIOCore

extension HTTPServer {
    /// Serves a connection that did not come through `bind`: the channel gets the same handler as one that did.
    /// On the loop; throws when the channel is closed already.
    package func serve(_ channel: any Channel) throws {
        eventLoop.preconditionInEventLoop()
        try channel.pipeline.syncOperations.addHandler(HTTPConnection(server: self))
    }
}
