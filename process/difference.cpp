#include "process/difference.hpp"

#include <algorithm>
#include <map>

#include "store/difference.hpp"

namespace sojourn::process {

namespace {

using heap::StoredHeap;
using store::UnitKey;
using vm::StoredFrames;
using vm::StoredMachine;

constexpr std::size_t kFramesMax = 2 * vm::kBacktraceEnd;

/// Compares the regions of two heaps, unit by unit.
class RegionComparer {
public:
    RegionComparer(StoredHeap& left, StoredHeap& right)
        : left_(left), right_(right), left_unit_(left.unit_bytes()), right_unit_(left_unit_) {}

    /// Regions that only one side has, or that have grown, differ without a page that does.
    void begin() {
        for (const StoredHeap::Region& region : left_.regions())
            of(region).left_bytes = region.size_bytes;
        for (const StoredHeap::Region& region : right_.regions())
            of(region).right_bytes = region.size_bytes;
    }

    Result<void> compare(UnitKey key) {
        const auto* left = region(left_, key);
        const auto* right = region(right_, key);
        // What a region has had and has no more is in no checkpoint's heap.
        if (left == nullptr && right == nullptr) return {};
        TRY(read(left_, left, key, left_unit_));
        TRY(read(right_, right, key, right_unit_));
        RegionDifference& difference = of(left != nullptr ? *left : *right);
        ++difference.units;
        for (std::size_t page = 0; page < left_unit_.size(); page += heap::kPageBytes) {
            const std::uint64_t bytes = differing_bytes(page);
            difference.bytes += bytes;
            difference.pages += bytes > 0 ? 1U : 0U;
        }
        return {};
    }

    std::vector<RegionDifference> finish() {
        std::vector<RegionDifference> apart;
        for (const auto& [id, difference] : differences_) {
            if (difference.pages > 0 || difference.left_bytes != difference.right_bytes)
                apart.push_back(difference);
        }
        return apart;
    }

private:
    RegionDifference& of(const StoredHeap::Region& region) {
        RegionDifference& difference = differences_[region.id];
        difference.id = region.id;
        difference.kind = region.kind;
        return difference;
    }

    static const StoredHeap::Region* region(const StoredHeap& heap, UnitKey key) {
        const auto found = std::ranges::find(heap.regions(), key.region, &StoredHeap::Region::id);
        return found == heap.regions().end() ? nullptr : &*found;
    }

    /// Zeros where the heap has nothing.
    static Result<void> read(StoredHeap& heap, const StoredHeap::Region* region, UnitKey key,
                             ByteVector& out) {
        std::ranges::fill(out, std::byte{0});
        const std::uint64_t size = region == nullptr ? 0 : region->size_bytes;
        if (static_cast<std::uint64_t>(key.unit) >= (size + out.size() - 1) / out.size()) return {};
        const std::uint64_t offset = static_cast<std::uint64_t>(key.unit) * out.size();
        return heap.read(
            *region, offset,
            MutableBytes(out).first(std::min<std::uint64_t>(out.size(), size - offset)));
    }

    [[nodiscard]] std::uint64_t differing_bytes(std::size_t page) const {
        const auto left = Bytes(left_unit_).subspan(page, heap::kPageBytes);
        const auto right = Bytes(right_unit_).subspan(page, heap::kPageBytes);
        if (std::ranges::equal(left, right)) return 0;
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < heap::kPageBytes; ++i)
            bytes += left[i] != right[i] ? 1U : 0U;
        return bytes;
    }

    StoredHeap& left_;
    StoredHeap& right_;
    ByteVector left_unit_;
    ByteVector right_unit_;
    std::map<heap::RegionId, RegionDifference> differences_;
};

/// Walks the frames of one thread on both sides, the outermost first.
class FrameComparer {
public:
    FrameComparer(StoredMachine& left, StoredMachine& right, std::size_t thread)
        : left_(left), right_(right), thread_(thread) {}

    Result<ThreadDifference> compare() {
        auto left_frames = TRY(left_.frames(thread_));
        auto right_frames = TRY(right_.frames(thread_));
        auto left = TRY(left_frames.next());
        auto right = TRY(right_frames.next());
        while (left && right && is_one_call(left->frame, right->frame)) {
            if (TRY(is_same(*left, *right))) {
                ++difference_.same;
            } else {
                TRY(note(&*left, &*right));
            }
            left = TRY(left_frames.next());
            right = TRY(right_frames.next());
        }
        for (; left; left = TRY(left_frames.next()))
            TRY(note(&*left, nullptr));
        for (; right; right = TRY(right_frames.next()))
            TRY(note(nullptr, &*right));
        return std::move(difference_);
    }

private:
    [[nodiscard]] bool is_one_call(const vm::FrameState& left, const vm::FrameState& right) const {
        return left.instance == right.instance && left.function_index == right.function_index &&
               left.instance < left_.modules().size() && right.instance < right_.modules().size() &&
               left_.modules()[left.instance]->digest() ==
                   right_.modules()[right.instance]->digest();
    }

    Result<bool> is_same(const StoredFrames::Place& left, const StoredFrames::Place& right) {
        if (left.frame.code_offset != right.frame.code_offset ||
            left.frame.slot_count != right.frame.slot_count) {
            return false;
        }
        const auto left_slots = TRY(left_.slots(thread_, left));
        const auto right_slots = TRY(right_.slots(thread_, right));
        return left_slots == right_slots;
    }

    Result<void> note(const StoredFrames::Place* left, const StoredFrames::Place* right) {
        if (difference_.frames.size() == kFramesMax) {
            ++difference_.left_out;
            return {};
        }
        FrameDifference frame;
        if (left != nullptr) frame.left = TRY(left_.describe(left->frame));
        if (right != nullptr) frame.right = TRY(right_.describe(right->frame));
        difference_.frames.push_back(std::move(frame));
        return {};
    }

    StoredMachine& left_;
    StoredMachine& right_;
    std::size_t thread_;
    ThreadDifference difference_;
};

Result<std::vector<GlobalDifference>> global_differences(StoredMachine& left,
                                                         StoredMachine& right) {
    std::vector<GlobalDifference> differences;
    const std::size_t instances = std::min(left.modules().size(), right.modules().size());
    for (std::size_t i = 0; i < instances; ++i) {
        if (left.modules()[i]->digest() != right.modules()[i]->digest()) continue;
        const auto left_instance = TRY(left.instance(i));
        const auto right_instance = TRY(right.instance(i));
        for (std::size_t j = 0; j < left_instance.globals.size(); ++j) {
            const auto& left_global = left_instance.globals[j];
            const auto& right_global = right_instance.globals[j];
            if (!(left_global.value.slots == right_global.value.slots))
                differences.push_back({i, left_global, right_global});
        }
    }
    return differences;
}

/// Those of `some` that have no partner among `others`.
std::vector<leases::Lease> without_partner(const std::vector<leases::Lease>& some,
                                           std::vector<leases::Lease> others) {
    std::vector<leases::Lease> left;
    for (const leases::Lease& lease : some) {
        const auto partner = std::ranges::find_if(others, [&](const leases::Lease& other) {
            return other.kind == lease.kind && other.description == lease.description;
        });
        if (partner == others.end()) {
            left.push_back(lease);
        } else {
            others.erase(partner);
        }
    }
    return left;
}

}  // namespace

Result<Difference> difference(StoredCheckpoint& left, StoredCheckpoint& right) {
    Difference difference;
    RegionComparer regions(left.heap(), right.heap());
    regions.begin();
    const store::ReadPoint left_point{left.family(), TRY(left.family().view_of(left.info().id))};
    const store::ReadPoint right_point{right.family(),
                                       TRY(right.family().view_of(right.info().id))};
    TRY(store::for_each_difference(left_point, right_point,
                                   [&](UnitKey key) { return regions.compare(key); }));
    difference.regions = regions.finish();
    const std::size_t threads =
        std::min(left.machine().state().threads.size(), right.machine().state().threads.size());
    for (std::size_t i = 0; i < threads; ++i) {
        difference.threads.push_back(
            TRY(FrameComparer(left.machine(), right.machine(), i).compare()));
    }
    difference.globals = TRY(global_differences(left.machine(), right.machine()));
    const auto left_leases = left.leases().leases();
    const auto right_leases = right.leases().leases();
    difference.left_leases = without_partner(left_leases, right_leases);
    difference.right_leases = without_partner(right_leases, left_leases);
    TRY(left.expect_there());
    TRY(right.expect_there());
    return difference;
}

}  // namespace sojourn::process
