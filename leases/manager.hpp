#pragma once

#include <map>
#include <memory>
#include <vector>

#include "leases/lease.hpp"
#include "leases/service.hpp"

namespace sojourn::leases {

/// Grants leases, renews them on use, takes them back by time or on demand, writes them down and
/// gets them again. One a process; used by the guest's thread alone.
class LeaseManager {
public:
    /// No leases yet. Borrows `host`. `epoch` is the holder's.
    LeaseManager(const Host& host, store::Epoch epoch);

    /// The leases that `state` describes, all of them expired. Trusts nothing it reads.
    /// Errors: corrupt, unsupported_format.
    static Result<std::unique_ptr<LeaseManager>> restore(Bytes state, const Host& host,
                                                         store::Epoch epoch);

    LeaseId grant(std::unique_ptr<Service> service, std::optional<std::uint64_t> ttl_ns);

    /// The service, renewed; re-established first if its lease has expired. Good until the
    /// lease is given back or expires. Errors: errno_of_lost(), or badf when it was given back.
    Answer<Service*> use(LeaseId id);

    /// The service as it is, which may hold nothing of the host; nullptr when it was given back.
    [[nodiscard]] Service* find(LeaseId id) const;

    /// Ends a lease for good: the descriptor was closed.
    void give_back(LeaseId id);

    /// Tells every service that the guest has renamed something, so that it is found again.
    void follow_rename(const Place& from, const Place& to);

    /// Captures and releases every service: nothing of the host is held afterwards, whatever the
    /// result. A service whose state can't be had is lost, and the first such error returned.
    Result<void> expire_all();

    /// Gets every expired service again, directories before what lies in them. A service that
    /// can't be had is `lost`; the guest sees the error of its kind at the next use.
    void reestablish_all();

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

    Result<void> read_lease(ByteReader& reader);
    void renew(Lease& lease) const;
    Result<void> expire(Held& held);
    void reestablish(Held& held);

    const Host& host_;
    store::Epoch epoch_;
    std::uint64_t next_id_ = 1;
    std::map<LeaseId, Held> held_;
};

}  // namespace sojourn::leases
