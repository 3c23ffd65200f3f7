#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "base/result.hpp"

namespace sojourn::spec {

/// The commands that are known to fail: a file of lines `SCRIPT:LINE REASON`, such as
/// `core/memory_init:190 …`, SCRIPT being a script's path below the suite, without its suffix.
/// Lines that are empty or begin with # say nothing.
class Expectations {
public:
    /// Errors: those of the file; invalid_argument for a line of another form, or without a reason.
    static Result<Expectations> read(const std::filesystem::path& file);

    Expectations() = default;

    /// The lines of the script's commands that are to fail.
    [[nodiscard]] const std::set<unsigned>& lines_of(const std::string& script) const;
    /// The scripts that are named.
    [[nodiscard]] std::set<std::string> scripts() const;

private:
    std::map<std::string, std::set<unsigned>> lines_;
};

}  // namespace sojourn::spec
