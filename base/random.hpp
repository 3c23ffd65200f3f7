#pragma once

#include "base/bytes.hpp"

namespace sojourn {

/// A source of random bytes, as a parameter so that a test can repeat itself.
class Random {
public:
    virtual ~Random() = default;
    virtual void fill(MutableBytes out) = 0;
};

/// The kernel's generator (getrandom). Stateless; usable from any thread.
class SystemRandom final : public Random {
public:
    void fill(MutableBytes out) override;
};

}  // namespace sojourn
