#include "leases/random.hpp"

namespace sojourn::leases {

std::unique_ptr<RandomService> RandomService::open(const Host& host) {
    std::unique_ptr<RandomService> service(new RandomService());
    service->random_ = &host.random;
    return service;
}

Result<std::unique_ptr<Service>> RandomService::restore(Bytes state) {
    TRY(ByteReader(state, "the state of a random lease").expect_end());
    return std::unique_ptr<Service>(new RandomService());
}

Result<void> RandomService::reacquire(const Host& host) {
    random_ = &host.random;
    return {};
}

}  // namespace sojourn::leases
