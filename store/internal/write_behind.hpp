#pragma once

#include <atomic>
#include <thread>

namespace sojourn::store {

/// While it lives, the disk takes what the page cache has of a file: the sync that ends a large
/// transaction then waits for the rest only. Nothing but speed depends on it.
class WriteBehind {
public:
    /// Borrows the descriptor.
    explicit WriteBehind(int file);
    WriteBehind(const WriteBehind&) = delete;
    WriteBehind& operator=(const WriteBehind&) = delete;
    ~WriteBehind();

private:
    std::atomic<bool> is_ending_ = false;
    std::thread thread_;
};

}  // namespace sojourn::store
