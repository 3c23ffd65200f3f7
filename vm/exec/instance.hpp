#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "heap/heap.hpp"
#include "vm/exec/exception_store.hpp"
#include "vm/exec/frame_state.hpp"
#include "vm/exec/reference.hpp"
#include "vm/exec/translation.hpp"
#include "vm/host_calls.hpp"
#include "vm/machine.hpp"

/// What a module becomes when it is linked: the host's side of an instance. Everything the guest
/// can change lies in regions of the heap, except the few counts that a checkpoint writes down.
namespace sojourn::vm {

struct Instance;
struct InstanceCode;

/// The size of a region that holds `bytes`.
constexpr std::uint64_t whole_pages(std::uint64_t bytes) {
    return (bytes + heap::kPageBytes - 1) / heap::kPageBytes * heap::kPageBytes;
}
/// The size of a table's region.
constexpr std::uint64_t table_bytes(std::uint64_t elements) {
    return whole_pages(elements * sizeof(Reference));
}

/// What the memories and tables of one machine may take together.
struct MemoryBudget {
    std::uint64_t bytes_max = kUnlimitedMemory;
    std::uint64_t bytes = 0;

    /// False: it would be too much, and nothing is taken.
    bool take(std::uint64_t more) {
        if (bytes > bytes_max || more > bytes_max - bytes) return false;
        bytes += more;
        return true;
    }
};

/// A linear memory, owned by the instance that defines it.
struct LinearMemory {
    heap::Region* region;
    MemoryType type;
    MemoryBudget* budget;

    [[nodiscard]] std::uint64_t pages() const { return region->size_bytes() / kWasmPageBytes; }
};

struct LinkedFunction;

/// A table, owned by the instance that defines it.
struct Table {
    heap::Region* region;
    TableType type;
    ValueType element;   ///< of the type, with the machine's numbers for type indices
    std::uint32_t size;  ///< in elements; the region's size is rounded up to pages
    MemoryBudget* budget;
    /// By element, as far as that was called: what it led to then. Nobody who writes an element has
    /// to care: a function is believed only as long as the element is a reference to it.
    std::vector<LinkedFunction*> known_callees{};

    [[nodiscard]] std::uint32_t size_max() const {
        const std::uint64_t limit = kTableElementsMax;
        return static_cast<std::uint32_t>(std::min(type.limits.max.value_or(limit), limit));
    }

    [[nodiscard]] std::uint64_t* elements() const {
        return reinterpret_cast<std::uint64_t*>(region->base());
    }
};

/// A function as it is called: one of an instance's own, or one that the host performs for it.
struct LinkedFunction {
    const Word* entry = nullptr;  ///< a stub until it is translated
    FrameIdentity identity{};
    Instance* instance = nullptr;  ///< nullptr: the host's
    TypeId type{0};
    std::uint32_t parameter_slots = 0;
    std::uint32_t result_slots = 0;
    // Known once it is translated; 0 before.
    std::uint32_t entry_offset = 0;    ///< of its first instruction, from the module's first byte
    std::uint32_t zeroed_slots = 0;    ///< of the locals beyond the parameters
    std::uint32_t slot_bytes_max = 0;  ///< locals and operands at their greatest height
    std::uint32_t calls_left = 0;      ///< before its code is asked for; of no use after that
    HostFunctionId host_function{0};
    std::unique_ptr<Translation> translation;

    [[nodiscard]] Reference reference() const {
        return make_reference(identity.instance, identity.function_index);
    }
};

/// What an import is bound to: an export of another instance, or a host function.
using ImportBinding = std::optional<ExternRef>;
inline constexpr ImportBinding kBoundToHost = std::nullopt;

struct Instance {
    InstanceIndex index{0};
    std::shared_ptr<const Module> module;
    std::vector<ImportBinding> imports;
    std::vector<TypeId> type_ids;  ///< by the module's type index

    /// By index of the module, imported ones included; they point to what their owners hold.
    std::vector<LinkedFunction*> functions;
    std::vector<Table*> tables;
    std::vector<LinearMemory*> memories;
    std::vector<std::uint64_t*> globals;  ///< the first slot of each
    std::vector<ExceptionTag*> tags;

    std::vector<LinkedFunction> own_functions;  ///< never resized: it is pointed into
    std::vector<std::unique_ptr<Table>> own_tables;
    std::vector<std::unique_ptr<LinearMemory>> own_memories;
    std::vector<std::unique_ptr<ExceptionTag>> own_tags;
    heap::Region* globals_region = nullptr;  ///< nullptr when it defines none

    std::vector<bool> dropped_elements;
    std::vector<bool> dropped_data;

    std::shared_ptr<InstanceCode> code;  ///< what is compiled of it; nullptr: nothing yet

    [[nodiscard]] heap::Region* memory_region() const {
        return memories.empty() ? nullptr : memories.front()->region;
    }
};

}  // namespace sojourn::vm
