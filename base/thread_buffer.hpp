#pragma once

#include <cstddef>
#include <pthread.h>

#include "base/bytes.hpp"

namespace sojourn {

/// A buffer that each thread has of its own, mapped when the thread first asks for it and given
/// back when it ends. For signal handlers, where nothing may be allocated; a `thread_local` array
/// would do as well, but the C library clears all of those in each thread that starts, so that
/// threads which never ask would pay for them.
///
/// One object for each purpose, which lives as long as the program.
class ThreadBuffer {
public:
    explicit ThreadBuffer(std::size_t size_bytes);
    ThreadBuffer(const ThreadBuffer&) = delete;
    ThreadBuffer& operator=(const ThreadBuffer&) = delete;

    /// The calling thread's; zeros at first. Async-signal-safe.
    [[nodiscard]] MutableBytes get() const;

private:
    std::size_t size_bytes_;
    pthread_key_t key_{};
};

}  // namespace sojourn
