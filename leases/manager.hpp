#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "leases/deadlines.hpp"
#include "leases/lease.hpp"
#include "leases/renewal.hpp"
#include "leases/service.hpp"

namespace sojourn::leases {

/// Grants leases, renews them in the background, takes them back by time or on demand, writes them
/// down and gets them again. One a process; used by the guest's thread alone.
///
/// Time is counted on the holder's own clock, with the time that its host was suspended. A holder
/// that was paused for longer than a lease lasts finds it expired, at the latest when it next uses
/// the service.
class LeaseManager {
public:
    /// No leases yet. Borrows `host`. `epoch` is the holder's.
    LeaseManager(const Host& host, store::Epoch epoch);

    /// The leases that `state` describes, all of them expired. Trusts nothing it reads.
    /// Errors: corrupt, unsupported_format.
    static Result<std::unique_ptr<LeaseManager>> restore(Bytes state, const Host& host,
                                                         store::Epoch epoch);

    /// For how long leases are granted from now on, and those of these kinds that there are. Kinds
    /// without a term here keep theirs. Requires: not yet renewed in the background.
    void set_terms(const LeaseTerms& terms);

    /// From now on what is held for a time is renewed on a thread of its own. `on_overdue` is
    /// called from there when leases have run out all the same: then expire_overdue() is to be
    /// called. Without terms there is nothing to do, and no thread.
    Result<void> renew_in_background(std::function<void()> on_overdue);

    /// Called with every lease that has changed its state, by whoever changed it.
    void observe(std::function<void(const Lease&)> observer) { observer_ = std::move(observer); }

    LeaseId grant(std::unique_ptr<Service> service);

    /// The service; re-established first if its lease has expired. Good until the lease is given
    /// back or expires. Errors: errno_of_lost(), or badf when it was given back.
    Answer<Service*> use(LeaseId id);

    /// The service as it is, which may hold nothing of the host; nullptr when it was given back.
    [[nodiscard]] Service* find(LeaseId id) const;

    /// Ends a lease for good: the descriptor was closed.
    void give_back(LeaseId id);

    /// The guest is about to remove or replace a name: what it has open by it, and has expired, is
    /// got again, since nothing leads to it afterwards.
    void hold_what_is_at(const Place& place);
    /// Tells every service that the guest has renamed something, so that it is found again.
    void follow_rename(const Place& from, const Place& to);

    /// Captures and releases one service, which the next use gets again. Errors: not_found when
    /// there is no such lease; what the capture says, and the lease is lost then.
    Result<void> expire(LeaseId id);
    /// The same for every service: nothing of the host is held afterwards, whatever the result,
    /// which is the first error.
    Result<void> expire_all();
    /// The same for what has run out. A failure shows as the state `lost`.
    void expire_overdue();

    /// Nothing is to get the service again: every use gives the error of its kind.
    /// Requires: it is there, and expired.
    void lose(LeaseId id, std::string because);

    /// Begins the time of a lease anew, and gets it again if it has expired. Errors: not_found when
    /// there is no such lease; lease_lost, with the reason, when it is or becomes lost.
    Result<void> renew(LeaseId id);
    /// The same for all that are not lost; the first error, after all were tried.
    Result<void> renew_all();

    /// Gets every expired service again, directories before what lies in them. A service that
    /// can't be had is `lost`; the guest sees the error of its kind at the next use.
    void reestablish_all();

    /// Every place that a service is found again at.
    [[nodiscard]] std::vector<Place*> places();

    /// The state of all leases, for a checkpoint. Releases nothing.
    Result<ByteVector> capture();

    [[nodiscard]] std::vector<Lease> leases() const;
    [[nodiscard]] const Host& host() const { return host_; }

private:
    struct Held {
        Lease lease;
        std::unique_ptr<Service> service;
        [[nodiscard]] bool holds_host_objects() const;
    };

    Result<void> read_terms(ByteReader& reader);
    Result<void> read_lease(ByteReader& reader);
    Result<Held*> expect(LeaseId id);
    [[nodiscard]] bool is_overdue(const Held& held) const;
    void begin_term(const Held& held);
    Result<void> expire(Held& held);
    void reestablish(Held& held);
    void announce(const Held& held) const;

    const Host& host_;
    store::Epoch epoch_;
    std::uint64_t next_id_ = 1;
    LeaseTerms terms_;
    std::map<LeaseId, Held> held_;
    std::function<void(const Lease&)> observer_;
    Deadlines deadlines_;
    std::unique_ptr<Renewal> renewal_;  // ends before what it renews
};

}  // namespace sojourn::leases
