#include "process/retention.hpp"

#include <algorithm>
#include <functional>

namespace sojourn::process {

namespace {

constexpr std::uint64_t kHourUs = std::uint64_t{3600} * 1'000'000;
constexpr std::uint64_t kDayUs = 24 * kHourUs;

/// Keeps the first checkpoint it meets of each period, while there are periods left.
class PeriodRule {
public:
    PeriodRule(std::uint32_t periods, std::uint64_t period_us)
        : periods_left_(periods), period_us_(period_us) {}

    bool keeps(const store::CheckpointInfo& info) {
        const std::uint64_t period = info.time_us / period_us_;
        if (periods_left_ == 0 || period == last_period_) return false;
        last_period_ = period;
        --periods_left_;
        return true;
    }

private:
    std::uint32_t periods_left_;
    const std::uint64_t period_us_;
    std::uint64_t last_period_ = UINT64_MAX;
};

}  // namespace

std::vector<store::Version> superseded(const RetentionPolicy& policy,
                                       std::span<const store::CheckpointInfo> checkpoints,
                                       store::Version head) {
    std::vector<store::CheckpointInfo> newest_first(checkpoints.begin(), checkpoints.end());
    std::erase_if(newest_first,
                  [](const auto& info) { return !info.message.empty() || !info.tags.empty(); });
    // By number, not by time: the host's clock may have been set back.
    std::ranges::sort(newest_first, std::greater(), &store::CheckpointInfo::id);

    std::uint32_t last_left = policy.last;
    PeriodRule hourly(policy.hourly, kHourUs);
    PeriodRule daily(policy.daily, kDayUs);
    std::vector<store::Version> versions;
    for (const store::CheckpointInfo& info : newest_first) {
        const bool is_last = last_left > 0;
        if (is_last) --last_left;
        // Each rule must see each checkpoint, so none is skipped for what another says.
        const bool is_hourly = hourly.keeps(info);
        const bool is_daily = daily.keeps(info);
        if (is_last || is_hourly || is_daily || info.id == head) continue;
        versions.push_back(info.id);
    }
    std::ranges::reverse(versions);
    return versions;
}

}  // namespace sojourn::process
