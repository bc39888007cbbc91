// Settings that are understood, and do less than whoever set them may believe.
extension AgentConfig {
    /// Why no host may serve with this configuration; nil: it may.
    ///
    /// An issuer of tokens says that not everybody is to be answered. As long as tokens are not checked here, that has to be
    /// somebody else's doing, and said to be.
    package var refusal: String? {
        guard let origin = origin(of: "jwt_issuer_uri"), !boolean("auth_by_proxy") else { return nil }
        var variable = "JWT_ISSUER_URI"
        if case .environment(let name, _) = origin { variable = name }
        return "\(variable) is set (\(origin)), but tokens are not checked yet: everybody would be answered. "
            + "Have a proxy in front of the host check them, and set AUTH_BY_PROXY=true; or do not set \(variable)"
    }

    /// What is set and changes nothing, a sentence each.
    package var idle: [String] {
        var lines: [String] = []
        if isGiven("kafka_schema_registry_url") {
            lines.append(
                "KAFKA_SCHEMA_REGISTRY_URL is set, but no registry is asked: payloads are JSON, text or bytes as they come; "
                    + "a script finds the address in agent.config.kafka_schema_registry_url")
        }
        let wireProtocol = text("kafka_security_protocol") ?? ""
        if hasKafka, !wireProtocol.hasPrefix("SASL_") {
            let login = ["KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_SASL_MECHANISM"].filter { isGiven($0.lowercased()) }
            if let first = login.first {
                lines.append(
                    "\(first) is set, but nobody logs in to Kafka: KAFKA_SECURITY_PROTOCOL is \(wireProtocol); "
                        + "SASL_SSL and SASL_PLAINTEXT log in")
            }
        }
        return lines
    }

    private func isGiven(_ field: String) -> Bool { origin(of: field).map { $0 != .default } ?? false }
}
