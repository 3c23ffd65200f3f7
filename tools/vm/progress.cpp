#include "tools/vm/progress.hpp"

#include <unistd.h>

#include "tools/vm/output.hpp"

namespace sojourn::tools {

namespace {

constexpr std::uint64_t kFirstAfterNs = 500'000'000;
constexpr std::uint64_t kEveryNs = 100'000'000;
constexpr double kNanoseconds = 1e9;
constexpr std::uint64_t kBarCells = 30;

/// `[######------------------------]  20 %, 12 s left`
std::string bar_of(std::uint64_t bytes, std::uint64_t bytes_in_all, double bytes_a_second) {
    const double share = static_cast<double>(bytes) / static_cast<double>(bytes_in_all);
    const auto filled = static_cast<std::uint64_t>(share * static_cast<double>(kBarCells));
    const double seconds_left = static_cast<double>(bytes_in_all - bytes) / bytes_a_second;
    return fmt::format(" [{:#<{}}{:-<{}}] {:3.0f} %, {:.0f} s left", "", filled, "",
                       kBarCells - filled, share * 100, seconds_left);
}

}  // namespace

Progress::Progress(std::string what, std::optional<std::uint64_t> bytes_in_all)
    : what_(std::move(what)),
      bytes_in_all_(bytes_in_all),
      is_shown_to_people_(::isatty(STDERR_FILENO) == 1),
      begun_at_ns_(clock_.monotonic_ns()),
      next_at_ns_(begun_at_ns_ + kFirstAfterNs) {}

Progress::~Progress() {
    if (has_line_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::add(std::uint64_t bytes) {
    bytes_ += bytes;
    if (!is_shown_to_people_) return;
    const std::uint64_t now_ns = clock_.monotonic_ns();
    if (now_ns < next_at_ns_) return;
    next_at_ns_ = now_ns + kEveryNs;
    show(now_ns);
}

void Progress::show(std::uint64_t now_ns) {
    has_line_ = true;
    const double seconds = static_cast<double>(now_ns - begun_at_ns_) / kNanoseconds;
    const double rate = static_cast<double>(bytes_) / seconds;
    const bool is_share_known = bytes_in_all_ && bytes_ <= *bytes_in_all_ && bytes_ > 0;
    fmt::print(stderr, "\r\x1b[K{} {}, {}/s{}", what_, bytes_for_people(bytes_),
               bytes_for_people(static_cast<std::uint64_t>(rate)),
               is_share_known ? bar_of(bytes_, *bytes_in_all_, rate) : "");
}

}  // namespace sojourn::tools
