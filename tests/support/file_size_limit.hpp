#pragma once

#include <csignal>
#include <cstdint>
#include <sys/resource.h>

namespace sojourn::tests {

/// No file of this host process can be written beyond `bytes` while it lives: a full disk, near
/// enough.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::uint64_t bytes) : previous_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &previous_);
        const rlimit limit{bytes, previous_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &previous_);
        std::signal(SIGXFSZ, previous_handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    void (*previous_handler_)(int);
    rlimit previous_{};
};

}  // namespace sojourn::tests
