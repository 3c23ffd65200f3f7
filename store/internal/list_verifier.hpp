#pragma once

#include <deque>
#include <mutex>

#include "store/internal/findings.hpp"
#include "store/internal/read_points.hpp"
#include "store/internal/written_lists.hpp"
#include "store/verify.hpp"

namespace sojourn::store {

/// Reads the values that the lists of what versions wrote name, several lists at once. Borrows all
/// that it is given.
class ListVerifier {
public:
    ListVerifier(const Environment& environment, std::size_t unit_bytes, const BytesSeen& progress)
        : environment_(environment), unit_bytes_(unit_bytes), progress_(progress) {}

    /// Takes list after list until none is left; by any number of threads.
    Result<void> work();

    // When all of them have returned:

    /// How many units the lists name.
    [[nodiscard]] std::uint64_t unit_count() const { return unit_count_; }
    /// In the order of the lists.
    void give_problems_to(std::vector<std::string>& problems);

private:
    struct Task {
        WrittenList list;
        Findings* findings;
    };
    /// What one thread needs.
    struct Bench {
        ByteVector unit;
        std::optional<ReadPoints> points;
        std::uint64_t points_commit = 0;
    };

    Result<std::optional<Task>> take(const Transaction& transaction);
    Result<void> work_at(Bench& bench);
    Result<void> check(const ReadTransaction& transaction, const Task& task, Bench& bench) const;

    const Environment& environment_;
    std::size_t unit_bytes_;
    const BytesSeen& progress_;
    std::mutex mutex_;  ///< guards what follows
    ListKey from_;
    bool is_at_end_ = false;
    std::deque<Findings> findings_;  ///< of each list; they stay where they are
    std::uint64_t unit_count_ = 0;
};

}  // namespace sojourn::store
