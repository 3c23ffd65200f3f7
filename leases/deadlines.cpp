#include "leases/deadlines.hpp"

#include <algorithm>

namespace sojourn::leases {

bool Deadlines::set(LeaseId id, std::uint64_t ttl_ns, std::uint64_t now_ns) {
    const std::lock_guard guard(mutex_);
    erase_locked(id);
    Queue& queue = queues_[ttl_ns];
    // Those before it that have not run out are renewed before it is.
    const bool is_first =
        std::ranges::all_of(queue, [&](const Entry& entry) { return entry.deadline_ns < now_ns; });
    queue.push_back({id, now_ns + ttl_ns});
    places_[id] = {ttl_ns, std::prev(queue.end())};
    return is_first;
}

void Deadlines::erase(LeaseId id) {
    const std::lock_guard guard(mutex_);
    erase_locked(id);
}

void Deadlines::erase_locked(LeaseId id) {
    const auto place = places_.find(id);
    if (place == places_.end()) return;
    queues_[place->second.ttl_ns].erase(place->second.entry);
    places_.erase(place);
}

std::optional<std::uint64_t> Deadlines::of(LeaseId id) const {
    const std::lock_guard guard(mutex_);
    const auto place = places_.find(id);
    if (place == places_.end()) return std::nullopt;
    return place->second.entry->deadline_ns;
}

bool Deadlines::is_overdue(LeaseId id, std::uint64_t now_ns) const {
    const auto deadline_ns = of(id);
    return deadline_ns && *deadline_ns < now_ns;
}

std::vector<LeaseId> Deadlines::overdue(std::uint64_t now_ns) const {
    const std::lock_guard guard(mutex_);
    std::vector<LeaseId> ids;
    for (const auto& [ttl_ns, queue] : queues_) {
        for (const Entry& entry : queue) {
            if (entry.deadline_ns >= now_ns) break;
            ids.push_back(entry.id);
        }
    }
    return ids;
}

Deadlines::Renewed Deadlines::renew_due(std::uint64_t now_ns) {
    const std::lock_guard guard(mutex_);
    Renewed result;
    for (auto& [ttl_ns, queue] : queues_) {
        auto next = queue.begin();
        while (next != queue.end()) {
            const auto entry = next++;
            if (entry->deadline_ns < now_ns) {
                result.has_overdue = true;
                continue;
            }
            const bool is_fresh = entry->deadline_ns - now_ns >= ttl_ns - ttl_ns / 4;
            if (is_fresh) {
                const std::uint64_t half_used_ns = entry->deadline_ns - ttl_ns / 2;
                result.next_ns = std::min(result.next_ns.value_or(UINT64_MAX), half_used_ns);
                break;
            }
            entry->deadline_ns = now_ns + ttl_ns;
            queue.splice(queue.end(), queue, entry);
            if (next == queue.end()) next = entry;
        }
    }
    return result;
}

}  // namespace sojourn::leases
