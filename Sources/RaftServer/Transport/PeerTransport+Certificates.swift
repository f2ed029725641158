import Glibc
import Logging
import NIOCore
import NIOPosix

extension PeerTransport {
    private static let secondsPerDay = 86_400

    /// Reads the certificate files again, whether they changed or not. Connections made from now on use them, those
    /// that stand stay. The transport also looks by itself once in `Limits.certificateCheckInterval`. After an error
    /// the old ones stay in use.
    public func reloadCertificates() async throws(PeerTransportError) {
        guard let security else { return }
        try await reload(security, always: true)
    }

    private func reload(_ security: TransportSecurity, always: Bool) async throws(PeerTransportError) {
        do throws(PeerTransportError) {
            let isNew = try await offLoop { () throws(PeerTransportError) in try security.reload(always: always) }
            if isNew {
                logger.info("new certificates in use", metadata: ["certificate": "\(security.files.certificate)"])
            }
        } catch {
            logger.error("certificates not reloaded, the old ones stay in use: \(error)")
            throw error
        }
    }

    /// Runs what reads files on a thread that may block.
    func offLoop<Value: Sendable>(
        _ body: @escaping @Sendable () throws(PeerTransportError) -> Value
    ) async throws(PeerTransportError) -> Value {
        let result = try? await NIOThreadPool.singleton.runIfActive {
            Result { () throws(PeerTransportError) in try body() }
        }
        return try (result ?? .failure(.stopped)).get()
    }

    /// Looks at the files once in a while, and says once a day that the certificate ends soon: an expired one parts the
    /// cluster at the next reconnect. Ends when it is cancelled.
    func watchCertificates(_ security: TransportSecurity) -> Task<Void, Never> {
        Task {
            var announced: Int?
            repeat {
                announced = announceEnd(of: security, lastAnnounced: announced)
                try? await Task.sleep(for: Duration(configuration.limits.certificateCheckInterval))
                // A failure is in the log; the next look comes.
                if !Task.isCancelled { try? await reload(security, always: false) }
            } while !Task.isCancelled
        }
    }

    private func announceEnd(of security: TransportSecurity, lastAnnounced: Int?) -> Int? {
        let secondsLeft = security.current.expiresAtUnixSeconds - Glibc.time(nil)
        let daysLeft = secondsLeft / Self.secondsPerDay
        guard daysLeft < configuration.limits.certificateWarningDays, lastAnnounced != daysLeft else {
            return lastAnnounced
        }
        let metadata: Logger.Metadata = ["certificate": "\(security.files.certificate)", "days_left": "\(daysLeft)"]
        if secondsLeft <= 0 {
            logger.error("the node's certificate has expired: peers refuse new connections", metadata: metadata)
        } else {
            logger.warning("the node's certificate expires soon", metadata: metadata)
        }
        return daysLeft
    }
}
