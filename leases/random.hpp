#pragma once

#include <optional>

#include "leases/service.hpp"

namespace sojourn::leases {

/// Random bytes. Those of the host leave nothing to save: two resumes of one checkpoint draw
/// different ones. With a seed they are the same in each run, and a resume goes on where the
/// checkpoint was.
class RandomService final : public Service {
public:
    /// Where a seeded sequence stands.
    struct State {
        std::uint64_t seed = 0;
        std::uint64_t position = 0;  ///< bytes drawn
    };

    /// Borrows the host's generator.
    static std::unique_ptr<RandomService> open(const Host& host, std::optional<std::uint64_t> seed);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::random; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    void release() override { random_ = nullptr; }
    Result<void> reacquire(const Host& host) override;

    void fill(MutableBytes out);

private:
    RandomService() = default;

    std::optional<State> seeded_;
    Random* random_ = nullptr;
};

}  // namespace sojourn::leases
