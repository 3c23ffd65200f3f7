#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "leases/lease.hpp"

namespace sojourn::vm {

/// A row of the guest's descriptor table.
struct DescriptorEntry {
    leases::LeaseId lease{0};
    std::uint64_t rights = 0;
    std::uint64_t rights_inheriting = 0;  ///< what is opened through it gets no more
    bool is_preopened = false;
};

/// The guest's descriptors by number. A new one gets the lowest number that is free.
class DescriptorTable {
public:
    /// nullptr when nothing is open there.
    DescriptorEntry* find(std::uint32_t descriptor) {
        const auto found = rows_.find(descriptor);
        return found == rows_.end() ? nullptr : &found->second;
    }

    std::uint32_t add(const DescriptorEntry& entry) {
        auto row = rows_.lower_bound(first_maybe_free_);
        for (; row != rows_.end() && row->first == first_maybe_free_; ++row)
            ++first_maybe_free_;
        rows_.emplace_hint(row, first_maybe_free_, entry);
        return first_maybe_free_++;
    }

    /// At a number of its own choice: a descriptor that was saved.
    void put(std::uint32_t descriptor, const DescriptorEntry& entry) { rows_[descriptor] = entry; }

    void erase(std::uint32_t descriptor) {
        rows_.erase(descriptor);
        first_maybe_free_ = std::min(first_maybe_free_, descriptor);
    }

    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    /// In ascending order of numbers.
    [[nodiscard]] auto begin() const { return rows_.begin(); }
    [[nodiscard]] auto end() const { return rows_.end(); }

private:
    std::map<std::uint32_t, DescriptorEntry> rows_;
    std::uint32_t first_maybe_free_ = 0;  // every number below it is taken
};

}  // namespace sojourn::vm
