import FoundationEssentials
import Raft
import SwiftProtobuf

/// Results that are larger than a command (`design/state.md` 20): chunks under (task, epoch, digest), seen by nobody before a
/// StepCompleted or a Finish names the digest. What a task has uploaded goes with its assignment.
extension ClusterState {
    /// Answers how many bytes of the result are here, whether the chunk has added to them or came again.
    mutating func apply(_ command: ResultChunk) -> Outcome {
        switch claim(command.taskID, epoch: command.epoch) {
        case .refused(let outcome): return outcome
        case .valid(let key, let record, _):
            if record.status == .cancelling { return .rejected(.wrongState(.cancelling)) }
            guard let digest = StateHash(bytes: command.sha256) else { return .rejected(.invalid(field: "sha256")) }
            let uploadKey = UploadKey(task: key, digest: digest)
            let known = tables.uploads[uploadKey]
            if let known, command.offset != known.received { return .done(count: known.received) }
            if let rejection = rejection(of: command, key, record, known) { return .rejected(rejection) }
            var upload = known ?? UploadRecord.with { $0.epoch = record.epoch }
            upload.parts.append(bring(command.data))
            upload.received += UInt64(command.data.count)
            putUpload(upload, at: uploadKey)
            return .done(count: upload.received)
        }
    }

    /// The greatest result bounds a single one, what admission has set aside all of a task's together.
    private func rejection(
        of command: ResultChunk, _ key: TaskKey, _ record: TaskRecord, _ known: UploadRecord?
    ) -> Rejection? {
        let count = UInt64(command.data.count)
        if count == 0 { return .invalid(field: "data") }
        if count > UInt64(limits.chunkBytes) { return .tooLarge(limitBytes: UInt64(limits.chunkBytes)) }
        if known == nil {
            if command.offset != 0 { return .invalid(field: "offset") }
            if uploads(of: key).count >= limits.uploadsPerTask { return .invalid(field: "sha256") }
        } else if let known, known.parts.count >= limits.chunksPerResult {
            return .invalid(field: "offset")
        }
        if (known?.received ?? 0) + count > record.resultLimitBytes {
            return .tooLarge(limitBytes: record.resultLimitBytes)
        }
        let open = uploads(of: key).reduce(0) { $0 + $1.record.received }
        return open + count > record.reservedBytes ? .tooLarge(limitBytes: record.reservedBytes) : nil
    }

    /// Of a result in a command: its bytes, or that they were uploaded.
    func problem(with payload: Payload, of key: TaskKey, _ record: TaskRecord) -> PayloadProblem? {
        guard case .uploaded(let upload) = payload.content else {
            return payload.problem(limit: record.resultLimitBytes)
        }
        guard payload.length <= record.resultLimitBytes else { return .tooLarge }
        guard let known = self.upload(named: payload, of: key), known.received == upload.storedLength,
            payload.isPlausible(storedLength: upload.storedLength)
        else { return .invalid }
        return nil
    }

    /// What the state keeps of a result.
    mutating func keep(_ payload: Payload, of key: TaskKey) -> Payload {
        guard case .uploaded = payload.content else { return keep(payload) }
        guard let known = upload(named: payload, of: key) else { preconditionFailure("checked by `rejection`") }
        var kept = payload
        kept.reference = .with {
            $0.storedLength = known.received
            $0.parts = known.parts
        }
        return kept
    }

    // MARK: Rows

    private func upload(named payload: Payload, of key: TaskKey) -> UploadRecord? {
        StateHash(bytes: payload.sha256).flatMap { tables.uploads[UploadKey(task: key, digest: $0)] }
    }

    func uploads(of key: TaskKey) -> [(key: UploadKey, record: UploadRecord)] {
        guard !tables.uploads.isEmpty else { return [] }
        return tables.uploads.rows.from(UploadKey(task: key, digest: .zero)).prefix { $0.key.task == key }
            .map { ($0.key, $0.value.record) }
    }

    private mutating func putUpload(_ upload: UploadRecord, at key: UploadKey) {
        let old = tables.uploads[key]
        tables.uploads.put(upload, at: key, &entry.changes)
        indexes.payloadsChanged(from: old?.payloadParts ?? [], to: upload.payloadParts)
    }

    private mutating func removeUpload(_ key: UploadKey) {
        guard let row = tables.uploads.remove(key, &entry.changes) else { return }
        indexes.payloadsChanged(from: row.record.payloadParts, to: [])
    }

    /// What a row names now is no upload any more.
    mutating func removeUpload(named payload: Payload, of key: TaskKey) {
        guard case .uploaded = payload.content, let digest = StateHash(bytes: payload.sha256) else { return }
        removeUpload(UploadKey(task: key, digest: digest))
    }

    /// The assignment ends: nobody will name what it has uploaded.
    mutating func removeUploads(of key: TaskKey) {
        for upload in uploads(of: key) { removeUpload(upload.key) }
    }
}

extension UploadRecord: PayloadBearing {
    var payloadParts: [PayloadPart] { parts }
}
