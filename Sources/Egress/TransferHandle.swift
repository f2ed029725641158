/// The reading task's end of a transfer. Letting go of it ends the transfer, if it has not ended.
final class TransferHandle: Sendable {
    private let id: TransferID
    private let channel: ResponseChannel
    private let mailbox: DriverMailbox

    init(_ plan: TransferPlan, mailbox: DriverMailbox) throws(EgressError) {
        channel = ResponseChannel(capacity: plan.limits.bufferedBodyBytes)
        self.mailbox = mailbox
        id = try mailbox.submit(plan, to: channel)
    }

    deinit {
        if !channel.isEnded { cancel() }
    }

    func head() async throws(EgressError) -> ResponseHead {
        let result = await withTaskCancellationHandler {
            await channel.head()
        } onCancel: {
            cancel()
        }
        return try result.get()
    }

    func nextChunk() async throws(EgressError) -> [UInt8]? {
        let result = await withTaskCancellationHandler {
            await channel.next { mailbox.release(id) }
        } onCancel: {
            cancel()
        }
        return try result.get()
    }

    /// The reader is answered at once; libcurl's thread closes the socket or resets the stream when it wakes up.
    private func cancel() {
        channel.finish(.failure(.cancelled))
        mailbox.cancel(id)
    }
}
