import AgentModel
import Logging
import NIOCore
import NIOHTTP1

/// The answer to a request for a file: it is looked up away from the loop, and then sent, a redirection, or a refusal.
/// Confined to the loop of the connection.
package struct FileAnswer {
    private let connection: HTTPConnection
    private let responder: any Responder

    /// - Parameter responder: whose words refusals are in.
    package init(on connection: HTTPConnection, _ responder: any Responder) {
        self.connection = connection
        self.responder = responder
    }

    /// Answers with the file, or the folder's page, below a directory.
    package func send(_ name: FileName, below directory: String) {
        let sequence = connection.sequence
        let conditions = FileConditions(connection.head)
        let readsBody = connection.head.method != .head
        let found = { (lookup: FileLookup) in
            if connection.awaits(sequence) { answer(lookup, name) }
        }
        connection.floor.files.run(
            { FileLookup(name, below: directory, conditions, readsBody: readsBody) }, then: found)
    }

    /// Answers that there is no such file.
    package func refuse() { refuse(.notFound, "Not Found") }

    private func refuse(_ status: HTTPResponseStatus, _ reason: String, _ fields: [(String, String)] = []) {
        connection.answer(status, responder.body(saying: reason), fields)
    }

    private func answer(_ lookup: FileLookup, _ name: FileName) {
        switch lookup {
        case .found(let file, let answer, let first): send(file, name, answer, first)
        case .folder:
            let path = connection.head.withPath { Array($0) } + [UInt8(ascii: "/")]
            connection.answer(.temporaryRedirect, nil, [("location", connection.head.location(of: path))])
        case .nothing: refuse()
        case .failed(let number):
            connection.floor.logger.warning(
                "a file cannot be read",
                metadata: ["file": "\(name.path)", "reason": "\(ErrorText.system(number))"])
            refuse(.internalServerError, "The file cannot be read")
        }
    }

    private func send(_ file: OpenFile, _ name: FileName, _ kind: FileConditions.Answer, _ first: ByteBuffer) {
        let version = file.version
        // A browser asks each time whether it has the newest one, and mostly gets no more than a yes.
        var fields = [("etag", version.tag), ("cache-control", "no-cache")]
        if let seconds = version.seconds { fields.append(("last-modified", HTTPDate.text(seconds))) }
        let range = version.sent(kind)
        let status: HTTPResponseStatus
        switch kind {
        case .notModified: return connection.answer(.notModified, nil, fields)
        case .changed: return refuse(.preconditionFailed, "Precondition Failed", fields)
        case .unsatisfiable:
            return refuse(
                .rangeNotSatisfiable, "Range Not Satisfiable", [("content-range", "bytes */\(version.size)")])
        case .whole: status = .ok
        case .part:
            status = .partialContent
            fields.append(("content-range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(version.size)"))
        }
        // No browser is to take a picture for a script (Fetch standard, section 3.6).
        fields += [("accept-ranges", "bytes"), ("x-content-type-options", "nosniff")]
        connection.answer(
            status, file, first: first, rest: (range.lowerBound + first.readableBytes)..<range.upperBound,
            type: ContentType.of(name.isFolder ? OpenFile.page : name.path), fields)
    }
}
