import AgentModel
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// The Kubernetes API as a pod reaches it with its service account (Kubernetes documentation, "Accessing the Kubernetes
/// API from a Pod").
struct KubernetesAPI: Sendable {
    /// What the API said of one secret.
    enum Answer: Sendable, Equatable {
        /// The values by key, and what is wrong with single keys.
        case read([String: Secret], problems: [String])
        /// There is no such secret.
        case notFound
        /// The API could not be asked, or refused; why, and the remedy.
        case failed(String)
    }

    private static let maximumBytes = 4 << 20

    private let authority: String
    private let serviceAccountPath: String
    private let patience: TimeAmount

    /// - Parameter patience: how long connecting, and each wait for more of an answer, may take; a whole answer has twice that.
    /// - Returns: nil outside a pod: without `KUBERNETES_SERVICE_HOST` or with a port that is none, or without a mounted
    ///   service account.
    init?(environment: [String: String], serviceAccountPath: String, patience: TimeAmount) {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            FileManager.default.fileExists(atPath: serviceAccountPath + "/token")
        else { return nil }
        let port =
            environment["KUBERNETES_SERVICE_PORT_HTTPS"] ?? environment["KUBERNETES_SERVICE_PORT"] ?? "443"
        // AsyncHTTPClient traps on a port beyond 65535.
        guard UInt16(port).map({ $0 > 0 }) == true else { return nil }
        let isIPv6 = host.contains(":") && !host.hasPrefix("[")
        authority = (isIPv6 ? "[\(host)]" : host) + ":" + port
        self.serviceAccountPath = serviceAccountPath
        self.patience = patience
    }

    /// The pod's namespace.
    var namespace: String {
        (try? text(ofFile: "namespace")) ?? "default"
    }

    /// Reads the secrets of these names at once; every name has an answer.
    func secrets(named names: [String]) async -> [String: Answer] {
        guard !names.isEmpty else { return [:] }
        let client: HTTPClient
        do {
            client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try configuration())
        } catch {
            let reason = "\(serviceAccountPath)/ca.crt cannot be used: mount the service account's certificate there"
            return Dictionary(uniqueKeysWithValues: Set(names).map { ($0, .failed(reason)) })
        }
        let namespace = namespace
        let answers = await withTaskGroup(of: (String, Answer).self, returning: [String: Answer].self) { group in
            for name in Set(names) {
                group.addTask { (name, await secret(named: name, in: namespace, over: client)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        // Nothing is under way any more, so there is nothing a failure to close could lose.
        try? await client.shutdown()
        return answers
    }

    private func configuration() throws -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(serviceAccountPath + "/ca.crt"))
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: patience, read: patience)
        )
        // A refused connection is an answer; whoever watches asks again at the next interval.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// A token may expire between being read and being checked, so a 401 is asked once more with the token read anew.
    private func secret(named name: String, in namespace: String, over client: HTTPClient) async -> Answer {
        do {
            var answer = try await ask(name, namespace, client)
            if answer.status == .unauthorized { answer = try await ask(name, namespace, client) }
            return decode(answer.status, answer.body, name: name, namespace: namespace)
        } catch let problem as SecretText.Problem {
            return .failed(problem.text)
        } catch {
            let reason = Self.reason(error)
            return .failed("the Kubernetes API at \(authority) cannot be reached (\(reason)): check the network policy")
        }
    }

    /// For people: the errors of the libraries name their own types.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: return error.shortDescription.lowercased()
        case let error as NIOConnectionError:
            let refused = error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
            return refused ? "connection refused" : "no connection"
        case is NIOSSLError, is NIOSSLExtraError: return "no TLS connection, as its certificate is not trusted"
        default: return "it did not answer as expected"
        }
    }

    private func ask(
        _ name: String, _ namespace: String, _ client: HTTPClient
    ) async throws -> (status: HTTPResponseStatus, body: ByteBuffer) {
        let token: String
        do {
            token = try text(ofFile: "token")
        } catch {
            throw SecretText.Problem(
                text: "\(serviceAccountPath)/token cannot be read: mount the service account's token there")
        }
        var request = HTTPClientRequest(url: "https://\(authority)/api/v1/namespaces/\(namespace)/secrets/\(name)")
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        request.headers.add(name: "Accept", value: "application/json")
        let response = try await client.execute(request, timeout: patience * 2)
        return (response.status, try await response.body.collect(upTo: Self.maximumBytes))
    }

    private func text(ofFile name: String) throws -> String {
        try String(contentsOfFile: serviceAccountPath + "/" + name, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension KubernetesAPI {
    private func decode(
        _ status: HTTPResponseStatus, _ body: ByteBuffer, name: String, namespace: String
    ) -> Answer {
        let place = "Kubernetes secret \(namespace)/\(name)"
        let object = try? JSONValue(parsing: body)
        let kind = object?["kind"]?.stringValue
        switch status.code {
        case 200:
            guard kind == "Secret", let data = Self.texts(object?["data"] ?? .null) else {
                return .failed("\(place): the API's answer is no Secret object")
            }
            return values(data, place: place)
        case 404 where kind == "Status" && object?["reason"]?.stringValue == "NotFound":
            return .notFound
        case 401:
            return .failed("\(place): the API does not accept the service account's token (401)")
        case 403:
            return .failed("\(place) may not be read (403): grant the service account \"get\" on secrets")
        default:
            return .failed("\(place): the API at \(authority) answered \(status.code)")
        }
    }

    /// The members of an object of strings, none for null; nil for anything else.
    private static func texts(_ value: JSONValue) -> [String: String]? {
        if value.isNull { return [:] }
        guard let object = value.objectValue else { return nil }
        let texts = object.compactMap { member in member.value.stringValue.map { (member.key, $0) } }
        return texts.count == object.count ? Dictionary(texts) { $1 } : nil
    }

    private func values(_ encoded: [String: String], place: String) -> Answer {
        var values: [String: Secret] = [:]
        var problems: [String] = []
        for (key, text) in encoded.sorted(by: { $0.key < $1.key }) {
            guard let bytes = Data(base64Encoded: text) else {
                problems.append("\(place) key \(key) is not base64: write the secret anew")
                continue
            }
            switch SecretText.value(Array(bytes), at: "\(place) key \(key)") {
            case .success(let value): values[key] = value
            case .failure(let problem): problems.append(problem.text)
            }
        }
        return .read(values, problems: problems)
    }
}
