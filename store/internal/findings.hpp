#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace sojourn::store {

/// What a walk finds not to hold, one sentence each.
struct Findings {
    std::vector<std::string> problems;

    template <typename... Args>
    void report(fmt::format_string<Args...> format, Args&&... args) {
        problems.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    /// Damage becomes a sentence; anything else ends the walk.
    template <typename T>
    Result<bool> holds(const Result<T>& result) {
        if (result.ok()) return true;
        if (result.error().code != ErrorCode::corrupt) return result.error();
        problems.push_back(result.error().message);
        return false;
    }
};

}  // namespace sojourn::store
