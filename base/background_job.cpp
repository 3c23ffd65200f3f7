#include "base/background_job.hpp"

#include <system_error>

namespace sojourn {

Result<void> BackgroundJob::begin(Work work) {
    TRY(finish());
    try {
        running_ = std::async(std::launch::async, work);
    } catch (const std::system_error&) {  // too many (ulimit -u)
        return work();
    }
    return {};
}

Result<void> BackgroundJob::finish() {
    return running_.valid() ? running_.get() : Result<void>();
}

}  // namespace sojourn
