#include "leases/internal/return_forecast.hpp"

#include <fcntl.h>

#include "leases/internal/rollback.hpp"

namespace sojourn::leases {

Result<ReturnForecast> ReturnForecast::of(FileHistory::State& history, HistoryPosition position) {
    TRY(expect_reached(*history.journal, position));
    ReturnForecast forecast(history);
    TRY(forecast.read(position));
    return forecast;
}

/// What was undone already counts as changed, and how files were left by that counts.
Result<void> ReturnForecast::read(HistoryPosition position) {
    for (std::uint64_t at = plain(history_->journal->end()); at > plain(position); --at) {
        const ByteVector record = TRY(history_->journal->read(HistoryPosition{at - 1}));
        look_at(TRY(decode_change(record)));
    }
    return {};
}

void ReturnForecast::look_at(const Change& change) {
    switch (change.kind) {
        case ChangeKind::content:
            changed_.insert(change.identity);
            break;
        case ChangeKind::created:
        case ChangeKind::moved:
        case ChangeKind::directory_removed:
            names_.insert(change.place.description());
            names_.insert(change.target.description());
            break;
        case ChangeKind::left:
            left_.emplace(change.identity, change);
            break;
        case ChangeKind::restarted:
            was_restarted_ = true;
            break;
        case ChangeKind::barrier:
        case ChangeKind::nothing:
            break;
    }
}

/// It, or a directory on the way to it.
bool ReturnForecast::is_renamed(const Place& place) const {
    std::string name = place.description();
    while (!name.empty() && !names_.contains(name)) {
        const auto slash = name.rfind('/');
        name.resize(slash == std::string::npos ? 0 : slash);
    }
    return !name.empty();
}

Result<bool> ReturnForecast::will_change(const Place& place) const {
    if (place.is_in_attic() || !place.is_brought_back()) return place.is_brought_back();
    if (is_renamed(place)) return true;
    const auto opened = history_->open_at(place, O_PATH | O_NOFOLLOW);
    const auto status = opened.ok() ? host_status_of(opened->get()) : std::nullopt;
    if (!status || !changed_.contains(history_->attic.identity_of(*status))) return false;
    const bool is_known = !was_restarted_ || place.on_resume != OnResume::rollback_synced;
    const auto left = left_.find(history_->attic.identity_of(*status));
    if (is_known && left != left_.end()) TRY(expect_as_left(place, left->second, *status));
    return true;
}

}  // namespace sojourn::leases
