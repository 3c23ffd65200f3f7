#include "heap/internal/prefetcher.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/trace.hpp"

namespace sojourn::heap {

namespace {

/// Where there is one processor, the guest comes first.
constexpr int kNiceness = 10;

}  // namespace

Prefetcher::Prefetcher(std::vector<PagedRegion*> regions, const Cache& cache, WorkingSet set)
    : regions_(std::move(regions)), cache_(cache), set_(std::move(set)) {
    thread_ = std::thread([this] { serve(); });
}

Prefetcher::~Prefetcher() {
    is_ending_ = true;
    thread_.join();
}

std::unique_lock<std::mutex> Prefetcher::rest() {
    is_wanted_ = true;
    std::unique_lock<std::mutex> turn(turn_);
    is_wanted_ = false;
    return turn;
}

bool Prefetcher::bring_in(PagedRegion& region, std::uint64_t group) {
    // A mutex that is let go and taken again at once leaves no time for those who wait.
    while (is_wanted_)
        ::sched_yield();
    const std::lock_guard turn(turn_);
    return region.bring_in_group(group);
}

void Prefetcher::serve() {
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness));
    std::uint64_t groups = 0;
    for (const GroupRun& run : set_) {
        const auto index = static_cast<std::size_t>(run.region) - 1;  // 0, which is none, is huge
        if (index >= regions_.size()) continue;
        for (std::uint64_t i = 0; i < run.count; ++i) {
            if (is_ending_ || cache_.is_nearly_full()) return;
            if (!bring_in(*regions_[index], run.first + i)) break;
            ++groups;
        }
    }
    TRACE(heap, "prefetched", groups);
}

}  // namespace sojourn::heap
