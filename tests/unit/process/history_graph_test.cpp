#include "process/history_graph.hpp"

#include <catch2/catch.hpp>

using namespace sojourn;
using store::Version;

namespace {

/// `{2, 1}`: checkpoint 2, whose parent is 1.
using Row = std::pair<std::uint64_t, std::uint64_t>;

std::string drawn(const std::vector<Row>& rows, std::uint64_t head) {
    std::vector<store::CheckpointInfo> checkpoints;
    for (const auto& [id, parent] : rows) {
        store::CheckpointInfo info;
        info.id = Version{id};
        info.parent = Version{parent};
        checkpoints.push_back(info);
    }
    std::string text;
    for (const process::GraphRow& row : process::draw_history(checkpoints, Version{head})) {
        const store::CheckpointInfo* info = row.checkpoint;
        text += info == nullptr
                    ? fmt::format("{}\n", row.lines)
                    : fmt::format("{} {}\n", row.lines, static_cast<std::uint64_t>(info->id));
    }
    return text;
}

}  // namespace

TEST_CASE("a history without branches is one column, the newest on top", "[log]") {
    REQUIRE(drawn({}, 0).empty());
    REQUIRE(drawn({{1, 0}, {2, 1}, {5, 2}}, 5) == "* 5\n* 2\n* 1\n");
}

TEST_CASE("the past of the head is the first column and branches come back to it", "[log]") {
    const std::vector<Row> rows{{1, 0}, {2, 1}, {3, 2}, {4, 1}, {5, 4}};

    REQUIRE(drawn(rows, 5) ==
            "* 5\n"
            "* 4\n"
            "| * 3\n"
            "| * 2\n"
            "|/\n"
            "* 1\n");
    REQUIRE(drawn(rows, 2) ==
            "* 3\n"
            "* 2\n"
            "| * 5\n"
            "| * 4\n"
            "|/\n"
            "* 1\n");
}

TEST_CASE("branches of branches and several from one place are told apart", "[log]") {
    REQUIRE(drawn({{1, 0}, {2, 1}, {3, 1}, {4, 3}, {5, 3}, {6, 1}}, 6) ==
            "* 6\n"
            "| * 5\n"
            "| | * 4\n"
            "| |/\n"
            "| * 3\n"
            "|/\n"
            "| * 2\n"
            "|/\n"
            "* 1\n");
}

TEST_CASE("each beginning is a tree of its own", "[log]") {
    REQUIRE(drawn({{2, 0}, {3, 0}, {4, 3}, {5, 9}}, 4) == "* 4\n* 3\n\n* 5\n\n* 2\n");
}

TEST_CASE("a parent that is no older is not followed", "[log]") {
    REQUIRE(drawn({{1, 2}, {2, 1}, {3, 3}}, 2) == "* 2\n* 1\n\n* 3\n");
}
