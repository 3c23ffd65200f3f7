#include "store/internal/records.hpp"

#include <algorithm>

namespace sojourn::store {

namespace {

using IdBytes = decltype(Id128::bytes);

}  // namespace

ByteVector encode_process(const ProcessRecord& process) {
    ByteWriter writer;
    writer.put(process.id.bytes);
    writer.put(process.family.bytes);
    writer.put(process.state);
    writer.put(process.epoch);
    writer.put(process.branch);
    writer.put(process.head);
    writer.put(process.exit_code);
    writer.put(process.generation);
    writer.put(process.created_us);
    writer.put_sized(process.name);
    return seal(writer.view());
}

Result<ProcessRecord> decode_process(Bytes value) {
    ByteReader reader(TRY(unseal(value, "a process record")), "a process record");
    ProcessRecord process;
    process.id.bytes = TRY(reader.get<IdBytes>());
    process.family.bytes = TRY(reader.get<IdBytes>());
    process.state = TRY(reader.get<ProcessState>());
    process.epoch = TRY(reader.get<Epoch>());
    process.branch = TRY(reader.get<BranchId>());
    process.head = TRY(reader.get<Version>());
    process.exit_code = TRY(reader.get<std::int32_t>());
    process.generation = TRY(reader.get<std::uint64_t>());
    process.created_us = TRY(reader.get<std::uint64_t>());
    process.name = TRY(reader.get_string());
    TRY(reader.expect_end());
    if (process.state > ProcessState::exited) {
        return fail(ErrorCode::corrupt, "a process record names an unknown state");
    }
    return process;
}

ByteVector encode_checkpoint(const CheckpointInfo& checkpoint) {
    ByteWriter writer;
    writer.put(checkpoint.id);
    writer.put(checkpoint.parent);
    writer.put(checkpoint.branch);
    writer.put(checkpoint.process.bytes);
    writer.put(checkpoint.time_us);
    writer.put(checkpoint.dirty_pages);
    writer.put(checkpoint.written_bytes);
    writer.put(checkpoint.pause_us);
    writer.put_sized(checkpoint.message);
    return seal(writer.view());
}

Result<CheckpointInfo> decode_checkpoint(Bytes value) {
    ByteReader reader(TRY(unseal(value, "a checkpoint record")), "a checkpoint record");
    CheckpointInfo checkpoint;
    checkpoint.id = TRY(reader.get<Version>());
    checkpoint.parent = TRY(reader.get<Version>());
    checkpoint.branch = TRY(reader.get<BranchId>());
    checkpoint.process.bytes = TRY(reader.get<IdBytes>());
    checkpoint.time_us = TRY(reader.get<std::uint64_t>());
    checkpoint.dirty_pages = TRY(reader.get<std::uint64_t>());
    checkpoint.written_bytes = TRY(reader.get<std::uint64_t>());
    checkpoint.pause_us = TRY(reader.get<std::uint64_t>());
    checkpoint.message = TRY(reader.get_string());
    TRY(reader.expect_end());
    return checkpoint;
}

ByteVector encode_runs(std::span<const UnitRun> runs) {
    return seal(std::as_bytes(runs));
}

Result<std::vector<UnitRun>> decode_runs(Bytes value) {
    const Bytes raw = TRY(unseal(value, "a list of written units"));
    if (raw.size() % sizeof(UnitRun) != 0) {
        return fail(ErrorCode::corrupt, "a list of written units has another size");
    }
    std::vector<UnitRun> runs(raw.size() / sizeof(UnitRun));
    std::ranges::copy(raw, std::as_writable_bytes(std::span(runs)).begin());
    std::uint64_t units = 0;
    for (const UnitRun& run : runs)
        units += run.count;
    if (units > kListUnitsMax) {
        return fail(ErrorCode::corrupt, "a list of written units names {}, {} are the most", units,
                    kListUnitsMax);
    }
    return runs;
}

}  // namespace sojourn::store
