#pragma once

#include <functional>
#include <future>

#include "base/result.hpp"

namespace sojourn {

/// One piece of work at a time on a thread of its own, while its owner prepares the next. Where the
/// host grants no thread, it is done at once. The destructor waits for it.
class BackgroundJob {
public:
    using Work = std::function<Result<void>()>;

    /// Waits for what was begun before, and begins `work` unless that failed.
    Result<void> begin(Work work);
    /// Waits for what was begun, and gives its result once.
    Result<void> finish();

private:
    std::future<Result<void>> running_;
};

}  // namespace sojourn
