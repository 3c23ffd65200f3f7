#pragma once

#include <optional>

#include "vm/exec/runtime.hpp"

/// From a module to an instance, in steps that instantiation and restoring share.
namespace sojourn::vm {

/// Finds what each import is bound to, without looking at types. Errors: unlinkable_module, which
/// names every import that nobody provides.
Result<std::vector<ImportBinding>> bind_imports(const Runtime& runtime, const Module& module,
                                                const ImportResolver& resolver);

/// An instance with its functions linked and its imports in place; it has no regions of its own
/// yet. Trusts the bindings no further than it checks them. Errors: unlinkable_module, which names
/// every import whose type does not fit.
Result<std::unique_ptr<Instance>> link(Runtime& runtime, std::shared_ptr<const Module> module,
                                       std::vector<ImportBinding> bindings);

/// Gives the instance new regions for its memories, tables and globals, and the globals their
/// initial values. Errors: out_of_memory, unsupported.
Result<void> allocate(Runtime& runtime, Instance& instance);

/// Applies the active segments in order; a trap leaves what was written before it.
std::optional<Trap> apply_segments(Instance& instance);

/// Address space of a 32-bit memory: every index and offset of 32 bits stays inside.
inline constexpr std::uint64_t kMemoryReserveBytes = std::uint64_t{8} << 30U;

/// What the region of a definition has to look like.
heap::RegionSpec memory_region_spec(const MemoryType& type, std::uint64_t pages);
heap::RegionSpec table_region_spec(const Table& table);
/// The table that the module declares at `index`, without a region.
Table table_of(const Instance& instance, std::uint32_t index, std::uint64_t size,
               MemoryBudget& budget);
/// Requires: the module defines globals.
heap::RegionSpec globals_region_spec(const Module& module);

/// Makes the instance's own globals those of its globals region.
void attach_globals(Instance& instance);

}  // namespace sojourn::vm
