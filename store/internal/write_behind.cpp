#include "store/internal/write_behind.hpp"

#include <chrono>
#include <fcntl.h>

namespace sojourn::store {

namespace {

/// In which a core copies a quarter of a megabyte: a request that keeps a disk busy.
constexpr std::chrono::microseconds kPause{100};

}  // namespace

WriteBehind::WriteBehind(int file) {
    thread_ = std::thread([this, file] {
        while (!is_ending_) {
            std::this_thread::sleep_for(kPause);
            // Where it is refused, the sync does it all.
            static_cast<void>(::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE));
        }
    });
}

WriteBehind::~WriteBehind() {
    is_ending_ = true;
    thread_.join();
}

}  // namespace sojourn::store
