package import AgentModel
package import LuaRuntime
import NIOCore

/// What functions that wait return: the values pushed, and their number. A failure that can be expected is `nil, message`.
extension LuaStack {
    /// Pushes `nil, message`.
    package func pushFailure(_ message: String) -> Int32 {
        pushNil()
        push(message)
        return 2
    }

    /// Pushes what `agenthost.file.read` returns.
    package func push(file result: Result<[UInt8], DeliveryFailure>) -> Int32 {
        switch result {
        case .failure(let failure): return pushFailure(failure.description)
        case .success(let bytes):
            bytes.withUnsafeBytes { push($0) }
            return 1
        }
    }

    /// Pushes what `agenthost.secrets` returns.
    package func push(secrets result: Result<[String: JSONValue], DeliveryFailure>) -> Int32 {
        switch result {
        case .failure(let failure): return pushFailure(failure.description)
        case .success(let values):
            newTable(array: 0, fields: Int32(values.count))
            for (name, value) in values {
                push(value)
                setField(name, of: -2)
            }
            return 1
        }
    }

    /// Pushes what `agenthost.http` returns. Throws when its JSON does not fit into what is left of the script's memory.
    package func push(http result: Result<HTTPAnswer, DeliveryFailure>) throws(LuaError) -> Int32 {
        let answer: HTTPAnswer
        switch result {
        case .failure(let failure): return pushFailure(failure.description)
        case .success(let success): answer = success
        }
        newTable(array: 0, fields: 5)
        push(answer.status)
        setField("status", of: -2)
        setHeaders(answer.headers.map { MessageHeader(name: $0.name.lowercased(), value: Array($0.value.utf8)) })
        let isJSON = answer.headers.contains {
            $0.name.lowercased() == "content-type" && $0.value.lowercased().contains("json")
        }
        let refusal: LuaError? = answer.body.withUnsafeReadableBytes { bytes in
            push(bytes)
            setField("body", of: -2)
            guard isJSON else { return nil }
            do throws(JSONDecodingError) {
                try pushJSON(bytes)
                setField("json", of: -2)
                return nil
            } catch {
                return error.refusal
            }
        }
        if let refusal { throw refusal }
        return 1
    }

    /// Pushes what a function of `agenthost.store` returns. Throws where it does not fit into the script's memory.
    package func push(store result: Result<StoreAnswer, DeliveryFailure>) throws(LuaError) -> Int32 {
        switch result {
        case .failure(let failure): return pushFailure(failure.description)
        case .success(.value(nil)): pushNil()
        case .success(.value(let value?)): return try push(value)
        case .success(.done): push(true)
        case .success(.number(.integer(let number))): push(number)
        case .success(.number(.real(let number))): push(number)
        case .success(.keys(let keys)):
            newTable(array: Int32(clamping: keys.count))
            for (index, key) in keys.enumerated() {
                key.withUnsafeBytes { push($0) }
                setIndex(index + 1, of: -2)
            }
            markArray(at: -1)
        }
        return 1
    }

    private func push(_ value: StoreValue) throws(LuaError) -> Int32 {
        let failure: JSONDecodingError? = value.bytes.withUnsafeBytes { bytes in
            if value.kind == .bytes {
                push(bytes)
                return nil
            }
            do throws(JSONDecodingError) {
                try pushJSON(bytes)
                return nil
            } catch {
                return error
            }
        }
        guard let failure else { return 1 }
        if let refusal = failure.refusal { throw refusal }
        return pushFailure("the value in the store is broken: \(failure.message)")
    }
}
