#pragma once

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "leases/lease.hpp"

namespace sojourn::leases {

/// When leases that are held for a time run out. Leases of equal duration stand in the order of
/// their deadlines by themselves, since a renewed one goes to the end: no operation but
/// renew_due() and overdue() looks at more than one of them.
///
/// Times are nanoseconds of Clock::boottime_ns(), given by the caller. Usable from any thread.
class Deadlines {
public:
    /// A lease is granted, got again or renewed. True when the next moment of renew_due() may be
    /// earlier by it.
    bool set(LeaseId id, std::uint64_t ttl_ns, std::uint64_t now_ns);
    void erase(LeaseId id);

    [[nodiscard]] std::optional<std::uint64_t> of(LeaseId id) const;
    [[nodiscard]] bool is_overdue(LeaseId id, std::uint64_t now_ns) const;
    [[nodiscard]] std::vector<LeaseId> overdue(std::uint64_t now_ns) const;

    struct Renewed {
        std::optional<std::uint64_t> next_ns;  ///< when to come again; nullopt: nothing to renew
        bool has_overdue = false;              ///< of those that ran out before
    };
    /// Renews every lease that has used up a quarter of its time, but none that has run out.
    /// Coming again at the moment that it names renews each after half of its time.
    Renewed renew_due(std::uint64_t now_ns);

private:
    struct Entry {
        LeaseId id;
        std::uint64_t deadline_ns;
    };
    using Queue = std::list<Entry>;  // of one duration, the next to run out first
    struct Place {
        std::uint64_t ttl_ns;
        Queue::iterator entry;
    };

    void erase_locked(LeaseId id);

    mutable std::mutex mutex_;
    std::map<std::uint64_t, Queue> queues_;  // by duration
    std::unordered_map<LeaseId, Place> places_;
};

}  // namespace sojourn::leases
