#pragma once

#include "vm/exec/thread.hpp"

/// The part of a machine that does not lie in its heap; see docs/formats/machine.md.
namespace sojourn::vm {

struct MemoryState {
    store::RegionId region{0};
    std::uint32_t pages = 0;
};

struct TableState {
    store::RegionId region{0};
    std::uint32_t size = 0;  ///< in elements
};

struct InstanceState {
    Sha256 module;
    std::vector<ImportBinding> imports;  ///< one an import of the module
    std::vector<MemoryState> memories;   ///< its own
    std::vector<TableState> tables;      ///< its own
    store::RegionId globals{0};          ///< 0 when it defines none
    std::vector<bool> dropped_elements;  ///< by segment
    std::vector<bool> dropped_data;      ///< by segment
};

struct ThreadState {
    store::RegionId slots{0};
    store::RegionId frames{0};
    std::uint32_t frame_count = 0;
    std::uint64_t slot_count = 0;  ///< of all frames
};

struct ExceptionState {
    std::uint32_t number = 0;    ///< which its references name
    std::uint32_t instance = 0;  ///< that defines its tag
    std::uint32_t tag_index = 0;
    std::vector<std::uint64_t> values;  ///< as slots
};

struct MachineState {
    std::uint64_t stack_bytes_max = 0;
    std::uint64_t memory_bytes_max = 0;
    std::uint64_t fuel = 0;
    std::uint64_t safepoints = 0;
    std::uint64_t host_calls = 0;
    std::vector<InstanceState> instances;
    std::vector<ThreadState> threads;
    std::vector<ExceptionState> exceptions;  ///< by number, ascending
};

MachineState capture(const Runtime& runtime, const Thread& thread);

/// Makes the runtime's instances and the thread that `state` describes, on the regions of the
/// runtime's heap. Trusts nothing: what a region, binding or frame must look like follows from the
/// modules, which are validated anew. References in slots, tables and globals are not looked at:
/// they are checked where they are called.
/// Requires: the runtime has no instances. Errors: corrupt, unlinkable_module, those of `modules`.
Result<std::unique_ptr<Thread>> restore(Runtime& runtime, const MachineState& state,
                                        const ModuleSource& modules);

/// docs/formats/machine.md. Errors of decoding: corrupt, unsupported_format.
ByteVector encode(const MachineState& state);
Result<MachineState> decode_machine_state(Bytes bytes);

}  // namespace sojourn::vm
