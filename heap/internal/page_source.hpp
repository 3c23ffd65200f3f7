#pragma once

#include <algorithm>
#include <atomic>
#include <memory>

#include "store/family.hpp"

namespace sojourn::heap {

/// Where missing pages come from: a family as seen from one version. Any thread may read while
/// one moves the view on.
class PageSource {
public:
    PageSource(std::shared_ptr<store::Family> family, store::View view)
        : family_(std::move(family)), branch_(view.branch), version_(view.version) {}

    [[nodiscard]] store::Family& family() const { return *family_; }

    [[nodiscard]] store::View view() const {
        const auto version = version_.load(std::memory_order_acquire);
        return {branch_.load(std::memory_order_relaxed), version};
    }

    /// Requires: no other call meanwhile, and a view that grew out of the present one.
    void move_to(store::View view) {
        // Branch first: the old version read from the new branch is still the old version, found
        // at the fork; the other way round, a reader could see what the old branch has become.
        branch_.store(view.branch, std::memory_order_relaxed);
        version_.store(view.version, std::memory_order_release);
    }

    /// Fills `out`, one unit; zeros for one that was never written. Errors: corrupt, io.
    Result<void> read(store::UnitKey key, MutableBytes out) const {
        return read_as_of(view(), key, out);
    }
    Result<void> read_as_of(store::View view, store::UnitKey key, MutableBytes out) const {
        const store::UnitState state = TRY(family_->read_unit(view, key, out));
        if (state == store::UnitState::absent) std::fill(out.begin(), out.end(), std::byte{0});
        return {};
    }

private:
    std::shared_ptr<store::Family> family_;
    std::atomic<store::BranchId> branch_;
    std::atomic<store::Version> version_;
};

}  // namespace sojourn::heap
