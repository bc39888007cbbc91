import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a request for a file has come to, found out away from the loop.
enum FileLookup: Sendable {
    /// `first` is the beginning of what is to be sent, the whole of it where it is short.
    case found(OpenFile, FileConditions.Answer, first: ByteBuffer)
    /// A folder that was asked for without a slash.
    case folder
    case nothing
    /// The system's error number.
    case failed(CInt)

    /// How much is read at a time, and so what of a file is in memory for one client.
    static let chunk = 128 << 10

    init(_ name: FileName, below directory: String, _ conditions: FileConditions, readsBody: Bool) {
        switch OpenFile.open(name, below: directory) {
        case .file(let file):
            let answer = conditions.answer(for: file.version)
            let range = file.version.sent(answer)
            guard let first = file.read(readsBody ? range.prefix(Self.chunk) : range.prefix(0)) else {
                self = .failed(EIO)
                return
            }
            self = .found(file, answer, first: first)
        case .folder: self = .folder
        case .nothing: self = .nothing
        case .failed(let number): self = .failed(number)
        }
    }
}

extension FileVersion {
    /// The bytes that an answer sends.
    func sent(_ answer: FileConditions.Answer) -> Range<Int> {
        switch answer {
        case .whole: 0..<size
        case .part(let range): range
        case .notModified, .changed, .unsatisfiable: 0..<0
        }
    }
}
