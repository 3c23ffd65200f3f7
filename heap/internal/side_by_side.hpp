#pragma once

#include <system_error>
#include <thread>

namespace sojourn::heap {

/// Does both and returns when both are done: `first` on a thread of its own, where there is a
/// second processor and the host grants one.
template <typename First, typename Second>
void side_by_side(const First& first, const Second& second) {
    std::thread other;
    if (std::thread::hardware_concurrency() > 1) {
        try {
            other = std::thread(first);
        } catch (const std::system_error&) {  // too many (ulimit -u): it is done here as well
        }
    }
    if (!other.joinable()) first();
    second();
    if (other.joinable()) other.join();
}

}  // namespace sojourn::heap
