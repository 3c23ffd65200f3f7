#include "tools/vm/damage_report.hpp"

#include <algorithm>

namespace sojourn::tools {

namespace {

/// Whether one of `problems` has said it.
bool is_told(const std::vector<store::Problem>& problems, const std::string& why) {
    return std::ranges::any_of(problems, [&](const store::Problem& problem) {
        return problem.what.find(why) != std::string::npos;
    });
}

}  // namespace

Json json_of(const std::vector<store::Problem>& problems) {
    Json rows = Json::array();
    for (const store::Problem& problem : problems)
        rows.push_back({{"process", problem.process}, {"what", problem.what}});
    return rows;
}

Json json_of(const std::vector<store::LostCheckpoint>& lost) {
    Json rows = Json::array();
    for (const store::LostCheckpoint& checkpoint : lost) {
        rows.push_back({{"process", checkpoint.process},
                        {"checkpoint", static_cast<std::uint64_t>(checkpoint.checkpoint)},
                        {"why", checkpoint.why}});
    }
    return rows;
}

Result<void> print_damage(const std::vector<store::Problem>& problems,
                          const std::vector<store::LostCheckpoint>& lost) {
    for (const store::Problem& problem : problems) {
        TRY(print_line(fmt::format(
            "{}: {}", problem.process.empty() ? "the catalogue" : problem.process, problem.what)));
    }
    for (const store::LostCheckpoint& checkpoint : lost) {
        TRY(print_line(
            fmt::format("{}@{} is lost{}", checkpoint.process,
                        static_cast<std::uint64_t>(checkpoint.checkpoint),
                        is_told(problems, checkpoint.why) ? "" : ": " + checkpoint.why)));
    }
    return {};
}

}  // namespace sojourn::tools
