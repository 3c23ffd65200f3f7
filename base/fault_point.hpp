#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

/// Named places at which a test makes the program die, stall or fail.
///
/// The environment variable SOJOURN_FAULT arms one: `heap_commit_before_publish:kill` kills the
/// process with SIGKILL when it gets there, `…:kill:3` at the third time, `…:stall` sleeps for
/// ever.
namespace sojourn::fault {

enum class Point : std::uint32_t {
    none,
#define POINT(name) name,
#include "base/fault_points.def"
#undef POINT
};

/// Reads SOJOURN_FAULT. Call once, before threads start.
Result<void> arm_from_environment();

namespace internal {
extern Point armed;
void reached();
}  // namespace internal

}  // namespace sojourn::fault

#define FAULT_POINT(name)                                                                    \
    do {                                                                                     \
        if (::sojourn::fault::internal::armed == ::sojourn::fault::Point::name) [[unlikely]] \
            ::sojourn::fault::internal::reached();                                           \
    } while (false)
