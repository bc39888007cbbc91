import Foundation

/// A certificate authority of a test's own and a server certificate for 127.0.0.1 and localhost, made by `openssl`.
struct TestCertificates: Sendable {
    let authority: String
    let certificate: String
    let key: String

    /// - Parameter folder: where the files go.
    init(in folder: TemporaryFolder, name: String = "tls") throws {
        try folder.makeDirectory(name)
        let path = "\(folder.path)/\(name)"
        authority = path + "/ca.crt"
        certificate = path + "/server.crt"
        key = path + "/server.key"
        try Self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=Test CA \(name)", "-keyout", path + "/ca.key", "-out", authority)
        try Self.openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=kubernetes",
            "-keyout", key, "-out", path + "/server.csr")
        try folder.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n", to: name + "/names.ext")
        try Self.openssl(
            "x509", "-req", "-in", path + "/server.csr", "-CA", authority, "-CAkey", path + "/ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", path + "/names.ext", "-out", certificate)
    }

    private struct Failure: Error {
        let output: String
    }

    static func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(output: String(decoding: text, as: UTF8.self)) }
    }
}
