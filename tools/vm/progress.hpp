#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"

namespace sojourn::tools {

/// `exported 120.3 MiB, 210.4 MiB/s` on stderr, renewed in place; only on a terminal, and only
/// when it takes long enough for a person to wonder.
class Progress {
public:
    explicit Progress(std::string what);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// Takes the line away.
    ~Progress();

    void add(std::uint64_t bytes);

private:
    SystemClock clock_;
    std::string what_;
    bool is_shown_to_people_;
    bool has_line_ = false;
    std::uint64_t bytes_ = 0;
    std::uint64_t begun_at_ns_;
    std::uint64_t next_at_ns_;
};

}  // namespace sojourn::tools
