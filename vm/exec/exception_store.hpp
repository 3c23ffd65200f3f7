#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "vm/exec/reference.hpp"

namespace sojourn::vm {

/// A tag of an instance; its address tells it from every other.
struct ExceptionTag {
    std::uint32_t instance;   ///< that defines it
    std::uint32_t tag_index;  ///< in that instance's module
    TypeId type;
    std::uint32_t slot_count;  ///< of what an exception carries
};

/// An exception that the guest holds a reference to. One that is caught without a reference is
/// never made.
struct Exception {
    const ExceptionTag* tag;
    std::vector<std::uint64_t> values;  ///< as slots
};

/// The exceptions that references lead to. A reference is kExceptionMark | its number.
class ExceptionStore {
public:
    /// What all exceptions together may take, in slots: a checkpoint writes them down.
    static constexpr std::uint64_t kSlotsMax = std::uint64_t{1} << 20U;

    /// When true, collect() should be called before the next make().
    [[nodiscard]] bool is_crowded() const { return slots_ >= crowded_at_; }
    [[nodiscard]] bool has_room_for(const ExceptionTag& tag) const {
        return slots_ + slots_of(tag) <= kSlotsMax;
    }

    /// Requires: has_room_for().
    Reference make(const ExceptionTag& tag, std::span<const std::uint64_t> values);
    /// nullptr when the reference leads to none.
    [[nodiscard]] const Exception* find(Reference reference) const;

    /// Drops what no word of `roots` refers to, nor an exception so referred to. Every word is
    /// looked at as if it were a reference: a number may keep an exception, never lose one.
    void collect(std::span<const std::span<const std::uint64_t>> roots);

    /// By number, ascending.
    [[nodiscard]] const std::map<std::uint32_t, Exception>& all() const { return exceptions_; }
    /// False when there is one of that number, or no room.
    bool restore(std::uint32_t number, const ExceptionTag& tag, std::vector<std::uint64_t> values);

private:
    static constexpr std::uint64_t kCrowdedMin = 4096;

    static std::uint64_t slots_of(const ExceptionTag& tag) { return tag.slot_count + 2; }

    std::map<std::uint32_t, Exception> exceptions_;
    std::uint32_t next_number_ = 0;
    std::uint64_t slots_ = 0;
    std::uint64_t crowded_at_ = kCrowdedMin;
};

}  // namespace sojourn::vm
