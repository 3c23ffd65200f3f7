#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace sojourn::tools {

/// `exported 120.3 MiB, 210.4 MiB/s` on stderr, renewed in place; with a bar and what is left where
/// the whole is known. Only on a terminal, and only when it takes long enough for a person to
/// wonder.
class Progress {
public:
    explicit Progress(std::string what, std::optional<std::uint64_t> bytes_in_all = std::nullopt);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// Takes the line away.
    ~Progress();

    void add(std::uint64_t bytes);

private:
    void show(std::uint64_t now_ns);

    SystemClock clock_;
    std::string what_;
    std::optional<std::uint64_t> bytes_in_all_;
    bool is_shown_to_people_;
    bool has_line_ = false;
    std::uint64_t bytes_ = 0;
    std::uint64_t begun_at_ns_;
    std::uint64_t next_at_ns_;
};

}  // namespace sojourn::tools
