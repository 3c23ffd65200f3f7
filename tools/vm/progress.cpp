#include "tools/vm/progress.hpp"

#include <unistd.h>

#include "tools/vm/output.hpp"

namespace sojourn::tools {

namespace {

constexpr std::uint64_t kFirstAfterNs = 500'000'000;
constexpr std::uint64_t kEveryNs = 100'000'000;
constexpr double kNsPerSecond = 1e9;

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
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
    has_line_ = true;
    const double seconds = static_cast<double>(now_ns - begun_at_ns_) / kNsPerSecond;
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(bytes_) / seconds);
    fmt::print(stderr, "\r\x1b[K{} {}, {}/s", what_, bytes_for_people(bytes_),
               bytes_for_people(rate));
}

}  // namespace sojourn::tools
