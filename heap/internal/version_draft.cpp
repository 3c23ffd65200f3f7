#include "heap/internal/version_draft.hpp"

#include <algorithm>

#include "base/fault_point.hpp"

namespace sojourn::heap {

namespace {

/// What a batch takes in memory until it is staged: a unit counts for its value and for the page of
/// the store's tree that it may be the only one to change. Small values far apart are many pages.
/// One is filled while another is staged, of which the database has a copy meanwhile.
constexpr std::uint64_t kBatchBytes = std::uint64_t{8} << 20U;
constexpr std::uint64_t kTreePageBytes = 4096;

/// By key, of each key the last.
template <typename Keyed>
void keep_last(std::vector<Keyed>& all) {
    std::stable_sort(all.begin(), all.end(),
                     [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
    const auto same = [](const Keyed& a, const Keyed& b) { return a.key == b.key; };
    const auto kept = std::unique(all.rbegin(), all.rend(), same);
    all.erase(all.begin(), kept.base());
}

}  // namespace

Result<void> VersionDraft::add(store::UnitKey key, Bytes raw) {
    store::EncodedUnit unit = store::encode_unit(key, raw);
    batch_bytes_ += unit.value.size() + kTreePageBytes;
    encoded_bytes_ += unit.value.size();
    batch_.push_back(std::move(unit));
    if (fingerprints_ != nullptr) given_.push_back({key, (*fingerprints_)(raw)});
    return batch_bytes_ < kBatchBytes ? Result<void>() : stage_batch();
}

Result<void> VersionDraft::flush() {
    TRY(stage_batch());
    return settle();
}

Result<void> VersionDraft::settle() {
    return staged_.valid() ? staged_.get() : Result<void>();
}

Result<void> VersionDraft::stage_batch() {
    TRY(settle());
    if (batch_.empty()) return {};
    keep_last(batch_);
    staging_ = std::exchange(batch_, {});
    batch_bytes_ = 0;
    staged_ = std::async(std::launch::async, [this] {
        FAULT_POINT(heap_commit_before_stage);
        return family_.stage(token_, version_, staging_);
    });
    return {};
}

std::vector<VersionDraft::Given> VersionDraft::take_given() {
    keep_last(given_);
    return std::move(given_);
}

}  // namespace sojourn::heap
