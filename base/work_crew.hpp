#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace sojourn {

/// Threads that help with work that can be taken piece by piece. Work may be shared within work:
/// whoever finds nothing left to take of the one helps with the other.
class WorkCrew {
public:
    /// Takes pieces, one after the other, until none is left. Called by several threads at once.
    using Work = std::function<Result<void>()>;

    /// As many threads as there are processors, with the caller's; fewer where the host grants
    /// fewer.
    WorkCrew();
    explicit WorkCrew(unsigned threads);
    WorkCrew(const WorkCrew&) = delete;
    WorkCrew& operator=(const WorkCrew&) = delete;
    /// Requires: nothing is shared any more.
    ~WorkCrew();

    /// Does `work` here and in every thread that has nothing else to do, until it has returned
    /// everywhere. Errors: one of those of `work`, which sees to it itself that no more is taken.
    Result<void> share(const Work& work);

private:
    struct Shared {
        const Work& work;
        unsigned helpers = 0;  ///< in it at the moment
        Result<void> result = {};
    };

    void help_until_end();
    void help_or_wait(std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;  ///< guards what follows
    std::condition_variable changed_;
    std::vector<Shared*> shared_;  ///< of which there may be something left to take
    bool is_ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace sojourn
