#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "store/types.hpp"

namespace sojourn::heap {

using store::RegionId;

inline constexpr std::size_t kPageBytes = 4096;  ///< the grain of dirty tracking

/// How pages are faulted in and writes noticed (heap/mechanism.hpp tells them apart).
enum class MechanismKind : std::uint8_t { uffd_async, uffd_sync, mprotect };

std::string_view text_of(MechanismKind kind);

/// `auto` is nullopt. Errors: invalid_argument naming the words there are.
Result<std::optional<MechanismKind>> parse_mechanism(std::string_view text);

/// Whether pages leave memory again: a mechanism may be able to bring them in and no more.
enum class Eviction { never, needed };

/// The requested mechanism, or the best one when nothing is requested. Each is probed by
/// behaviour, not by version. Errors: unsupported, with what this host lacks.
Result<MechanismKind> choose_mechanism(std::optional<MechanismKind> requested,
                                       Eviction eviction = Eviction::never);

enum class RegionKind : std::uint32_t {
    memory = 1,   ///< a linear memory
    table = 2,    ///< a table: 8 bytes a reference
    globals = 3,  ///< the globals of an instance: 8 bytes each
    slots = 4,    ///< a thread's locals and operands
    frames = 5,   ///< a thread's frame records
    volume = 6,   ///< the disk of a volume
};

struct RegionSpec {
    RegionKind kind;
    std::uint64_t size_bytes;     ///< accessible from the start; a multiple of kPageBytes
    std::uint64_t reserve_bytes;  ///< address space, at least size_bytes; growth never moves it
};

struct HeapStats {
    /// Signals taken to page in and to notice a first write. With uffd-async first writes take
    /// none, so that its figure is page-ins alone.
    std::uint64_t faults = 0;
    std::uint64_t evictions = 0;       ///< units that left memory to keep within the cache
    std::uint64_t resident_bytes = 0;  ///< of all regions
    std::uint64_t scratch_bytes = 0;   ///< what the scratch file holds
};

}  // namespace sojourn::heap
