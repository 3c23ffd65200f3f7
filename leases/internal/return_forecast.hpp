#pragma once

#include <map>
#include <set>
#include <string>

#include "leases/internal/history_state.hpp"

namespace sojourn::leases {

/// What FileHistory::roll_back() would do to files and what would be in its way, found without
/// doing it. Borrows the history, and is of the moment at which it was made.
class ReturnForecast {
public:
    /// Of a way back to `position`. Errors: not_found: the history does not reach it; corrupt; io.
    static Result<ReturnForecast> of(FileHistory::State& history, HistoryPosition position);

    /// As WillChange (file_history.hpp).
    [[nodiscard]] Result<bool> will_change(const Place& place) const;

private:
    explicit ReturnForecast(FileHistory::State& history) : history_(&history) {}
    Result<void> read(HistoryPosition position);
    void look_at(const Change& change);
    [[nodiscard]] bool is_renamed(const Place& place) const;

    FileHistory::State* history_;
    std::map<FileIdentity, Change> left_;  ///< how files were left, by the newest record of each
    std::set<FileIdentity> changed_;
    std::set<std::string> names_;  ///< that were made, moved or removed
    bool was_restarted_ = false;   ///< the host: how far changes reached the disk is not known
};

}  // namespace sojourn::leases
