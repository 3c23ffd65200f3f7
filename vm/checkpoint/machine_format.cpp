#include "vm/checkpoint/machine_state.hpp"

/// Encoding and decoding of MachineState.
namespace sojourn::vm {

namespace {

constexpr std::uint64_t kMagic = 0x454e'4843'414d'4a53;  // "SJMACHNE"
constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kVersionWithoutExceptions = 2;
constexpr std::uint32_t kHostInstance = UINT32_MAX;
constexpr std::string_view kSubject = "the machine's state";

void put_count(ByteWriter& out, std::size_t count) {
    EXPECTS(count <= UINT32_MAX, "lists of a state have 32-bit counts");
    out.put(static_cast<std::uint32_t>(count));
}

void put_flags(ByteWriter& out, const std::vector<bool>& flags) {
    put_count(out, flags.size());
    for (const bool flag : flags)
        out.put(static_cast<std::uint8_t>(flag ? 1 : 0));
}

void put_instance(ByteWriter& out, const InstanceState& instance) {
    out.put_bytes(instance.module.bytes);
    put_count(out, instance.imports.size());
    for (const auto& binding : instance.imports) {
        out.put(binding ? static_cast<std::uint32_t>(binding->instance) : kHostInstance);
        out.put(binding ? binding->export_index : 0U);
    }
    put_count(out, instance.memories.size());
    for (const auto& memory : instance.memories) {
        out.put(memory.region);
        out.put(memory.pages);
    }
    put_count(out, instance.tables.size());
    for (const auto& table : instance.tables) {
        out.put(table.region);
        out.put(table.size);
    }
    out.put(instance.globals);
    put_flags(out, instance.dropped_elements);
    put_flags(out, instance.dropped_data);
}

void put_thread(ByteWriter& out, const ThreadState& thread) {
    out.put(thread.slots);
    out.put(thread.frames);
    out.put(thread.frame_count);
    out.put(thread.slot_count);
}

void put_exception(ByteWriter& out, const ExceptionState& exception) {
    out.put(exception.number);
    out.put(exception.instance);
    out.put(exception.tag_index);
    put_count(out, exception.values.size());
    for (const std::uint64_t value : exception.values)
        out.put(value);
}

constexpr std::size_t kBindingBytes = 8;
constexpr std::size_t kPartBytes = 8;  ///< of a memory or table
constexpr std::size_t kInstanceBytesMin = 56;
constexpr std::size_t kThreadBytes = 20;
constexpr std::size_t kExceptionBytesMin = 16;

Result<std::vector<bool>> get_flags(ByteReader& in) {
    const auto count = TRY(in.get_count(1));
    std::vector<bool> flags;
    for (const std::byte flag : TRY(in.get_bytes(count))) {
        if (flag > std::byte{1}) {
            return fail(ErrorCode::corrupt, "{} has a flag that is neither 0 nor 1", kSubject);
        }
        flags.push_back(flag == std::byte{1});
    }
    return flags;
}

Result<std::vector<ImportBinding>> get_bindings(ByteReader& in) {
    const auto count = TRY(in.get_count(kBindingBytes));
    std::vector<ImportBinding> bindings;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto instance = TRY(in.get<std::uint32_t>());
        const auto export_index = TRY(in.get<std::uint32_t>());
        if (instance == kHostInstance) {
            bindings.push_back(kBoundToHost);
        } else {
            bindings.push_back(ExternRef{static_cast<InstanceIndex>(instance), export_index});
        }
    }
    return bindings;
}

template <typename Part>
Result<std::vector<Part>> get_parts(ByteReader& in) {
    const auto count = TRY(in.get_count(kPartBytes));
    std::vector<Part> parts;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto region = TRY(in.get<store::RegionId>());
        const auto size = TRY(in.get<std::uint32_t>());
        parts.push_back({region, size});
    }
    return parts;
}

Result<InstanceState> get_instance(ByteReader& in) {
    InstanceState instance;
    instance.module = TRY(in.get<Sha256>());
    instance.imports = TRY(get_bindings(in));
    instance.memories = TRY(get_parts<MemoryState>(in));
    instance.tables = TRY(get_parts<TableState>(in));
    instance.globals = TRY(in.get<store::RegionId>());
    instance.dropped_elements = TRY(get_flags(in));
    instance.dropped_data = TRY(get_flags(in));
    return instance;
}

Result<ThreadState> get_thread(ByteReader& in) {
    ThreadState thread;
    thread.slots = TRY(in.get<store::RegionId>());
    thread.frames = TRY(in.get<store::RegionId>());
    thread.frame_count = TRY(in.get<std::uint32_t>());
    thread.slot_count = TRY(in.get<std::uint64_t>());
    return thread;
}

Result<ExceptionState> get_exception(ByteReader& in) {
    ExceptionState exception;
    exception.number = TRY(in.get<std::uint32_t>());
    exception.instance = TRY(in.get<std::uint32_t>());
    exception.tag_index = TRY(in.get<std::uint32_t>());
    const auto count = TRY(in.get_count(sizeof(std::uint64_t)));
    for (std::uint32_t i = 0; i < count; ++i)
        exception.values.push_back(TRY(in.get<std::uint64_t>()));
    return exception;
}

}  // namespace

ByteVector encode(const MachineState& state) {
    ByteWriter out;
    out.put(kMagic);
    out.put(kVersion);
    out.put(state.stack_bytes_max);
    out.put(state.memory_bytes_max);
    out.put(state.fuel);
    out.put(state.safepoints);
    out.put(state.host_calls);
    put_count(out, state.instances.size());
    for (const auto& instance : state.instances)
        put_instance(out, instance);
    put_count(out, state.threads.size());
    for (const auto& thread : state.threads)
        put_thread(out, thread);
    put_count(out, state.exceptions.size());
    for (const auto& exception : state.exceptions)
        put_exception(out, exception);
    return out.take();
}

Result<MachineState> decode_machine_state(Bytes bytes) {
    ByteReader in(bytes, kSubject);
    if (TRY(in.get<std::uint64_t>()) != kMagic) {
        return fail(ErrorCode::corrupt, "{} does not begin with its magic number", kSubject);
    }
    const auto version = TRY(in.get<std::uint32_t>());
    if (version != kVersion && version != kVersionWithoutExceptions) {
        return fail(ErrorCode::unsupported_format, "{} has version {}, this build reads {}",
                    kSubject, version, kVersion);
    }
    MachineState state;
    state.stack_bytes_max = TRY(in.get<std::uint64_t>());
    state.memory_bytes_max = TRY(in.get<std::uint64_t>());
    state.fuel = TRY(in.get<std::uint64_t>());
    state.safepoints = TRY(in.get<std::uint64_t>());
    state.host_calls = TRY(in.get<std::uint64_t>());
    const auto instance_count = TRY(in.get_count(kInstanceBytesMin));
    for (std::uint32_t i = 0; i < instance_count; ++i) {
        state.instances.push_back(TRY(get_instance(in)));
    }
    const auto thread_count = TRY(in.get_count(kThreadBytes));
    for (std::uint32_t i = 0; i < thread_count; ++i)
        state.threads.push_back(TRY(get_thread(in)));
    if (version != kVersionWithoutExceptions) {
        const auto exception_count = TRY(in.get_count(kExceptionBytesMin));
        for (std::uint32_t i = 0; i < exception_count; ++i)
            state.exceptions.push_back(TRY(get_exception(in)));
    }
    TRY(in.expect_end());
    return state;
}

}  // namespace sojourn::vm
