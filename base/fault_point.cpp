#include "base/fault_point.hpp"

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <signal.h>
#include <unistd.h>

namespace sojourn::fault {

namespace internal {

Point armed = Point::none;

namespace {
bool stalls = false;
std::atomic<int> visits_left = 1;
}  // namespace

void reached() {
    if (visits_left.fetch_sub(1) != 1) return;
    if (!stalls) ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

}  // namespace internal

namespace {

struct Row {
    std::string_view name;
    Point point;
};

constexpr Row kRows[] = {
#define POINT(name) {#name, Point::name},
#include "base/fault_points.def"
#undef POINT
};

}  // namespace

Result<void> arm_from_environment() {
    const char* text = std::getenv("SOJOURN_FAULT");
    if (text == nullptr || *text == '\0') return {};
    const std::string_view whole = text;
    const auto first = whole.find(':');
    const auto second = whole.find(':', first == std::string_view::npos ? first : first + 1);
    const auto name = whole.substr(0, first);
    const auto action =
        first == std::string_view::npos
            ? std::string_view("kill")
            : whole.substr(first + 1,
                           second == std::string_view::npos ? second : second - first - 1);
    int visits = 1;
    if (second != std::string_view::npos) {
        const auto count = whole.substr(second + 1);
        std::from_chars(count.data(), count.data() + count.size(), visits);
    }
    for (const Row& row : kRows) {
        if (row.name != name) continue;
        if (action != "kill" && action != "stall") {
            return fail(ErrorCode::invalid_argument,
                        "SOJOURN_FAULT: no action '{}'; there are kill and stall", action);
        }
        internal::stalls = action == "stall";
        internal::visits_left = visits;
        internal::armed = row.point;
        return {};
    }
    return fail(ErrorCode::invalid_argument,
                "SOJOURN_FAULT: no fault point '{}'; see base/fault_points.def", name);
}

}  // namespace sojourn::fault
