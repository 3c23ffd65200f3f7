#include "heap/mechanism.hpp"

#include <array>
#include <atomic>

#include "heap/internal/mechanisms.hpp"
#include "heap/internal/userfault.hpp"

namespace sojourn::heap {

namespace {

struct Row {
    MechanismKind kind;
    std::string_view text;
    Result<std::unique_ptr<Mechanism>> (*open)();
};

/// Best first.
constexpr std::array kRows{
    Row{MechanismKind::uffd_async, "uffd-async", open_uffd_async},
    Row{MechanismKind::uffd_sync, "uffd-sync", open_uffd_sync},
    Row{MechanismKind::mprotect, "mprotect", open_mprotect},
};

const Row& row_of(MechanismKind kind) {
    return kRows[static_cast<std::size_t>(kind)];
}
static_assert(kRows[static_cast<std::size_t>(MechanismKind::uffd_async)].text == "uffd-async");
static_assert(kRows[static_cast<std::size_t>(MechanismKind::uffd_sync)].text == "uffd-sync");
static_assert(kRows[static_cast<std::size_t>(MechanismKind::mprotect)].text == "mprotect");

Error lacks(const Mechanism& mechanism, std::string_view what) {
    return fail(ErrorCode::unsupported, "{} does not work on this host: {}",
                text_of(mechanism.kind()), what);
}

/// Takes pages that are there out and lets them go.
Result<void> probe_eviction(const Mechanism& mechanism, TrackedRange& range) {
    const std::uint64_t length = mechanism.write_bytes();
    std::byte* const page = range.base();
    TRY(range.allow_writes(0, length));
    page[0] = std::byte{1};
    for (const bool for_good : {false, true}) {
        const Bytes content = range.take_out(0, length);
        if (content.empty() || content[0] != std::byte{1}) {
            return lacks(mechanism, "a page cannot be taken out of memory");
        }
        if (for_good) {
            range.let_go(0, length);
        } else {
            range.put_back(0, length);
            TRY(range.allow_writes(0, length));
            if (!kernel_can_write(page)) return lacks(mechanism, "a page does not come back");
            page[0] = std::byte{1};
        }
    }
    if (kernel_can_write(page)) return lacks(mechanism, "a page does not leave memory");
    PageRuns runs;
    TRY(range.collect_dirty(0, length, Missing::some, AfterCollect::leave_dirty, runs));
    if (!runs.empty()) return lacks(mechanism, "a missing page counts as written");
    return {};
}

/// Takes a page through all its states; `unsupported` names the first that is not kept. There
/// are kernels that accept every request and track nothing.
Result<void> probe(Mechanism& mechanism, Eviction eviction) {
    const std::uint64_t length = store::kUnitBytesMax;
    const auto range = TRY(mechanism.reserve(length));
    const auto dirty = [&]() -> Result<bool> {
        PageRuns runs;
        TRY(range->collect_dirty(0, length, Missing::some, AfterCollect::track_afresh, runs));
        return !runs.empty();
    };
    TRY(range->extend(0, length));
    std::byte* const page = range->base();
    if (kernel_can_write(page)) return lacks(mechanism, "a missing page goes unnoticed");
    TRY(range->install_zeros(0, mechanism.write_bytes()));
    for (int round = 0; round < 2; ++round) {
        const bool dirty_before = TRY(dirty());
        if (dirty_before) return lacks(mechanism, "a clean page counts as written");
        const bool notices_first_write = mechanism.kind() != MechanismKind::uffd_async;
        if (notices_first_write && kernel_can_write(page))
            return lacks(mechanism, "a clean page is open");
        TRY(range->allow_writes(0, mechanism.write_bytes()));
        if (!kernel_can_write(page)) return lacks(mechanism, "a page stays protected");
        const bool dirty_after = TRY(dirty());
        if (!dirty_after) return lacks(mechanism, "a write goes unnoticed");
    }
    return eviction == Eviction::needed ? probe_eviction(mechanism, *range) : Result<void>();
}

Result<void> open_and_probe(const Row& row, Eviction eviction) {
    const auto mechanism = TRY(row.open());
    return probe(*mechanism, eviction);
}

/// The answer does not change while the host process lives, so only a success is remembered: a
/// failure is asked again for its reason.
std::array<std::array<std::atomic<bool>, 2>, kRows.size()> works{};

Result<void> check_works(const Row& row, Eviction eviction) {
    auto& known = works[static_cast<std::size_t>(row.kind)][static_cast<std::size_t>(eviction)];
    if (known.load(std::memory_order_relaxed)) return {};
    TRY(open_and_probe(row, eviction));
    known.store(true, std::memory_order_relaxed);
    return {};
}

}  // namespace

std::string_view text_of(MechanismKind kind) {
    return row_of(kind).text;
}

Result<std::optional<MechanismKind>> parse_mechanism(std::string_view text) {
    if (text == "auto") return std::optional<MechanismKind>();
    for (const Row& row : kRows) {
        if (row.text == text) return std::optional(row.kind);
    }
    return fail(ErrorCode::invalid_argument,
                "no heap mechanism '{}'; there are auto, uffd-async, uffd-sync and mprotect", text);
}

Result<MechanismKind> choose_mechanism(std::optional<MechanismKind> requested, Eviction eviction) {
    if (requested) {
        TRY(check_works(row_of(*requested), eviction));
        return *requested;
    }
    for (const Row& row : kRows) {
        if (check_works(row, eviction).ok()) return row.kind;
    }
    return fail(ErrorCode::unsupported, "no heap mechanism works on this host");
}

Result<std::unique_ptr<Mechanism>> Mechanism::open(MechanismKind kind) {
    return row_of(kind).open();
}

}  // namespace sojourn::heap
