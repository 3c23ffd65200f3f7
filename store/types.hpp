#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/sha256.hpp"

/// The nouns of the store. Indexes, counts and byte numbers are different types on purpose.
namespace sojourn::store {

enum class RegionId : std::uint32_t {};
enum class UnitIndex : std::uint64_t {};  ///< the unit's position in its region, in units
enum class BranchId : std::uint32_t {};
enum class Epoch : std::uint64_t {};

/// A checkpoint's number: unique and growing within a family, so that `name@7` is one thing.
enum class Version : std::uint64_t {};
inline constexpr Version kNoVersion{0};

/// 128 random bits. Text form: 32 hexadecimal digits.
struct Id128 {
    std::array<std::byte, 16> bytes{};

    auto operator<=>(const Id128&) const = default;
    [[nodiscard]] std::string hex() const { return to_hex(bytes); }
};
struct ProcessId : Id128 {};
struct FamilyId : Id128 {};

/// Who may act for a process. A commit that carries a stale epoch is refused in the transaction
/// that would have published it. A plain value: it travels from `leases` to `heap` unexamined.
struct FencingToken {
    ProcessId process;
    Epoch epoch{0};
};

/// A point of the version tree to read from.
struct View {
    BranchId branch{0};
    Version version = kNoVersion;
};

/// Run of bytes that is one value: 4, 16 or 64 KiB, fixed when a store is created.
inline constexpr std::size_t kUnitBytesDefault = 16384;
inline constexpr std::size_t kUnitBytesMax = 65536;

enum class UnitState {
    absent,   ///< never written on the way to the root: zeros
    present,  ///< `out` was filled
};

/// What a process did last, as its owner wrote it. A `running` process whose runner's lock is
/// free has crashed; only the process layer can tell.
enum class ProcessState : std::uint8_t { created, running, suspended, exited };

struct ProcessRecord {
    ProcessId id;
    FamilyId family;
    std::string name;  ///< empty: unnamed
    ProcessState state = ProcessState::created;
    Epoch epoch{0};
    BranchId branch{0};
    Version head = kNoVersion;     ///< the newest published checkpoint of this process
    std::int32_t exit_code = 0;    ///< meaningful when exited
    std::uint64_t generation = 0;  ///< grows when a copy is made (import, fork)
    std::uint64_t created_us = 0;  ///< realtime, microseconds since 1970
};

/// One row of `vm log`. Times in microseconds; `time_us` is realtime since 1970.
struct CheckpointInfo {
    Version id = kNoVersion;
    Version parent = kNoVersion;
    BranchId branch{0};
    ProcessId process;
    std::uint64_t time_us = 0;
    std::uint64_t dirty_pages = 0;    ///< 4 KiB pages that had changed
    std::uint64_t written_bytes = 0;  ///< encoded bytes of the units it wrote, plus attachment
    std::uint64_t pause_us = 0;       ///< how long the guest stood still
    std::uint64_t durable_us = 0;     ///< from the request until it could be acknowledged
    std::string message;
    std::vector<std::string> tags = {};  ///< by name
};

}  // namespace sojourn::store
