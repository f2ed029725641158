import CCurl

/// The one thread on which libcurl runs: takes commands, lets libcurl work, ends what has finished or waited too long,
/// and sleeps until a socket, a command or a deadline wakes it.
///
/// It asks libcurl to poll all sockets at each turn. That costs time in proportion to the open transfers, which the
/// limits keep in the hundreds, where it is faster than libcurl's event interface.
final class TransferLoop {
    typealias Instant = ContinuousClock.Instant

    /// Deadlines are looked at no more often than this.
    static let deadlineGranularity: Duration = .milliseconds(10)

    private let limits: EgressLimits
    private let mailbox: DriverMailbox
    private let multi: UnsafeMutableRawPointer
    private let clock = ContinuousClock()
    private var transfers: [TransferID: Transfer] = [:]
    private var transferOfHandle: [UnsafeMutableRawPointer: Transfer] = [:]
    private var queue: TransferQueue<TransferID>
    private var spareHandles: [EasyHandle] = []
    private var lastScan: Instant
    private var isStopping = false

    init?(mailbox: DriverMailbox, limits: EgressLimits) {
        guard let multi = curl_multi_init() else { return nil }
        self.multi = multi
        self.mailbox = mailbox
        self.limits = limits
        queue = TransferQueue(
            concurrent: limits.concurrentTransfers, concurrentPerEndpoint: limits.concurrentTransfersPerEndpoint)
        lastScan = clock.now
        amas_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.keptConnections)
        mailbox.open(multi)
    }

    /// Returns after a stop command, when nothing is left of any transfer.
    func run() {
        while true {
            obeyCommands()
            if isStopping { break }
            startWaiting()
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            endFinished()
            let timeout = endExpired()
            startWaiting()
            curl_multi_poll(multi, nil, 0, timeout, nil)
        }
        mailbox.close()
        for transfer in Array(transfers.values) { end(transfer, .failure(.shutDown)) }
        spareHandles = []
        curl_multi_cleanup(multi)
        mailbox.announceStop()
    }

    private func obeyCommands() {
        for command in mailbox.takeCommands() {
            switch command {
            case .start(let id, let plan, let channel):
                transfers[id] = Transfer(id, plan, channel, at: clock.now)
                queue.add(id, to: plan.request.url.endpoint)
            case .cancel(let id):
                if let transfer = transfers[id] { end(transfer, .failure(.cancelled)) }
            case .release(let id):
                transfers[id]?.release()
            case .stop:
                isStopping = true
            }
        }
    }

    private func startWaiting() {
        for id in queue.takeStartable() {
            guard let transfer = transfers[id] else { preconditionFailure("a transfer that ends leaves the queue") }
            start(transfer)
        }
    }

    private func start(_ transfer: Transfer) {
        guard let easy = spareHandles.popLast() ?? EasyHandle() else { return end(transfer, .failure(.overloaded)) }
        transfer.easy = easy
        transfer.deadlines.started(at: clock.now)
        do {
            try transfer.configure(easy)
        } catch {
            return end(transfer, .failure(error))
        }
        transferOfHandle[easy.raw] = transfer
        curl_multi_add_handle(multi, easy.raw)
    }

    private func endFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
            guard let transfer = transferOfHandle[handle] else { preconditionFailure("libcurl knows only our handles") }
            end(transfer, transfer.result(message.pointee.data.result))
        }
    }

    /// Gives the milliseconds until it must be called again.
    private func endExpired() -> Int32 {
        let now = clock.now
        guard now - lastScan >= TransferLoop.deadlineGranularity else {
            return TransferLoop.milliseconds(TransferLoop.deadlineGranularity)
        }
        lastScan = now
        var next = now + .seconds(60)
        for transfer in Array(transfers.values) {
            if let error = transfer.deadlines.expiry(at: now) {
                end(transfer, .failure(error))
            } else {
                next = min(next, transfer.deadlines.next)
            }
        }
        return TransferLoop.milliseconds(next - now)
    }

    /// The reader is told first, so that it never waits for libcurl's housekeeping.
    private func end(_ transfer: Transfer, _ result: Result<Void, EgressError>) {
        transfer.channel.finish(result)
        transfers[transfer.id] = nil
        if let easy = transfer.easy {
            if transferOfHandle.removeValue(forKey: easy.raw) != nil {
                if case .failure = result { abandonConnection(of: easy) }
                curl_multi_remove_handle(multi, easy.raw)
                if case .failure = result { flushStreamReset(beside: transfer) }
            }
            easy.reset()
            spareHandles.append(easy)
            transfer.easy = nil
            queue.finished(transfer.plan.request.url.endpoint)
        } else {
            queue.remove(transfer.id)
        }
        mailbox.transferEnded()
    }

    /// Removing a handle in the middle of its transfer closes an HTTP/1 connection at once, but libcurl 7.88 only
    /// *writes down* the reset of an HTTP/2 stream and sends it with whatever the connection carries next, which may be
    /// never. So a connection that nobody else uses is closed too; libcurl ignores this while others use it.
    private func abandonConnection(of easy: EasyHandle) {
        amas_curl_set_long(easy.raw, CURLOPT_FORBID_REUSE, 1)
    }

    /// The same for a connection that others use: changing a neighbour's flow control makes libcurl send what it has
    /// written down. A neighbour that is held by its reader stays as it is.
    private func flushStreamReset(beside ended: Transfer) {
        guard ended.plan.request.url.endpoint.scheme == .https, ended.plan.request.protocols == .http2OverTLS else {
            return
        }
        for neighbour in transferOfHandle.values
        where neighbour.plan.request.url.endpoint == ended.plan.request.url.endpoint {
            guard let easy = neighbour.easy, neighbour.deadlines.phase != .held else { continue }
            curl_easy_pause(easy.raw, CURLPAUSE_RECV)
            curl_easy_pause(easy.raw, CURLPAUSE_CONT)
        }
    }

    /// Rounded up: waking too early would only mean waking twice.
    private static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        return Int32(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
