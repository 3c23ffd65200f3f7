#include "process/internal/grants.hpp"

namespace sojourn::process {

Result<void> keep_grants(const leases::LeaseManager& leases, store::Store& store,
                         const store::ProcessRecord& process) {
    return keep_grants(leases::grants_of(leases), {}, store, process);
}

Result<leases::Grants> kept_grants(const store::Store& store, const store::ProcessRecord& process) {
    const ByteVector kept = TRY(store.grants(process.id));
    if (kept.empty()) return leases::Grants();
    return leases::Grants::decode(kept);
}

Result<void> keep_grants(const leases::Grants& grants, const leases::Grants& before,
                         store::Store& store, const store::ProcessRecord& process) {
    if (grants == before) return {};
    return store.set_grants(process.id, grants.encode());
}

}  // namespace sojourn::process
