import AgentModel
import Crypto
import Foundation
import LuaRuntime

/// `agenthost.sha256`, `agenthost.hmac` and `agenthost.hmac.verify`.
enum DigestModule: ScriptModule {
    private enum Algorithm: String, CaseIterable {
        case sha1, sha256, sha384, sha512
    }

    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.setFunction("sha256") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let text = try arguments.bytes(1, "text")
            let isRaw = try arguments.options(2, "options", known: ["raw"])?.boolean("raw") ?? false
            var hash = SHA256()
            try call.inPieces(text, nanoseconds: 4) { hash.update(bufferPointer: $0) }
            push(Array(hash.finalize()), isRaw: isRaw, on: call.stack)
            return .results(1)
        }
        stack.newTable(array: 0, fields: 1)
        stack.setFunction("verify") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let options = try self.options(4, known: ["algorithm"], arguments)
            let code = try self.code(arguments, keyAt: 1, options.algorithm, call)
            // A request without a signature is not signed.
            guard !arguments.isMissing(3) else {
                call.stack.push(false)
                return .results(1)
            }
            let signature = try arguments.bytes(3, "signature")
            call.stack.push(isEqual(signature, code))
            return .results(1)
        }
        stack.newTable(array: 0, fields: 3)
        // The table itself is the first argument.
        stack.pushFunction("hmac") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let options = try self.options(4, known: ["algorithm", "raw"], arguments)
            let code = try self.code(arguments, keyAt: 2, options.algorithm, call)
            push(code, isRaw: options.isRaw, on: call.stack)
            return .results(1)
        }
        stack.setField("__call", of: -2)
        stack.pushUnknownFieldFunction("agenthost.hmac has no", ofTableAt: -2)
        stack.setField("__index", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.setMetatable(of: -2)
        stack.setField("hmac", of: -2)
    }

    /// An algorithm by its name, or a table of options.
    private static func options(
        _ index: Int32, known: [String], _ arguments: Arguments
    ) throws(LuaFailure) -> (algorithm: Algorithm, isRaw: Bool) {
        if arguments.isMissing(index) { return (.sha256, false) }
        var name: String?
        var isRaw = false
        if arguments.stack.type(at: index) == .string {
            name = try arguments.string(index, "algorithm")
        } else if let options = try arguments.options(index, "algorithm", known: known) {
            name = try options.string("algorithm")
            if known.contains("raw") { isRaw = try options.boolean("raw") ?? false }
        }
        guard let name else { return (.sha256, isRaw) }
        guard let algorithm = Algorithm(rawValue: name.lowercased()) else {
            let names = Algorithm.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw arguments.invalid("algorithm", "one of \(names) expected, got \"\(name)\"")
        }
        return (algorithm, isRaw)
    }

    private static func code(
        _ arguments: Arguments, keyAt index: Int32, _ algorithm: Algorithm, _ call: LuaCall
    ) throws(LuaFailure) -> [UInt8] {
        let key = try arguments.bytes(index, "key")
        let text = try arguments.bytes(index + 1, "text")
        return switch algorithm {
        case .sha1: try code(Insecure.SHA1.self, key, text, call)
        case .sha256: try code(SHA256.self, key, text, call)
        case .sha384: try code(SHA384.self, key, text, call)
        case .sha512: try code(SHA512.self, key, text, call)
        }
    }

    /// RFC 2104.
    private static func code<Hash: HashFunction>(
        _ hash: Hash.Type, _ key: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer, _ call: LuaCall
    ) throws(LuaFailure) -> [UInt8] {
        var keyHash = Hash()
        // A long key stands for its hash; HMAC would take all of it in one go.
        let isLong = key.count > Hash.blockByteCount
        if isLong { try call.inPieces(key, nanoseconds: 4) { keyHash.update(bufferPointer: $0) } }
        let short = isLong ? SymmetricKey(data: Array(keyHash.finalize())) : SymmetricKey(data: Array(key))
        var code = HMAC<Hash>(key: short)
        try call.inPieces(text, nanoseconds: 4) { code.update(data: $0) }
        return Array(code.finalize())
    }

    private static func push(_ digest: [UInt8], isRaw: Bool, on stack: LuaStack) {
        (isRaw ? digest : hexadecimal(digest)).withUnsafeBytes { stack.push($0) }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { [Hexadecimal.digit($0 >> 4), Hexadecimal.digit($0 & 15)] }
    }

    /// Whether a signature, as bytes or as hexadecimal digits, is the code. Looks at all of it however early it differs, so
    /// that nobody can find a signature out by the time that this takes.
    private static func isEqual(_ signature: UnsafeRawBufferPointer, _ code: [UInt8]) -> Bool {
        let expected = signature.count == code.count ? code : hexadecimal(code)
        guard signature.count == expected.count else { return false }
        var difference: UInt8 = 0
        for (given, byte) in zip(signature, expected) {
            // Digits beyond 9 may be capitals.
            let isCapital = expected.count != code.count && (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(given)
            difference |= (isCapital ? given | 0x20 : given) ^ byte
        }
        return difference == 0
    }
}
