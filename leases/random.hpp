#pragma once

#include "leases/service.hpp"

namespace sojourn::leases {

/// Random bytes of the host. Nothing is saved: two resumes of one checkpoint draw different bytes.
class RandomService final : public Service {
public:
    /// Borrows the host's generator.
    static std::unique_ptr<RandomService> open(const Host& host);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::random; }
    std::string description() const override { return "random"; }
    Result<ByteVector> capture() override { return ByteVector(); }
    void release() override { random_ = nullptr; }
    Result<void> reacquire(const Host& host) override;

    void fill(MutableBytes out) { random_->fill(out); }

private:
    RandomService() = default;
    Random* random_ = nullptr;
};

}  // namespace sojourn::leases
