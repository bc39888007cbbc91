import Logging

extension PlatformSecretLoader {
    /// How often secrets are looked at again.
    package struct Polling: Sendable {
        /// Between two readings of the mounted directories.
        package var directories: Duration
        /// Between two requests to the Kubernetes API.
        package var kubernetes: Duration
        /// How long a change has to stay the same before it counts, so that a half-written file does not.
        package var settling: Duration

        package init(
            directories: Duration = .seconds(2),
            kubernetes: Duration = .seconds(30),
            settling: Duration = .milliseconds(50)
        ) {
            self.directories = directories
            self.kubernetes = kubernetes
            self.settling = settling
        }
    }

    /// The platform's secrets each time they change after `first`; ends when its task is cancelled.
    ///
    /// A secret that was complete and then disappears, becomes incomplete or cannot be read keeps its last values and is
    /// warned of once: a broken rotation must not cut a working connection.
    package func changes(after first: PlatformSecrets, polling: Polling = Polling()) -> Changes {
        Changes(loader: self, first: first, polling: polling)
    }

    /// An endless sequence of secrets; reads only while it is being iterated.
    package struct Changes: AsyncSequence, Sendable {
        package typealias Element = PlatformSecrets
        package typealias Failure = Never

        fileprivate let loader: PlatformSecretLoader
        fileprivate let first: PlatformSecrets
        fileprivate let polling: Polling

        package func makeAsyncIterator() -> Iterator {
            Iterator(loader: loader, current: first, polling: polling)
        }

        package struct Iterator: AsyncIteratorProtocol {
            private let loader: PlatformSecretLoader
            private let polling: Polling
            private var current: PlatformSecrets
            private var warned: Set<PlatformSecretKind> = []
            private var nextFetch: ContinuousClock.Instant

            fileprivate init(loader: PlatformSecretLoader, current: PlatformSecrets, polling: Polling) {
                self.loader = loader
                self.current = current
                self.polling = polling
                nextFetch = .now + polling.kubernetes
            }

            package mutating func next() async -> PlatformSecrets? {
                await next(isolation: nil)
            }

            package mutating func next(isolation actor: isolated (any Actor)?) async -> PlatformSecrets? {
                var candidate: PlatformSecrets?
                while !Task.isCancelled {
                    // Two equal readings in a row make a change.
                    do {
                        try await Task.sleep(for: candidate == nil ? polling.directories : polling.settling)
                    } catch {
                        return nil
                    }
                    let reading = await read(afresh: candidate != nil)
                    if reading == current {
                        candidate = nil
                    } else if reading == candidate {
                        current = reading
                        return reading
                    } else {
                        candidate = reading
                    }
                }
                return nil
            }

            private mutating func read(afresh isConfirming: Bool) async -> PlatformSecrets {
                var earlier: PlatformSecrets? = current
                if loader.isInCluster, isConfirming || nextFetch <= .now {
                    earlier = nil
                    nextFetch = .now + polling.kubernetes
                }
                let reading = await loader.load(reusing: earlier)
                return PlatformSecrets(platform: reading.platform, secrets: reading.secrets.map { keepWorking($0) })
            }

            /// `secret`, or the complete one it would replace with something that does not work.
            private mutating func keepWorking(_ secret: PlatformSecret) -> PlatformSecret {
                guard !secret.isFound, let working = current[secret.kind], working.isFound else {
                    warned.remove(secret.kind)
                    return secret
                }
                if warned.insert(secret.kind).inserted {
                    let problems = PlatformSecrets(platform: current.platform, secrets: [secret]).problems
                    loader.logger.warning(
                        "a platform secret became unusable, its last values stay in use",
                        metadata: [
                            "secret": "\(secret.name)",
                            "problem": "\(problems.joined(separator: "; "))",
                        ])
                }
                return working
            }
        }
    }
}
