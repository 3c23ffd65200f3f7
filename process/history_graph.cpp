#include "process/history_graph.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace sojourn::process {

namespace {

using store::CheckpointInfo;
using store::Version;

class HistoryGraph {
public:
    HistoryGraph(std::span<const CheckpointInfo> checkpoints, Version head) {
        for (const CheckpointInfo& info : checkpoints)
            nodes_[info.id].info = &info;
        for (const CheckpointInfo& info : checkpoints) {
            Node* parent = parent_of(info);
            (parent == nullptr ? beginnings_ : parent->children).push_back(info.id);
        }
        rank(checkpoints, head);
    }

    std::vector<GraphRow> draw() && {
        for (const Version beginning : beginnings_) {
            if (!rows_.empty()) rows_.emplace_back();
            draw_branch(beginning, 0);
        }
        return std::move(rows_);
    }

private:
    struct Node {
        const CheckpointInfo* info = nullptr;
        Version rank = store::kNoVersion;  ///< the newest that grew from it; the head before all
        std::vector<Version> children;     ///< highest rank first
    };

    Node* parent_of(const CheckpointInfo& info) {
        const auto parent = nodes_.find(info.parent);
        // What claims to have grown from something newer is not followed in circles.
        return parent == nodes_.end() || info.parent >= info.id ? nullptr : &parent->second;
    }

    void rank(std::span<const CheckpointInfo> checkpoints, Version head) {
        // Numbers only grow from parent to child, so that each comes after all that grew from it.
        for (auto info = checkpoints.rbegin(); info != checkpoints.rend(); ++info) {
            Node& node = nodes_[info->id];
            node.rank = std::max(node.rank, info->id == head ? Version{UINT64_MAX} : info->id);
            sort(node.children);
            Node* parent = parent_of(*info);
            if (parent != nullptr) parent->rank = std::max(parent->rank, node.rank);
        }
        sort(beginnings_);
    }

    void sort(std::vector<Version>& versions) const {
        std::ranges::sort(versions, std::greater(),
                          [this](Version version) { return nodes_.at(version).rank; });
    }

    /// What grew from `first`, along the children of the highest rank; other children are branches
    /// that come back here, in the next column.
    void draw_branch(Version first, std::size_t column) {
        std::string lines;
        for (std::size_t left = 0; left < column; ++left)
            lines += "| ";
        std::vector<const Node*> line{&nodes_.at(first)};
        while (!line.back()->children.empty())
            line.push_back(&nodes_.at(line.back()->children.front()));
        for (auto node = line.rbegin(); node != line.rend(); ++node) {
            for (std::size_t index = 1; index < (*node)->children.size(); ++index) {
                draw_branch((*node)->children[index], column + 1);
                rows_.push_back({lines + "|/", nullptr});
            }
            rows_.push_back({lines + "*", (*node)->info});
        }
    }

    std::map<Version, Node> nodes_;
    std::vector<Version> beginnings_;
    std::vector<GraphRow> rows_;
};

}  // namespace

std::vector<GraphRow> draw_history(std::span<const CheckpointInfo> checkpoints, Version head) {
    return HistoryGraph(checkpoints, head).draw();
}

}  // namespace sojourn::process
