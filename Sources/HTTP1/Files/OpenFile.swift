import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file that is being served; closed with the last reference to it. Its functions wait for the disk.
final class OpenFile: Sendable {
    private let descriptor: CInt
    let version: FileVersion

    private init(_ descriptor: CInt, _ version: FileVersion) {
        self.descriptor = descriptor
        self.version = version
    }

    deinit { close(descriptor) }

    enum Opening {
        case file(OpenFile)
        /// A folder with a page of its own, and the name is one without a slash.
        case folder
        case nothing
        /// The system's error number.
        case failed(CInt)
    }

    /// A folder's own page.
    static let page = "index.html"

    /// Opens a file, or a folder's page, below a directory. What is reached through links is served when it is within
    /// the directory too, as the volumes of Kubernetes are made of links.
    static func open(_ name: FileName, below directory: String) -> Opening {
        let path = name.path.isEmpty ? directory : "\(directory)/\(name.path)"
        let opened = open(path: name.isFolder ? "\(path)/\(page)" : path, below: directory)
        // A file that has come in the place of the folder is none of it.
        if name == .mount, case .file = opened { return .nothing }
        guard case .folder = opened else { return opened }
        guard !name.isFolder, case .file = open(path: "\(path)/\(page)", below: directory) else { return .nothing }
        return .folder
    }

    private static func open(path: String, below directory: String) -> Opening {
        // Without O_NONBLOCK a named pipe would wait for somebody to write to it.
        let descriptor = openWithoutWaiting(path)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, ENXIO, ENODEV: return .nothing
            default: return .failed(errno)
            }
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, isWithin(descriptor, directory) else {
            close(descriptor)
            return .nothing
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let version = FileVersion(
                size: Int(status.st_size), seconds: Int(status.st_mtim.tv_sec),
                nanoseconds: Int(status.st_mtim.tv_nsec))
            return .file(OpenFile(descriptor, version))
        case S_IFDIR:
            close(descriptor)
            return .folder
        default:
            close(descriptor)
            return .nothing
        }
    }

    private static func openWithoutWaiting(_ path: String) -> CInt {
        var descriptor: CInt
        repeat {
            descriptor = openFile(path)
        } while descriptor < 0 && errno == EINTR
        return descriptor
    }

    /// Whether what was opened lies below a directory, wherever links have led. Asked of the descriptor, not of the
    /// path: that may be another one by now.
    private static func isWithin(_ descriptor: CInt, _ directory: String) -> Bool {
        let root = openWithoutWaiting(directory)
        guard root >= 0 else { return false }
        defer { close(root) }
        guard let place = location(of: descriptor), let top = location(of: root) else { return false }
        return place.starts(with: top)
            && (place.count == top.count || top == "/".utf8.map(CChar.init)
                || place[top.count] == CChar(UInt8(ascii: "/")))
    }

    /// The path of what is open, without links (proc(5), `/proc/self/fd`).
    private static func location(of descriptor: CInt) -> [CChar]? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let room = path.count
        let length = readlink("/proc/self/fd/\(descriptor)", &path, room)
        return length > 0 && length < path.count ? Array(path[..<length]) : nil
    }

    /// The bytes of a range; nil when they cannot be read, as when the file was cut short meanwhile.
    func read(_ range: Range<Int>, with allocator: ByteBufferAllocator = ByteBufferAllocator()) -> ByteBuffer? {
        var buffer = allocator.buffer(capacity: range.count)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.upperBound - offset) { target in
                max(0, pread(descriptor, target.baseAddress, range.upperBound - offset, off_t(offset)))
            }
            if count == 0 { return nil }
            offset += count
        }
        return buffer
    }
}

/// `open` of the C library, whose name is taken within `OpenFile`.
private func openFile(_ path: String) -> CInt {
    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
}
