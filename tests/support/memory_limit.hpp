#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "tests/support/sanitizer.hpp"

namespace sojourn::tests {

/// From now on this host process may take `bytes_more` of address space than it has. Nothing under
/// a sanitizer, which has terabytes of addresses for itself.
inline void limit_memory(std::uint64_t bytes_more) {
    if (kSanitized) return;
    const auto text = read_file("/proc/self/statm").value();
    const auto page_bytes = static_cast<unsigned>(::getpagesize());
    const std::uint64_t bytes = std::stoull(std::string(as_text(text))) * page_bytes;
    const rlimit limit{bytes + bytes_more, RLIM_INFINITY};
    EXPECTS(::setrlimit(RLIMIT_AS, &limit) == 0, "a limit can be lowered");
}

/// What `work` says in a child of this host process; nullopt when it ended without a word.
inline std::optional<std::string> said_by_child(const std::function<std::string()>& work) {
    const int said = ::memfd_create("said", MFD_CLOEXEC);
    const pid_t child = ::fork();
    EXPECTS(said >= 0 && child >= 0, "a child can be made");
    if (child == 0) ::_exit(write_all(said, as_bytes(work())).ok() ? 0 : 1);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    std::string text(static_cast<std::size_t>(::lseek(said, 0, SEEK_END)), '\0');
    const ssize_t count = ::pread(said, text.data(), text.size(), 0);
    ::close(said);
    const bool is_whole = count == static_cast<ssize_t>(text.size());
    if (!is_whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
    return text;
}

}  // namespace sojourn::tests
